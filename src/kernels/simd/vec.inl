// SPDX-License-Identifier: Apache-2.0
// Vectors of kVecBytes bytes and what the compiler can do with them by itself. Included inside the
// ISA's namespace, after kVecBytes. The ISA header adds what needs an instruction of its own.

constexpr int kLanes = kVecBytes / 4;

/// Calls fn(0) … fn(N − 1), written out: arrays indexed by fn's argument can live in registers
/// whatever a compiler thinks of unrolling.
template <int N, typename Fn>
[[gnu::always_inline]] inline void repeat(const Fn& fn) {
  if constexpr (N > 0) {
    repeat<N - 1>(fn);
    fn(N - 1);
  }
}

using F = float __attribute__((vector_size(kVecBytes)));
using I = int32_t __attribute__((vector_size(kVecBytes)));
using U = uint32_t __attribute__((vector_size(kVecBytes)));
using Bytes = uint8_t __attribute__((vector_size(kLanes)));

[[gnu::always_inline]] inline F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

[[gnu::always_inline]] inline void store(float* p, F v) { __builtin_memcpy(p, &v, sizeof v); }

[[gnu::always_inline]] inline I load_i(const void* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

[[gnu::always_inline]] inline void store_i(void* p, I v) { __builtin_memcpy(p, &v, sizeof v); }

/// All lanes x. (x − {} would turn −0 into +0 for {} − x only; x − 0 keeps it.)
[[gnu::always_inline]] inline F set(float x) { return x - F{}; }
[[gnu::always_inline]] inline I set_i(int32_t x) { return x - I{}; }

/// Sums and products of integers that a model's numbers may make overflow: they wrap.
[[gnu::always_inline]] inline I wrapping_add(I a, I b) {
  return reinterpret_cast<I>(reinterpret_cast<U>(a) + reinterpret_cast<U>(b));
}
[[gnu::always_inline]] inline I wrapping_mul(I a, I b) {
  return reinterpret_cast<I>(reinterpret_cast<U>(a) * reinterpret_cast<U>(b));
}

[[gnu::always_inline]] inline F to_float(I v) { return __builtin_convertvector(v, F); }
/// Towards zero; |v| < 2^31.
[[gnu::always_inline]] inline I truncate(F v) { return __builtin_convertvector(v, I); }

/// mask ? x : y, lane by lane; mask from a comparison.
[[gnu::always_inline]] inline F select(I mask, F x, F y) {
  return reinterpret_cast<F>((mask & reinterpret_cast<I>(x)) | (~mask & reinterpret_cast<I>(y)));
}

/// Nearest integer, ties to even, for |v| ≤ 2^22: adding 1.5·2^23 leaves the integer in the low
/// bits of the sum. The same on every tier, as nothing here may be contracted or reassociated.
[[gnu::always_inline]] inline I round_int(F v) {
  return reinterpret_cast<I>(v + 12582912.0f) - 0x4b400000;
}

/// round_int of one float.
[[gnu::always_inline]] inline int32_t round_int1(float v) {
  const float shifted = v + 12582912.0f;
  int32_t bits;
  __builtin_memcpy(&bits, &shifted, 4);
  return bits - 0x4b400000;
}
