// SPDX-License-Identifier: Apache-2.0
// AVX2 with FMA and F16C. Included inside the ISA's namespace; the .cc includes <immintrin.h>
// before.

constexpr int kVecBytes = 32;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 6;
constexpr int kGemmF32Nv = 2;
constexpr int kGemmQ8Mr = 4;
constexpr int kGemmQ8Nv = 2;

using S16 = int16_t __attribute__((vector_size(kVecBytes)));
using U16 = uint16_t __attribute__((vector_size(kVecBytes)));

constexpr bool kFused = true;  ///< whether fma rounds once
[[gnu::always_inline]] inline F fma(F a, F b, F c) {
  return _mm256_fmadd_ps(a, b, c);
}
[[gnu::always_inline]] inline F add_product(F sum, F a, F b) {
  return fma(a, b, sum);
}
[[gnu::always_inline]] inline F minimum(F a, F b) {
  return _mm256_min_ps(b, a);
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return _mm256_max_ps(b, a);
}

[[gnu::always_inline]] inline Words unpack_low(VecBytes v) {
  return reinterpret_cast<Words>(
      _mm256_unpacklo_epi8(_mm256_setzero_si256(), reinterpret_cast<__m256i>(v)));
}
[[gnu::always_inline]] inline Words unpack_high(VecBytes v) {
  return reinterpret_cast<Words>(
      _mm256_unpackhi_epi8(_mm256_setzero_si256(), reinterpret_cast<__m256i>(v)));
}
[[gnu::always_inline]] inline VecBytes pack_words(Words low, Words high) {
  return reinterpret_cast<VecBytes>(
      _mm256_packus_epi16(reinterpret_cast<__m256i>(low), reinterpret_cast<__m256i>(high)));
}

constexpr bool kHasPermute = true;
[[gnu::always_inline]] inline F permute(F v, I index) {
  return _mm256_permutevar8x32_ps(v, reinterpret_cast<__m256i>(index));
}
[[gnu::always_inline]] inline bool all_lanes(I mask) {
  return _mm256_movemask_ps(reinterpret_cast<F>(mask)) == 255;
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  return reinterpret_cast<I>(_mm256_cvtepu8_epi32(_mm_loadu_si64(p)));
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  const __m256i order = _mm256_set1_epi32(0x0c080400);
  const __m256i bytes = _mm256_shuffle_epi8(reinterpret_cast<__m256i>(v), order);
  _mm_storeu_si64(
      p, _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)));
}

[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  return reinterpret_cast<S16>(
      _mm256_mulhrs_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}

[[gnu::always_inline]] inline VecBytes broadcast16(const uint8_t* p) {
  return reinterpret_cast<VecBytes>(
      _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p))));
}
[[gnu::always_inline]] inline VecBytes shuffle_bytes(VecBytes table, VecBytes index) {
  return reinterpret_cast<VecBytes>(
      _mm256_shuffle_epi8(reinterpret_cast<__m256i>(table), reinterpret_cast<__m256i>(index)));
}
[[gnu::always_inline]] inline VecBytes subtract_saturated(VecBytes a, VecBytes b) {
  return reinterpret_cast<VecBytes>(
      _mm256_subs_epi8(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}

[[gnu::always_inline]] inline I madd16(I a, I b) {
  return reinterpret_cast<I>(
      _mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
#include "kernels/simd/x86_dot.inl"

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  const __m128i low = _mm_unpacklo_epi8(_mm_loadu_si64(p0), _mm_loadu_si64(p1));
  const __m128i high = _mm_unpacklo_epi8(_mm_loadu_si64(p2), _mm_loadu_si64(p3));
  const __m256i first = _mm256_castsi128_si256(_mm_unpacklo_epi16(low, high));
  return reinterpret_cast<I>(_mm256_inserti128_si256(first, _mm_unpackhi_epi16(low, high), 1));
}

[[gnu::always_inline]] inline F load_half(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p)));
}

[[gnu::always_inline]] inline void store_half(uint16_t* p, F v) {
  _mm_storeu_si128(reinterpret_cast<__m128i_u*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

#include "kernels/simd/partial.inl"
