// SPDX-License-Identifier: Apache-2.0
// dot4 for NEON without dot products, exact. Unsigned bytes become signed ones, 128 less, which
// dot_w makes good: Σ a·w = Σ (a − 128)·w + 128·Σ w.

constexpr int kGemmQ8Mr = 8;
constexpr int kGemmQ8Nv = 2;

using DotA = int8x16_t;
struct DotW {
  int8x16_t bytes;
  I offset;  ///< 128·Σ_4 w
};

[[gnu::always_inline]] inline DotA dot_a(I bytes) {
  return reinterpret_cast<int8x16_t>(bytes ^ static_cast<int32_t>(0x80808080u));
}
[[gnu::always_inline]] inline DotW dot_w(I bytes) {
  const auto w = reinterpret_cast<int8x16_t>(bytes);
  return {w, reinterpret_cast<I>(vshlq_n_s32(vpaddlq_s16(vpaddlq_s8(w)), 7))};
}

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(w.bytes)));
  const int32x4_t high = vpaddlq_s16(vmull_high_s8(a, w.bytes));
  return wrapping_add(wrapping_add(acc, w.offset), reinterpret_cast<I>(vpaddq_s32(low, high)));
}
