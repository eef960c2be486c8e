// SPDX-License-Identifier: Apache-2.0
// dot4 by SDOT, signed × signed: Σ a·w = Σ (a − 128)·w + 128·Σ w.

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
  const int8x16_t half = vdupq_n_s8(64);
  return {w, reinterpret_cast<I>(vdotq_s32(vdotq_s32(vdupq_n_s32(0), w, half), w, half))};
}

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  const I start = wrapping_add(acc, w.offset);
  return reinterpret_cast<I>(vdotq_s32(reinterpret_cast<int32x4_t>(start), a, w.bytes));
}
