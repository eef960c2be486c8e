// SPDX-License-Identifier: Apache-2.0
// 16-bit functions by interpolation in a table of 512 intervals, as TFLite's int16 softmax has them
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
  template <class F>
  void fill(double scale, int32_t zero_point, double out_scale, F f) {
    constexpr int kSteps = 512;
    const double low = scale * (-32768 - zero_point), high = scale * (32767 - zero_point);
    const double step = (high - low) / kSteps;
    const double inverse = 65536.0 / (out_scale * 32767 - out_scale * -32768);
    const auto limited = [](double v) {
      return static_cast<int16_t>(std::min(std::max(v, -32768.0), 32767.0));
    };
    for (int i = 0; i < kSteps; ++i) {
      const double sample = std::round(f(low + i * step) * inverse);
      const double middle = std::round(f(low + i * step + step / 2) * inverse);
      const double interpolated = std::round((f(low + (i + 1) * step) * inverse + sample) / 2);
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
