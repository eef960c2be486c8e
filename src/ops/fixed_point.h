// SPDX-License-Identifier: Apache-2.0
// The fixed-point arithmetic of TFLite's reference kernels (8-bit quantization specification;
// rounding as in gemmlowp, TFLITE_SINGLE_ROUNDING off). The plain loops use it; kernels scale in
// float instead.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "base/status.h"

namespace cygnet::ops {

/// value ≈ multiplier · 2^(shift − 31), multiplier in [2^30, 2^31).
struct Multiplier {
  int32_t multiplier = 0;
  int32_t shift = 0;
};

/// Splits a positive finite real. Rule T9: shift must lie in [−31, 30]; smaller reals become 0.
inline Status quantize_multiplier(double real, Multiplier* out) {
  if (!std::isfinite(real) || real < 0)
    return bad_model("T9: scale ratio %g is not a finite positive number", real);
  *out = {};
  if (real == 0) return {};
  int shift = 0;
  int64_t q = std::llround(std::frexp(real, &shift) * 2147483648.0);
  if (q == int64_t{1} << 31) {
    q /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 30) return bad_model("T9: scale ratio %g is too large", real);
  *out = {static_cast<int32_t>(q), shift};
  return {};
}

/// High half of 2·a·b with rounding; saturates for a = b = −2^31.
inline int32_t rounding_doubling_high_mul(int32_t a, int32_t b) {
  if (a == b && a == std::numeric_limits<int32_t>::min())
    return std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>((int64_t{a} * b + (int64_t{1} << 30)) >> 31);
}

/// x / 2^exponent, rounded to nearest, ties away from zero. exponent in [0, 31].
inline int32_t rounding_divide_by_power(int32_t x, int exponent) {
  const int32_t mask = static_cast<int32_t>((int64_t{1} << exponent) - 1);
  const int32_t remainder = x & mask;
  const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/// x · m. The left shift wraps as two's complement, as the reference does in effect.
inline int32_t apply(Multiplier m, int32_t x) {
  const int left = m.shift > 0 ? m.shift : 0;
  const int right = m.shift > 0 ? 0 : -m.shift;
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return rounding_divide_by_power(rounding_doubling_high_mul(shifted, m.multiplier), right);
}

/// x · m for the 64-bit accumulators of 16-bit activations; |x| is limited to 2^47, beyond which
/// every result saturates. The multiplier is reduced to 16 bits, as in TFLite. Saturates to int32.
inline int32_t apply(Multiplier m, int64_t x) {
  const int32_t reduced = m.multiplier < 0x7FFF0000 ? (m.multiplier + (1 << 15)) >> 16 : 0x7FFF;
  constexpr int64_t kLimit = int64_t{1} << 47;
  x = x < -kLimit ? -kLimit : x > kLimit ? kLimit : x;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const int total = 15 - m.shift;
  int64_t result = x * reduced;
  if (total > 0)
    result = (result + (int64_t{1} << (total - 1))) >> total;
  else
    result = (result < -kMost ? -kMost : result > kMost ? kMost : result) * (int64_t{1} << -total);
  return static_cast<int32_t>(result < -kMost ? -kMost : result > kMost ? kMost : result);
}

/// Rounds half away from zero, as TfLiteRound; saturates to int32. NaN gives 0.
inline int32_t round_to_int32(float x) {
  const float r = std::round(x);
  if (!(r >= -2147483648.0f)) return r < 0 ? std::numeric_limits<int32_t>::min() : 0;
  if (r >= 2147483648.0f) return std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(r);
}

}  // namespace cygnet::ops
