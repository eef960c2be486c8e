// SPDX-License-Identifier: Apache-2.0
// WebAssembly with 128-bit vectors. Included inside the ISA's namespace; the .cc includes
// <wasm_simd128.h> before.

constexpr int kVecBytes = 16;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 4;
constexpr int kGemmF32Nv = 2;
constexpr int kGemmQ8Mr = 4;
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
  return reinterpret_cast<F>(
      wasm_f32x4_pmin(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return reinterpret_cast<F>(
      wasm_f32x4_pmax(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  return reinterpret_cast<I>(
      wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p))));
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  const auto all = reinterpret_cast<v128_t>(v);
  wasm_v128_store32_lane(
      p, wasm_i8x16_shuffle(all, all, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12), 0);
}

[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  return reinterpret_cast<S16>(
      wasm_i16x8_q15mulr_sat(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
}

[[gnu::always_inline]] inline I madd16(I a, I b) {
  return reinterpret_cast<I>(
      wasm_i32x4_dot_i16x8(reinterpret_cast<v128_t>(a), reinterpret_cast<v128_t>(b)));
}
#include "kernels/simd/x86_dot.inl"

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  const v128_t v0 = wasm_v128_load32_zero(p0), v1 = wasm_v128_load32_zero(p1);
  const v128_t v2 = wasm_v128_load32_zero(p2), v3 = wasm_v128_load32_zero(p3);
  const v128_t low = wasm_i8x16_shuffle(v0, v1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 4, 4, 4, 4, 4, 4, 4);
  const v128_t high =
      wasm_i8x16_shuffle(v2, v3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 4, 4, 4, 4, 4, 4, 4);
  return reinterpret_cast<I>(wasm_i16x8_shuffle(low, high, 0, 8, 1, 9, 2, 10, 3, 11));
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
