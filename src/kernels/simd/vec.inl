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

constexpr int kHalfLanes = kVecBytes / 2;  ///< 16-bit lanes
using VecBytes = uint8_t __attribute__((vector_size(kVecBytes)));
using HalfBytes = uint8_t __attribute__((vector_size(kHalfLanes)));
using Words = int16_t __attribute__((vector_size(kVecBytes)));
using W16 = uint16_t __attribute__((vector_size(kVecBytes)));
using HalfWords = uint16_t __attribute__((vector_size(kHalfLanes)));

[[gnu::always_inline]] inline F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

[[gnu::always_inline]] inline void store(float* p, F v) {
  __builtin_memcpy(p, &v, sizeof v);
}

[[gnu::always_inline]] inline VecBytes load_bytes(const uint8_t* p) {
  VecBytes v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
[[gnu::always_inline]] inline void store_bytes(uint8_t* p, VecBytes v) {
  __builtin_memcpy(p, &v, sizeof v);
}
[[gnu::always_inline]] inline VecBytes larger_bytes(VecBytes a, VecBytes b) {
  return a > b ? a : b;
}
[[gnu::always_inline]] inline VecBytes smaller_bytes(VecBytes a, VecBytes b) {
  return a > b ? b : a;
}

[[gnu::always_inline]] inline I load_i(const void* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

[[gnu::always_inline]] inline void store_i(void* p, I v) {
  __builtin_memcpy(p, &v, sizeof v);
}

/// All lanes x. (x − {} would turn −0 into +0 for {} − x only; x − 0 keeps it.)
[[gnu::always_inline]] inline F set(float x) {
  return x - F{};
}
[[gnu::always_inline]] inline I set_i(int32_t x) {
  return x - I{};
}

/// Sums and products of integers that a model's numbers may make overflow: they wrap.
[[gnu::always_inline]] inline I wrapping_add(I a, I b) {
  return reinterpret_cast<I>(reinterpret_cast<U>(a) + reinterpret_cast<U>(b));
}
[[gnu::always_inline]] inline I wrapping_mul(I a, I b) {
  return reinterpret_cast<I>(reinterpret_cast<U>(a) * reinterpret_cast<U>(b));
}

[[gnu::always_inline]] inline F to_float(I v) {
  return __builtin_convertvector(v, F);
}
/// Towards zero; |v| < 2^31.
[[gnu::always_inline]] inline I truncate(F v) {
  return __builtin_convertvector(v, I);
}

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

/// The numbers 0 … n − 1 as template arguments.
template <int... i>
struct Lanes {};
template <int n, int... i>
struct FirstLanes : FirstLanes<n - 1, n - 1, i...> {};
template <int... i>
struct FirstLanes<0, i...> {
  using Type = Lanes<i...>;
};

template <int step, int... i>
[[gnu::always_inline]] inline F swap_lanes(F v, Lanes<i...>) {
  return __builtin_shufflevector(v, v, (i ^ step)...);
}
/// fn folded over all lanes of v, in every lane of the result.
template <int step = kLanes / 2, typename Fn>
[[gnu::always_inline]] inline F fold_lanes(F v, Fn fn) {
  v = fn(v, swap_lanes<step>(v, FirstLanes<kLanes>::Type{}));
  if constexpr (step > 1) {
    return fold_lanes<step / 2>(v, fn);
  } else {
    return v;
  }
}
[[gnu::always_inline]] inline F sum_lanes(F v) {
  return fold_lanes(v, [](F a, F b) { return a + b; });
}

template <int first, int... i>
[[gnu::always_inline]] inline F every_second(F a, F b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (2 * i + first)...);
}
/// a and b taken for one list of pairs: the first (second) number of each.
[[gnu::always_inline]] inline F even_lanes(F a, F b) {
  return every_second<0>(a, b, FirstLanes<kLanes>::Type{});
}
[[gnu::always_inline]] inline F odd_lanes(F a, F b) {
  return every_second<1>(a, b, FirstLanes<kLanes>::Type{});
}

template <int first, int... i>
[[gnu::always_inline]] inline F interleaved(F a, F b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (first + i / 2 + i % 2 * kLanes)...);
}
/// a[0], b[0], a[1], b[1] …: the first half of them, the second half.
[[gnu::always_inline]] inline F interleave_low(F a, F b) {
  return interleaved<0>(a, b, FirstLanes<kLanes>::Type{});
}
[[gnu::always_inline]] inline F interleave_high(F a, F b) {
  return interleaved<kLanes / 2>(a, b, FirstLanes<kLanes>::Type{});
}

#ifndef __AVX512F__  // else avx512.h has instructions
/// Whether permute_pair is there, one instruction.
constexpr bool kHasPairPermute = false;
[[gnu::always_inline]] inline F permute_pair(F a, F, I) {
  return a;
}
/// About 1/x, relative error ≤ 3e-7, for 2^−126 ≤ |x| < 2^127.
[[gnu::always_inline]] inline F reciprocal(F x) {
  return 1.0f / x;
}
/// p · 2^n for integers −152 ≤ n ≤ 128 and 2^−1 < p < 2. In two halves, so that results below
/// 2^−126 and the overflow to infinity come out right.
[[gnu::always_inline]] inline F scale_by_power(F p, F n) {
  const I whole = truncate(n);
  const I half = whole >> 1;
  return p * reinterpret_cast<F>((half + 127) << 23) *
         reinterpret_cast<F>((whole - half + 127) << 23);
}
/// In lanes where x < 0, factor · p + factor − 1; x in the others.
[[gnu::always_inline]] inline F below_zero(F x, F factor, F p) {
  return select(x < 0.0f, factor * p + (factor - 1.0f), x);
}
#endif

#ifndef __AVX2__  // else the ISA's header has instructions
template <int first, int... i>
[[gnu::always_inline]] inline Words bytes_shifted(VecBytes v, Lanes<i...>) {
  return reinterpret_cast<Words>(
      __builtin_shufflevector(v, VecBytes{}, (i % 2 == 0 ? kVecBytes : first + i / 2)...));
}
template <int... i>
[[gnu::always_inline]] inline VecBytes even_bytes(VecBytes a, VecBytes b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (2 * i)...);
}
/// Signed bytes · 2^8: half of them, the other half. Which is which only pack_words knows.
[[gnu::always_inline]] inline Words unpack_low(VecBytes v) {
  return bytes_shifted<0>(v, FirstLanes<kVecBytes>::Type{});
}
[[gnu::always_inline]] inline Words unpack_high(VecBytes v) {
  return bytes_shifted<kHalfLanes>(v, FirstLanes<kVecBytes>::Type{});
}
/// Two halves as they come from unpack_low and unpack_high, limited to 0 … 255.
[[gnu::always_inline]] inline VecBytes pack_words(Words low, Words high) {
  const auto limit = [](Words v) {
    v = v > 255 ? Words{} + 255 : v;
    return reinterpret_cast<VecBytes>(v < 0 ? Words{} : v);
  };
  return even_bytes(limit(low), limit(high), FirstLanes<kVecBytes>::Type{});
}
/// Whether permute is one instruction.
constexpr bool kHasPermute = false;
/// v[index[i]] in lane i, for indices below kLanes.
[[gnu::always_inline]] inline F permute(F v, I index) {
  F result = {};
  for (int i = 0; i < kLanes; ++i) result[i] = v[index[i]];
  return result;
}
/// Whether a mask from a comparison is true in every lane.
[[gnu::always_inline]] inline bool all_lanes(I mask) {
  bool all = true;
  for (int i = 0; i < kLanes; ++i) all = all && mask[i] != 0;
  return all;
}
#endif

#ifndef __AVX512BW__  // else avx512.h has the instruction
constexpr bool kHasWordPermute = false;
/// v[index[i]] in lane i, for indices below kHalfLanes.
[[gnu::always_inline]] inline Words permute_words(Words v, Words index) {
  Words result = {};
  for (int i = 0; i < kHalfLanes; ++i) result[i] = v[index[i]];
  return result;
}
#endif
