// SPDX-License-Identifier: Apache-2.0
// AVX-512 F, BW, DQ, VL; kVnni adds its dot product. Included inside the ISA's namespace; the .cc
// includes <immintrin.h> before and defines kVnni.

constexpr int kVecBytes = 64;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 8;
constexpr int kGemmF32Nv = 3;
constexpr int kGemmQ8Mr = kVnni ? 12 : 8;
constexpr int kGemmQ8Nv = 2;

using S16 = int16_t __attribute__((vector_size(kVecBytes)));
using U16 = uint16_t __attribute__((vector_size(kVecBytes)));

constexpr bool kFused = true;  ///< whether fma rounds once
[[gnu::always_inline]] inline F fma(F a, F b, F c) {
  return _mm512_fmadd_ps(a, b, c);
}
/// sum + a · b. Not left to the compiler, which would spread a tile's sums over ever other
/// registers.
[[gnu::always_inline]] inline F add_product(F sum, F a, F b) {
  __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}
[[gnu::always_inline]] inline F minimum(F a, F b) {
  return _mm512_min_ps(b, a);
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return _mm512_max_ps(b, a);
}

/// As in vec.inl: an estimate of 14 bits, improved by one step of Newton's.
[[gnu::always_inline]] inline F reciprocal(F x) {
  const F y = _mm512_rcp14_ps(x);
  return fma(y, fma(-x, y, set(1.0f)), y);
}
[[gnu::always_inline]] inline F scale_by_power(F p, F n) {
  return _mm512_scalef_ps(p, n);
}

[[gnu::always_inline]] inline Words unpack_low(VecBytes v) {
  return reinterpret_cast<Words>(
      _mm512_unpacklo_epi8(_mm512_setzero_si512(), reinterpret_cast<__m512i>(v)));
}
[[gnu::always_inline]] inline Words unpack_high(VecBytes v) {
  return reinterpret_cast<Words>(
      _mm512_unpackhi_epi8(_mm512_setzero_si512(), reinterpret_cast<__m512i>(v)));
}
[[gnu::always_inline]] inline VecBytes pack_words(Words low, Words high) {
  return reinterpret_cast<VecBytes>(
      _mm512_packus_epi16(reinterpret_cast<__m512i>(low), reinterpret_cast<__m512i>(high)));
}

constexpr bool kHasPermute = true;
[[gnu::always_inline]] inline F permute(F v, I index) {
  return _mm512_permutexvar_ps(reinterpret_cast<__m512i>(index), v);
}
[[gnu::always_inline]] inline bool all_lanes(I mask) {
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) == 0xffff;
}

constexpr bool kHasPairPermute = true;
/// (a, b)[index[i] mod 2 · kLanes] in lane i.
[[gnu::always_inline]] inline F permute_pair(F a, F b, I index) {
  return _mm512_permutex2var_ps(a, reinterpret_cast<__m512i>(index), b);
}
/// In lanes where x < 0, factor · p + factor − 1; x in the others.
[[gnu::always_inline]] inline F below_zero(F x, F factor, F p) {
  const __mmask16 below = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  const F rest = _mm512_mask_sub_ps(x, below, factor, _mm512_set1_ps(1.0f));
  return _mm512_mask3_fmadd_ps(factor, p, rest, below);
}

constexpr bool kHasWordPermute = true;
[[gnu::always_inline]] inline Words permute_words(Words v, Words index) {
  return reinterpret_cast<Words>(
      _mm512_permutexvar_epi16(reinterpret_cast<__m512i>(index), reinterpret_cast<__m512i>(v)));
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  return reinterpret_cast<I>(
      _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p))));
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  _mm_storeu_si128(reinterpret_cast<__m128i_u*>(p),
                   _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(v)));
}

[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  return reinterpret_cast<S16>(
      _mm512_mulhrs_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}

[[gnu::always_inline]] inline VecBytes broadcast16(const uint8_t* p) {
  return reinterpret_cast<VecBytes>(
      _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p))));
}
[[gnu::always_inline]] inline VecBytes shuffle_bytes(VecBytes table, VecBytes index) {
  return reinterpret_cast<VecBytes>(
      _mm512_shuffle_epi8(reinterpret_cast<__m512i>(table), reinterpret_cast<__m512i>(index)));
}
[[gnu::always_inline]] inline VecBytes subtract_saturated(VecBytes a, VecBytes b) {
  return reinterpret_cast<VecBytes>(
      _mm512_subs_epi8(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}

[[gnu::always_inline]] inline I madd16(I a, I b) {
  return reinterpret_cast<I>(
      _mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}

[[gnu::always_inline]] inline __mmask16 first_lanes(int64_t n) {
  return static_cast<__mmask16>((1u << n) - 1u);
}

inline F load_n(const float* p, int64_t n) {
  return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
constexpr bool kMaskedStores = true;  ///< whether store_n is as fast as store
inline void store_n(float* p, F v, int64_t n) {
  _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
inline I load_n_i(const int32_t* p, int64_t n) {
  return reinterpret_cast<I>(_mm512_maskz_loadu_epi32(first_lanes(n), p));
}
inline void store_n_i(int32_t* p, I v, int64_t n) {
  _mm512_mask_storeu_epi32(p, first_lanes(n), reinterpret_cast<__m512i>(v));
}
inline __m128i load_bytes_n(const uint8_t* p, int64_t n) {
  return _mm_maskz_loadu_epi8(first_lanes(n), p);
}
inline I load_n_u8(const uint8_t* p, int64_t n) {
  return reinterpret_cast<I>(_mm512_cvtepu8_epi32(load_bytes_n(p, n)));
}
inline void store_n_u8(uint8_t* p, I v, int64_t n) {
  _mm_mask_storeu_epi8(p, first_lanes(n), _mm512_cvtepi32_epi8(reinterpret_cast<__m512i>(v)));
}

[[gnu::always_inline]] inline I interleave4_bytes(__m128i b0, __m128i b1, __m128i b2, __m128i b3) {
  const I w0 = reinterpret_cast<I>(_mm512_cvtepu8_epi32(b0)),
          w1 = reinterpret_cast<I>(_mm512_cvtepu8_epi32(b1));
  const I w2 = reinterpret_cast<I>(_mm512_cvtepu8_epi32(b2)),
          w3 = reinterpret_cast<I>(_mm512_cvtepu8_epi32(b3));
  return (w0 | w1 << 8) | (w2 << 16 | w3 << 24);
}

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  const auto bytes = [](const uint8_t* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p));
  };
  return interleave4_bytes(bytes(p0), bytes(p1), bytes(p2), bytes(p3));
}

inline I interleave4_n(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2, const uint8_t* p3,
                       int64_t n) {
  return interleave4_bytes(load_bytes_n(p0, n), load_bytes_n(p1, n), load_bytes_n(p2, n),
                           load_bytes_n(p3, n));
}

[[gnu::always_inline]] inline F load_half(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)));
}

[[gnu::always_inline]] inline void store_half(uint16_t* p, F v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(p),
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
