// SPDX-License-Identifier: Apache-2.0
// Vectors of 16, 32 and 64 bytes that work on each 16 bytes by themselves, for 8-bit depthwise
// convolution. Interleaving the bytes of four rows gives four vectors; part g of them has in lane l
// the channels 16·l + 4·g … + 3, and narrowing puts four such parts back into order.
// Needs <immintrin.h>; the AVX-512 tiers define kVnni.

#if defined(__AVX512BW__)
constexpr bool kWideVnni = kVnni;
#else
constexpr bool kWideVnni = false;
#endif
/// Whether the tier keeps the depthwise_q8 of the one below: 64 bytes without VNNI gain little.
#if defined(__AVX512BW__)
constexpr bool kWideInherited = !kWideVnni;
#else
constexpr bool kWideInherited = false;
#endif
/// Whether packed weights are pairs of int16 (even bytes, then odd ones) instead of bytes.
constexpr bool kWideWords = !kWideVnni;

/// Whether loops over filters of known size are worth their code.
constexpr bool kWideUnrolled = true;

/// What the narrowing of sums to 8 bits needs, the same in every lane: zero point in int16, limits
/// in int8, and what turns int8 into the type of the results.
template <class W>
struct WideLimits {
  typename W::V zero_point, lo, hi, flip;
};

struct Wide16 {
  static constexpr int kBytes = 16;
  using V = __m128i;
  using Floats = float __attribute__((vector_size(16)));
  using Ints = int32_t __attribute__((vector_size(16)));
  [[gnu::always_inline]] static V load(const void* p) {
    return _mm_loadu_si128(static_cast<const __m128i_u*>(p));
  }
  [[gnu::always_inline]] static void store(void* p, V v) {
    _mm_storeu_si128(static_cast<__m128i_u*>(p), v);
  }
  static V load_n(const uint8_t* p, int64_t n) {
    V v = _mm_setzero_si128();
    __builtin_memcpy(&v, p, static_cast<size_t>(n));
    return v;
  }
  static void store_n(uint8_t* p, V v, int64_t n) {
    __builtin_memcpy(p, &v, static_cast<size_t>(n));
  }
  static V set8(int x) { return _mm_set1_epi8(static_cast<char>(x)); }
  static V set16(int x) { return _mm_set1_epi16(static_cast<int16_t>(x)); }
  static V set32(int32_t x) { return _mm_set1_epi32(x); }
  static V lo8(V a, V b) { return _mm_unpacklo_epi8(a, b); }
  static V hi8(V a, V b) { return _mm_unpackhi_epi8(a, b); }
  static V lo16(V a, V b) { return _mm_unpacklo_epi16(a, b); }
  static V hi16(V a, V b) { return _mm_unpackhi_epi16(a, b); }
  static V srl16(V a) { return _mm_srli_epi16(a, 8); }
  static V add32(V a, V b) { return _mm_add_epi32(a, b); }
  static V mul32(V a, V b) { return _mm_mullo_epi32(a, b); }
  static V madd(V a, V b) { return _mm_madd_epi16(a, b); }
  static V mullo16(V a, V b) { return _mm_mullo_epi16(a, b); }
  static V mulhi16(V a, V b) { return _mm_mulhi_epi16(a, b); }
  /// Sums of some bytes in every lane of 32 bits.
  static V byte_sums(V v) { return _mm_sad_epu8(v, _mm_setzero_si128()); }
  /// Numbers from 2^31 on come out below all others.
  static V to_int(Floats v) { return _mm_cvtps_epi32(v); }
  static Floats limited(Floats v) { return _mm_min_ps(v, _mm_set1_ps(0x1p22f)); }
  /// Four parts to bytes; where not kLimited, as int8 and with its limits.
  template <bool kLimited = true>
  static V narrow(V a, V b, V c, V d, const WideLimits<Wide16>& k) {
    const V ab = _mm_adds_epi16(_mm_packs_epi32(a, b), k.zero_point);
    const V cd = _mm_adds_epi16(_mm_packs_epi32(c, d), k.zero_point);
    const V v = _mm_packs_epi16(ab, cd);
    return kLimited ? _mm_min_epi8(_mm_max_epi8(v, k.lo), k.hi) ^ k.flip : v;
  }
};

#if defined(__AVX2__)
struct Wide32 {
  static constexpr int kBytes = 32;
  using V = __m256i;
  using Floats = float __attribute__((vector_size(32)));
  using Ints = int32_t __attribute__((vector_size(32)));
  [[gnu::always_inline]] static V load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i_u*>(p));
  }
  [[gnu::always_inline]] static void store(void* p, V v) {
    _mm256_storeu_si256(static_cast<__m256i_u*>(p), v);
  }
#if defined(__AVX512BW__)
  static __mmask32 first(int64_t n) {
    return n >= 32 ? ~0u : (1u << n) - 1u;
  }
  [[gnu::always_inline]] static V load_n(const uint8_t* p, int64_t n) {
    return _mm256_maskz_loadu_epi8(first(n), p);
  }
  [[gnu::always_inline]] static void store_n(uint8_t* p, V v, int64_t n) {
    _mm256_mask_storeu_epi8(p, first(n), v);
  }
#else
  static V load_n(const uint8_t* p, int64_t n) {
    V v = _mm256_setzero_si256();
    __builtin_memcpy(&v, p, static_cast<size_t>(n));
    return v;
  }
  static void store_n(uint8_t* p, V v, int64_t n) {
    __builtin_memcpy(p, &v, static_cast<size_t>(n));
  }
#endif
#if defined(__AVX512VNNI__)
  static V dot(V acc, V a, V w) {
    return _mm256_dpbusd_epi32(acc, a, w);
  }
#endif
  static V set8(int x) {
    return _mm256_set1_epi8(static_cast<char>(x));
  }
  static V set16(int x) {
    return _mm256_set1_epi16(static_cast<int16_t>(x));
  }
  static V set32(int32_t x) {
    return _mm256_set1_epi32(x);
  }
  static V lo8(V a, V b) {
    return _mm256_unpacklo_epi8(a, b);
  }
  static V hi8(V a, V b) {
    return _mm256_unpackhi_epi8(a, b);
  }
  static V lo16(V a, V b) {
    return _mm256_unpacklo_epi16(a, b);
  }
  static V hi16(V a, V b) {
    return _mm256_unpackhi_epi16(a, b);
  }
  static V srl16(V a) {
    return _mm256_srli_epi16(a, 8);
  }
  static V add32(V a, V b) {
    return _mm256_add_epi32(a, b);
  }
  static V mul32(V a, V b) {
    return _mm256_mullo_epi32(a, b);
  }
  static V madd(V a, V b) {
    return _mm256_madd_epi16(a, b);
  }
  static V mullo16(V a, V b) {
    return _mm256_mullo_epi16(a, b);
  }
  static V mulhi16(V a, V b) {
    return _mm256_mulhi_epi16(a, b);
  }
  /// Sums of some bytes in every lane of 32 bits.
  static V byte_sums(V v) {
    return _mm256_sad_epu8(v, _mm256_setzero_si256());
  }
  /// Towards zero, and to_int to the nearest: numbers from 2^31 on come out below all others.
  static V to_int_down(Floats v) {
    return _mm256_cvttps_epi32(v);
  }
  static V to_int(Floats v) {
    return _mm256_cvtps_epi32(v);
  }
  static Floats limited(Floats v) {
    return _mm256_min_ps(v, _mm256_set1_ps(0x1p22f));
  }
  /// Four parts to bytes; where not kLimited, as int8 and with its limits.
  template <bool kLimited = true>
  static V narrow(V a, V b, V c, V d, const WideLimits<Wide32>& k) {
    const V ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), k.zero_point);
    const V cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), k.zero_point);
    const V v = _mm256_packs_epi16(ab, cd);
    return kLimited ? _mm256_min_epi8(_mm256_max_epi8(v, k.lo), k.hi) ^ k.flip : v;
  }
};
#endif

#if defined(__AVX512BW__)
struct Wide64 {
  static constexpr int kBytes = 64;
  using V = __m512i;
  using Floats = float __attribute__((vector_size(64)));
  using Ints = int32_t __attribute__((vector_size(64)));
  [[gnu::always_inline]] static V load(const void* p) { return _mm512_loadu_si512(p); }
  [[gnu::always_inline]] static void store(void* p, V v) { _mm512_storeu_si512(p, v); }
  static __mmask64 first(int64_t n) { return n >= 64 ? ~0ull : (1ull << n) - 1ull; }
  [[gnu::always_inline]] static V load_n(const uint8_t* p, int64_t n) {
    return _mm512_maskz_loadu_epi8(first(n), p);
  }
  [[gnu::always_inline]] static void store_n(uint8_t* p, V v, int64_t n) {
    _mm512_mask_storeu_epi8(p, first(n), v);
  }
#if defined(__AVX512VNNI__)
  static V dot(V acc, V a, V w) {
    return _mm512_dpbusd_epi32(acc, a, w);
  }
#endif
  static V set8(int x) {
    return _mm512_set1_epi8(static_cast<char>(x));
  }
  static V set16(int x) {
    return _mm512_set1_epi16(static_cast<int16_t>(x));
  }
  static V set32(int32_t x) {
    return _mm512_set1_epi32(x);
  }
  static V lo8(V a, V b) {
    return _mm512_unpacklo_epi8(a, b);
  }
  static V hi8(V a, V b) {
    return _mm512_unpackhi_epi8(a, b);
  }
  static V lo16(V a, V b) {
    return _mm512_unpacklo_epi16(a, b);
  }
  static V hi16(V a, V b) {
    return _mm512_unpackhi_epi16(a, b);
  }
  static V srl16(V a) {
    return _mm512_srli_epi16(a, 8);
  }
  static V add32(V a, V b) {
    return _mm512_add_epi32(a, b);
  }
  static V mul32(V a, V b) {
    return _mm512_mullo_epi32(a, b);
  }
  static V madd(V a, V b) {
    return _mm512_madd_epi16(a, b);
  }
  static V mullo16(V a, V b) {
    return _mm512_mullo_epi16(a, b);
  }
  static V mulhi16(V a, V b) {
    return _mm512_mulhi_epi16(a, b);
  }
  /// Sums of some bytes in every lane of 32 bits.
  static V byte_sums(V v) {
    return _mm512_sad_epu8(v, _mm512_setzero_si512());
  }
  /// Towards zero, and to_int to the nearest: numbers from 2^31 on come out below all others.
  static V to_int_down(Floats v) {
    return _mm512_cvttps_epi32(v);
  }
  static V to_int(Floats v) {
    return _mm512_cvtps_epi32(v);
  }
  static Floats limited(Floats v) {
    return _mm512_min_ps(v, _mm512_set1_ps(0x1p22f));
  }
  /// Four parts to bytes; where not kLimited, as int8 and with its limits.
  template <bool kLimited = true>
  static V narrow(V a, V b, V c, V d, const WideLimits<Wide64>& k) {
    const V ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), k.zero_point);
    const V cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), k.zero_point);
    const V v = _mm512_packs_epi16(ab, cd);
    return kLimited ? _mm512_min_epi8(_mm512_max_epi8(v, k.lo), k.hi) ^ k.flip : v;
  }
};
#endif

/// Operands of the product of four bytes: activations and weights as the tier wants them.
template <class W, bool Vnni>
struct WideOperandsOf {
  using A = typename W::V;
  using B = typename W::V;
  [[gnu::always_inline]] static A activations(A v) { return v; }
  [[gnu::always_inline]] static B weights(const uint8_t* p) { return W::load(p); }
  /// acc + Σ_4 a·b in every lane
  [[gnu::always_inline]] static A dot(A acc, A a, B b) { return W::dot(acc, a, b); }
};

template <class W>
struct WideOperandsOf<W, false> {
  using V = typename W::V;
  struct A {
    V even, odd;
  };
  using B = A;
  [[gnu::always_inline]] static A activations(V v) { return {v & W::set16(0xff), W::srl16(v)}; }
  [[gnu::always_inline]] static B weights(const uint8_t* p) {
    return {W::load(p), W::load(p + W::kBytes)};
  }
  [[gnu::always_inline]] static V dot(V acc, A a, B b) {
    return W::add32(acc, W::add32(W::madd(a.even, b.even), W::madd(a.odd, b.odd)));
  }
};

template <class W>
using WideOperands = WideOperandsOf<W, kWideVnni>;

#if defined(__AVX512BW__)
using WideFull = Wide64;
using WideHalf = Wide32;
#elif defined(__AVX2__)
using WideFull = Wide32;
using WideHalf = Wide16;
#else
using WideFull = Wide16;
using WideHalf = Wide16;
#endif
