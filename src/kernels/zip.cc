// SPDX-License-Identifier: Apache-2.0
// Integer multipliers of 8-bit sums.
#include <cmath>

#include "kernels/kernels.h"

namespace cygnet {
namespace {

constexpr int64_t kMostMultiplier = 32767;  // pairs of products fit a lane of pmaddwd
constexpr double kMostScale = 4;            // squares of the sums stay below 2^22
constexpr double kMostError = 0x1p-8;       // of a sum, in steps of the output

struct Fraction {
  int64_t p = 0, q = 1;
  double error(double x) const {
    return std::fabs(x - static_cast<double>(p) / static_cast<double>(q));
  }
};

/// The nearest fraction to 0 ≤ x ≤ 1 whose parts are at most kMostMultiplier, by continued
/// fractions.
Fraction nearest_fraction(double x) {
  Fraction last{1, 0}, best{0, 1};
  double rest = x;
  while (rest > 1e-9) {
    const double inverse = 1 / rest;
    const auto digit = static_cast<int64_t>(inverse);
    rest = inverse - static_cast<double>(digit);
    const int64_t room = (kMostMultiplier - last.q) / best.q;
    if (digit > room) {
      const Fraction between{room * best.p + last.p, room * best.q + last.q};
      return room > 0 && between.error(x) < best.error(x) ? between : best;
    }
    const Fraction next{digit * best.p + last.p, digit * best.q + last.q};
    last = best;
    best = next;
  }
  return best;
}

}  // namespace

void set_sum_scales(double a_scale, double b_scale, ZipQ8* zip) {
  zip->a_scale = static_cast<float>(a_scale);
  zip->b_scale = static_cast<float>(b_scale);
  zip->a_multiplier = zip->b_multiplier = 0;
  const double a = std::fabs(a_scale), b = std::fabs(b_scale), larger = a > b ? a : b;
  if (!(larger > 1e-9 && larger <= kMostScale)) return;
  const Fraction f = nearest_fraction((a > b ? b : a) / larger);
  if (!(f.error((a > b ? b : a) / larger) * larger * 255 <= kMostError)) return;
  const int64_t times = kMostMultiplier / f.q;
  const auto q = static_cast<int32_t>(f.q * times), p = static_cast<int32_t>(f.p * times);
  zip->a_multiplier = (a > b ? q : p) * (a_scale < 0 ? -1 : 1);
  zip->b_multiplier = (a > b ? p : q) * (b_scale < 0 ? -1 : 1);
  zip->multiplier_scale = static_cast<float>(larger / q);
}

}  // namespace cygnet
