// SPDX-License-Identifier: Apache-2.0
#include "quantize/ranges.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace cygnet {
namespace {

constexpr std::array<std::pair<RangeMethod, const char*>, 6> kNames = {{
    {RangeMethod::min_max, "minmax"},
    {RangeMethod::moving_average, "moving-average"},
    {RangeMethod::percentile, "percentile"},
    {RangeMethod::kl_divergence, "kl"},
    {RangeMethod::mean_squared, "mse"},
    {RangeMethod::automatic, "auto"},
}};

/// With the real 0 inside, about 0 where that is asked.
Interval holding_zero(double min, double max, bool symmetric) {
  Interval range{std::min(min, 0.0), std::max(max, 0.0)};
  if (symmetric) {
    range.max = std::max(-range.min, range.max);
    range.min = -range.max;
  }
  return range;
}

}  // namespace

std::optional<RangeMethod> range_method(std::string_view name) {
  for (const auto& [method, its_name] : kNames)
    if (name == its_name) return method;
  return std::nullopt;
}

const char* name_of(RangeMethod method) {
  for (const auto& [its, name] : kNames)
    if (method == its) return name;
  return "";
}

Interval choose_range(const TensorStatistics& statistics, const RangeOptions& options) {
  switch (options.method) {
    case RangeMethod::moving_average:
      return holding_zero(statistics.average_min, statistics.average_max, options.symmetric);
    default:
      return holding_zero(double{statistics.min}, double{statistics.max}, options.symmetric);
  }
}

}  // namespace cygnet
