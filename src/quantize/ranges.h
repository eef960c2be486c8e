// SPDX-License-Identifier: Apache-2.0
// Ranges: which interval of real numbers a tensor's integers are to cover.
#pragma once

#include <optional>
#include <string_view>

#include "quantize/statistics.h"

namespace cygnet {

/// How the interval is chosen from what calibration saw.
enum class RangeMethod {
  min_max,         ///< the least and the largest value
  moving_average,  ///< the exponential means of the runs' least and largest values
  percentile,      ///< leaves out the outermost values
  kl_divergence,   ///< distribution after rounding closest to that before (Kullback-Leibler)
  mean_squared,    ///< least mean squared error of rounding and clipping
  automatic        ///< for each tensor the one of these with the least measured error
};

/// By its name on the command line: minmax, moving-average, percentile, kl, mse, auto.
std::optional<RangeMethod> range_method(std::string_view name);
const char* name_of(RangeMethod method);

struct RangeOptions {
  RangeMethod method = RangeMethod::min_max;
  double percentile = 99.999;  ///< per cent of the values that stay inside
  int bits = 8;                ///< 8 or 16
  bool symmetric = false;      ///< the interval is to be [−m, m]
};

/// An interval of real numbers that holds 0.
struct Interval {
  double min = 0, max = 0;
};

/// The interval for one tensor; [0, 0] where nothing finite was seen. Percentile leaves out equal
/// shares on both sides, or, symmetric, the largest of both; KL divergence is for 8 bits and fewer,
/// and gives the least and largest value for more. Throws Failure where the method needs a
/// histogram and there is none.
Interval choose_range(const TensorStatistics& statistics, const RangeOptions& options);

/// The mean squared error of quantizing the histogram's values to `bits` over a range that holds 0,
/// clipping included. 0 without a histogram.
double range_error(const TensorStatistics& statistics, const Interval& range, int bits,
                   bool symmetric);

}  // namespace cygnet
