// SPDX-License-Identifier: Apache-2.0
// AArch64 with its baseline NEON. Included inside the ISA's namespace; the .cc includes
// <arm_neon.h> before, and one of simd/neon_dot.inl, dotprod_dot.inl, i8mm_dot.inl behind.

constexpr int kVecBytes = 16;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 6;
constexpr int kGemmF32Nv = 4;

using S16 = int16_t __attribute__((vector_size(kVecBytes)));
using U16 = uint16_t __attribute__((vector_size(kVecBytes)));

constexpr bool kFused = true;  ///< whether fma rounds once
[[gnu::always_inline]] inline F fma(F a, F b, F c) {
  return vfmaq_f32(c, a, b);
}
[[gnu::always_inline]] inline F add_product(F sum, F a, F b) {
  return fma(a, b, sum);
}
// Not FMIN and FMAX: with a NaN in b the result is a, as on the other tiers.
[[gnu::always_inline]] inline F minimum(F a, F b) {
  return vbslq_f32(vcltq_f32(b, a), b, a);
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return vbslq_f32(vcltq_f32(a, b), b, a);
}

/// Four bytes in the low half of a register.
[[gnu::always_inline]] inline uint8x8_t four_bytes(const uint8_t* p) {
  uint32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return vreinterpret_u8_u32(vdup_n_u32(bytes));
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  return reinterpret_cast<I>(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p)))));
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  const uint16x4_t words = vmovn_u32(reinterpret_cast<uint32x4_t>(v));
  const uint32_t bytes =
      vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
  __builtin_memcpy(p, &bytes, 4);
}

[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  return reinterpret_cast<S16>(
      vqrdmulhq_s16(reinterpret_cast<int16x8_t>(a), reinterpret_cast<int16x8_t>(b)));
}

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  const uint8x8_t low = vzip1_u8(four_bytes(p0), four_bytes(p1));
  const uint8x8_t high = vzip1_u8(four_bytes(p2), four_bytes(p3));
  const uint16x4x2_t both = vzip_u16(vreinterpret_u16_u8(low), vreinterpret_u16_u8(high));
  return reinterpret_cast<I>(vcombine_u16(both.val[0], both.val[1]));
}

[[gnu::always_inline]] inline F load_half(const uint16_t* p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

[[gnu::always_inline]] inline void store_half(uint16_t* p, F v) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

#include "kernels/simd/partial.inl"
