// SPDX-License-Identifier: Apache-2.0
// What wide_x86.inl gives, for vectors of 16 bytes of any CPU. Included after simd/<isa>.h of such
// a tier.

constexpr bool kWideVnni = false;
constexpr bool kWideInherited = false;
/// Whether packed weights are pairs of int16 instead of bytes.
constexpr bool kWideWords = false;

/// Whether loops over filters of known size are worth their code.
#if defined(__ARM_NEON) || defined(__wasm_simd128__)
constexpr bool kWideUnrolled = true;
#else
constexpr bool kWideUnrolled = false;
#endif

/// See wide_x86.inl.
template <class W>
struct WideLimits {
  typename W::V zero_point, lo, hi, flip;
};

struct Wide16 {
  static_assert(kVecBytes == 16);
  static constexpr int kBytes = 16;
  using V = I;
  using Floats = F;
  using Ints = I;
  using Bytes16 = uint8_t __attribute__((vector_size(16)));
  using Words8 = uint16_t __attribute__((vector_size(16)));
  [[gnu::always_inline]] static V load(const void* p) { return load_i(p); }
  [[gnu::always_inline]] static void store(void* p, V v) { store_i(p, v); }
  static V load_n(const uint8_t* p, int64_t n) {
    V v = {};
    __builtin_memcpy(&v, p, static_cast<size_t>(n));
    return v;
  }
  static void store_n(uint8_t* p, V v, int64_t n) {
    __builtin_memcpy(p, &v, static_cast<size_t>(n));
  }
  static V set8(int x) { return set32(static_cast<int32_t>((x & 255) * 0x01010101u)); }
  static V set16(int x) { return set32(static_cast<int32_t>((x & 0xffff) * 0x00010001u)); }
  static V set32(int32_t x) { return set_i(x); }
  static V lo8(V a, V b) {
    const auto x = reinterpret_cast<Bytes16>(a), y = reinterpret_cast<Bytes16>(b);
    return reinterpret_cast<V>(
        __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  }
  static V hi8(V a, V b) {
    const auto x = reinterpret_cast<Bytes16>(a), y = reinterpret_cast<Bytes16>(b);
    return reinterpret_cast<V>(__builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                                       13, 29, 14, 30, 15, 31));
  }
  static V lo16(V a, V b) {
    const auto x = reinterpret_cast<Words8>(a), y = reinterpret_cast<Words8>(b);
    return reinterpret_cast<V>(__builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
  }
  static V hi16(V a, V b) {
    const auto x = reinterpret_cast<Words8>(a), y = reinterpret_cast<Words8>(b);
    return reinterpret_cast<V>(__builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15));
  }
  static V mul32(V a, V b) { return wrapping_mul(a, b); }
  /// Nearest integer, ties to even; limited to ±2^22.
  static V to_int(F v) { return round_int(minimum(maximum(v, set(-0x1p22f)), set(0x1p22f))); }
  static V byte_sums(V v) {
    const V pairs = (v & 0x00ff00ff) + (v >> 8 & 0x00ff00ff);
    return (pairs & 0xffff) + (pairs >> 16);
  }
  static F limited(F v) { return v; }
  template <bool kLimited = true>
  static V narrow(V a, V b, V c, V d, const WideLimits<Wide16>& k) {
    const V parts[] = {a, b, c, d};
    int8_t lo[16], hi[16];
    int16_t zero_point[8];
    store_i(lo, k.lo), store_i(hi, k.hi), store_i(zero_point, k.zero_point);
    uint8_t bytes[16];
    for (int g = 0; g < 4; ++g) {
      I v = parts[g] + zero_point[0];
      v = truncate(minimum(maximum(to_float(v), set(lo[0])), set(hi[0])));
      store_u8(bytes + 4 * g, v);
    }
    return load_i(bytes) ^ k.flip;
  }
};

/// See wide_x86.inl.
template <class W>
struct WideOperands {
  using A = DotA;
  using B = DotW;
  [[gnu::always_inline]] static A activations(I v) { return dot_a(v); }
  [[gnu::always_inline]] static B weights(const uint8_t* p) { return dot_w(load_i(p)); }
  [[gnu::always_inline]] static I dot(I acc, A a, B b) { return dot4(acc, a, b); }
};

using WideFull = Wide16;
using WideHalf = Wide16;
