// SPDX-License-Identifier: Apache-2.0
// SSE4.1 with SSSE3. Included inside the ISA's namespace; the .cc includes <immintrin.h> before.

constexpr int kVecBytes = 16;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 4;
constexpr int kGemmF32Nv = 2;
constexpr int kGemmQ8Mr = 2;
constexpr int kGemmQ8Nv = 2;

using S16 = int16_t __attribute__((vector_size(kVecBytes)));
using U16 = uint16_t __attribute__((vector_size(kVecBytes)));

constexpr bool kFused = false;  ///< whether fma rounds once
[[gnu::always_inline]] inline F fma(F a, F b, F c) {
  return a * b + c;
}
[[gnu::always_inline]] inline F add_product(F sum, F a, F b) {
  return fma(a, b, sum);
}
[[gnu::always_inline]] inline F minimum(F a, F b) {
  return _mm_min_ps(b, a);
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return _mm_max_ps(b, a);
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  return reinterpret_cast<I>(_mm_cvtepu8_epi32(_mm_loadu_si32(p)));
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  const __m128i order = _mm_set1_epi32(0x0c080400);
  const int32_t bytes = _mm_cvtsi128_si32(_mm_shuffle_epi8(reinterpret_cast<__m128i>(v), order));
  __builtin_memcpy(p, &bytes, 4);
}

[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  return reinterpret_cast<S16>(
      _mm_mulhrs_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
}

[[gnu::always_inline]] inline I madd16(I a, I b) {
  return reinterpret_cast<I>(
      _mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
}
#include "kernels/simd/x86_dot.inl"

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  const __m128i low = _mm_unpacklo_epi8(_mm_loadu_si32(p0), _mm_loadu_si32(p1));
  const __m128i high = _mm_unpacklo_epi8(_mm_loadu_si32(p2), _mm_loadu_si32(p3));
  return reinterpret_cast<I>(_mm_unpacklo_epi16(low, high));
}

[[gnu::always_inline]] inline F load_half(const uint16_t* p) {
  F v = {};
  for (int i = 0; i < kLanes; ++i) v[i] = half_to_float1(p[i]);
  return v;
}

[[gnu::always_inline]] inline void store_half(uint16_t* p, F v) {
  for (int i = 0; i < kLanes; ++i) p[i] = float_to_half1(v[i]);
}

#include "kernels/simd/partial.inl"
