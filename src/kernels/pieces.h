// SPDX-License-Identifier: Apache-2.0
// Functions by pieces, for tiers that look up 32 floats in one instruction.
#pragma once

#include <cstdint>

namespace cygnet {

constexpr int kPieces = 32;
constexpr int kPieceTerms = 5;

/// A function around points in equal distances: near point k · step, for |r| ≤ 1/2,
///   f((k + r) · step) = Σ term[i][k mod 32] · r^i
struct Pieces {
  float inverse_step;
  float term[kPieceTerms][kPieces];
};

/// tanh(x)/x for 0 ≤ x ≤ kTanhLimit; relative error 3e-7. From 7 on a little less, so that x times
/// it is at most 1 however it is rounded.
extern const Pieces kTanhPieces;
constexpr float kTanhLimit = 9.02f;

/// Φ(x), of the normal distribution, and (1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, for |x| ≤
/// kGeluLimit; absolute error 2e-7.
extern const Pieces kGeluPieces;
extern const Pieces kGeluTanhPieces;
constexpr float kGeluLimit = 5.4f;

/// The bits of 2^(k/32) less k · 2^18: adding (32·n + k) · 2^18 gives 2^(n + k/32).
struct PowerBits {
  int32_t of[kPieces];
};
extern const PowerBits kPowerBits;

}  // namespace cygnet
