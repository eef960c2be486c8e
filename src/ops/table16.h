// SPDX-License-Identifier: Apache-2.0
// 16-bit functions by interpolation in a table of 512 intervals, as TFLite has them
// (tensorflow/lite/kernels/internal/common.h, LUTPopulate and LUTLookup).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cygnet::ops {

struct Table16 {
  int16_t values[513];

  /// Samples f over the int16 range q·scale, q − zero_point; results in units of out_scale. Each
  /// sample is moved by half the error that interpolation makes in the middle of its interval.
  /// Computes in Real, float or double, as the reference does.
  template <class Real, class F>
  void fill(Real scale, int32_t zero_point, Real out_scale, F f) {
    constexpr int kSteps = 512;
    const Real low = scale * static_cast<Real>(-32768 - zero_point),
               high = scale * static_cast<Real>(32767 - zero_point);
    const Real step = (high - low) / kSteps, half_step = step / 2;
    const Real inverse = 65536 / (out_scale * 32767 - out_scale * -32768);
    // Not a number, from infinite samples, gives the least code.
    const auto limited = [](Real v) {
      return v >= -32768 ? static_cast<int16_t>(std::min<Real>(v, 32767)) : int16_t{-32768};
    };
    for (int i = 0; i < kSteps; ++i) {
      const Real at = low + static_cast<Real>(i) * step;
      const Real sample = std::round(f(at) * inverse);
      const Real middle = std::round(f(at + half_step) * inverse);
      const Real next = f(low + static_cast<Real>(i + 1) * step) * inverse;
      const Real interpolated = std::round((next + sample) / 2);
      values[i] = limited(sample - std::round((interpolated - middle) / 2));
    }
    values[kSteps] = limited(std::round(f(high) * inverse));
  }

  int16_t operator()(int16_t x) const {
    const int index = 256 + (x >> 7);
    const int32_t slope = values[index + 1] - values[index];
    return static_cast<int16_t>(values[index] + ((slope * (x & 127) + 64) >> 7));
  }
};

}  // namespace cygnet::ops
