// SPDX-License-Identifier: Apache-2.0
// dot4 by USDOT, unsigned × signed.

constexpr int kGemmQ8Mr = 6;
constexpr int kGemmQ8Nv = 4;

using DotA = uint8x16_t;
using DotW = int8x16_t;
[[gnu::always_inline]] inline DotA dot_a(I bytes) { return reinterpret_cast<uint8x16_t>(bytes); }
[[gnu::always_inline]] inline DotW dot_w(I bytes) { return reinterpret_cast<int8x16_t>(bytes); }

/// acc + Σ_4 a·w in every lane.
[[gnu::always_inline]] inline I dot4(I acc, DotA a, DotW w) {
  return reinterpret_cast<I>(vusdotq_s32(reinterpret_cast<int32x4_t>(acc), a, w));
}
