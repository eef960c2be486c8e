// SPDX-License-Identifier: Apache-2.0
// The tier of any CPU: no instruction is named. Included inside the ISA's namespace.

constexpr int kVecBytes = 16;
#include "kernels/simd/plain.inl"
#include "kernels/simd/vec.inl"

constexpr int kGemmF32Mr = 4;
constexpr int kGemmF32Nv = 2;
constexpr int kGemmQ8Mr = 2;
constexpr int kGemmQ8Nv = 2;

constexpr bool kFused = false;  ///< whether fma rounds once
[[gnu::always_inline]] inline F fma(F a, F b, F c) {
  return a * b + c;
}
[[gnu::always_inline]] inline F add_product(F sum, F a, F b) {
  return fma(a, b, sum);
}
[[gnu::always_inline]] inline F minimum(F a, F b) {
  return select(b < a, b, a);
}
[[gnu::always_inline]] inline F maximum(F a, F b) {
  return select(a < b, b, a);
}

[[gnu::always_inline]] inline I load_u8(const uint8_t* p) {
  Bytes b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b, I);
}

[[gnu::always_inline]] inline void store_u8(uint8_t* p, I v) {
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<uint8_t>(v[i]);
}

/// a·b / 2^15 in every lane, rounded to nearest, ties up. Not for a = b = −2^15.
using S16 = int16_t __attribute__((vector_size(kVecBytes)));
[[gnu::always_inline]] inline S16 mulhrs(S16 a, S16 b) {
  S16 v = {};
  for (int i = 0; i < 2 * kLanes; ++i) v[i] = static_cast<int16_t>((a[i] * b[i] + (1 << 14)) >> 15);
  return v;
}

/// Operands of dot4: four unsigned bytes a lane, four signed bytes a lane.
using DotA = I;
using DotW = I;
[[gnu::always_inline]] inline DotA dot_a(I bytes) {
  return bytes;
}
[[gnu::always_inline]] inline DotW dot_w(I bytes) {
  return bytes;
}

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  for (int i = 0; i < 4; ++i)
    acc = wrapping_add(acc, ((a >> (8 * i)) & 255) * ((w << (24 - 8 * i)) >> 24));
  return acc;
}

[[gnu::always_inline]] inline I interleave4(const uint8_t* p0, const uint8_t* p1, const uint8_t* p2,
                                            const uint8_t* p3) {
  return load_u8(p0) | load_u8(p1) << 8 | load_u8(p2) << 16 | load_u8(p3) << 24;
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
