// SPDX-License-Identifier: Apache-2.0
#include "kernels/pieces.h"

#include <bit>

namespace cygnet {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

/// e^x for |x| ≤ 100, by halving the argument.
constexpr double exponential(double x) {
  const double y = x / 256;
  double term = 1, sum = 1;
  for (int i = 1; i < 12; ++i) {
    term *= y / i;
    sum += term;
  }
  for (int i = 0; i < 8; ++i) sum *= sum;
  return sum;
}

constexpr double tanh_ratio(double x) {
  if (x < 0) x = -x;
  // The series' error is below 2^-40 there.
  if (x < 0.01) return 1 - x * x / 3 + 2 * x * x * x * x / 15;
  const double less = x < 7 ? 0 : 1.8e-7;
  return (1 - 2 / (exponential(2 * x) + 1)) / x * (1 - less);
}

/// Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + …); Abramowitz and Stegun, 26.2.11.
constexpr double normal(double x) {
  double term = x, sum = x;
  for (int i = 3; i < 120; i += 2) {
    term *= x * x / i;
    sum += term;
  }
  return 0.5 + sum * exponential(-x * x / 2) / 2.50662827463100050242;
}

constexpr double normal_by_tanh(double x) {
  constexpr double kSqrtEightByPi = 1.59576912160573071176;
  return 1 / (1 + exponential(-kSqrtEightByPi * (x + 0.044715 * x * x * x)));
}

/// cos(π·(2i + 1)/10)/2
constexpr double kPoints[] = {0.47552825814757678606, 0.29389262614623656459, 0,
                              -0.29389262614623656459, -0.47552825814757678606};

/// The interpolation of f at the Chebyshev points of each piece, by Newton's differences.
template <typename Fn>
constexpr Pieces make_pieces(double step, int first, Fn f) {
  Pieces pieces = {};
  pieces.inverse_step = static_cast<float>(1 / step);
  for (int k = first; k < first + kPieces; ++k) {
    double at[kPieceTerms] = {}, difference[kPieceTerms] = {};
    for (int i = 0; i < kPieceTerms; ++i) {
      at[i] = kPoints[i];
      difference[i] = f((k + at[i]) / double{pieces.inverse_step});
    }
    for (int order = 1; order < kPieceTerms; ++order) {
      for (int i = kPieceTerms - 1; i >= order; --i)
        difference[i] = (difference[i] - difference[i - 1]) / (at[i] - at[i - order]);
    }
    double term[kPieceTerms] = {difference[kPieceTerms - 1]};
    for (int i = kPieceTerms - 2; i >= 0; --i) {  // term = term · (r − at[i]) + difference[i]
      for (int j = kPieceTerms - 1; j > 0; --j) term[j] = term[j - 1] - at[i] * term[j];
      term[0] = difference[i] - at[i] * term[0];
    }
    for (int i = 0; i < kPieceTerms; ++i)
      pieces.term[i][static_cast<uint32_t>(k) % kPieces] = static_cast<float>(term[i]);
  }
  return pieces;
}

constexpr int32_t power_bits(int k) {
  const auto power = static_cast<float>(exponential(kLn2 * k / kPieces));
  return std::bit_cast<int32_t>(power) - k * (1 << 18);
}

constexpr PowerBits make_power_bits() {
  PowerBits bits = {};
  for (int k = 0; k < kPieces; ++k) bits.of[k] = power_bits(k);
  return bits;
}

}  // namespace

constinit const Pieces kTanhPieces = make_pieces(kTanhLimit / 31, 0, tanh_ratio);
// The last points are 15 steps from 0: 16 and −16 would have one place.
constinit const Pieces kGeluPieces = make_pieces(kGeluLimit / 15.4, -16, normal);
constinit const Pieces kGeluTanhPieces = make_pieces(kGeluLimit / 15.4, -16, normal_by_tanh);
constinit const PowerBits kPowerBits = make_power_bits();

}  // namespace cygnet
