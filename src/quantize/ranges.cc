// SPDX-License-Identifier: Apache-2.0
#include "quantize/ranges.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "edit/failure.h"
#include "quantize/density.h"

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

/// Shares `(1 − p) / 2` lie outside on either side.
Interval percentile_range(const Density& density, const RangeOptions& options) {
  const double inside = std::clamp(options.percentile / 100, 0.0, 1.0);
  if (options.symmetric) {
    const double most = density.quantile_of_size(inside);
    return {-most, most};
  }
  return {density.quantile((1 - inside) / 2), density.quantile((1 + inside) / 2)};
}

/// A search for the range of least error. Ends are shrunk by powers of two, in fractions of an
/// octave: both together as far as they may go, then each by itself around the best so far.
class ErrorSearch {
 public:
  ErrorSearch(const Density& density, const Interval& widest, const RangeOptions& options)
      : density_(density), widest_(widest), options_(options) {
    best_error_ = error({0, 0});
  }

  Interval search() {
    constexpr int kOctaves = 10;
    for (int k = 1; k <= kOctaves * kFine; k += kCoarse) try_shrinks({k, k});
    for (int step : {kCoarse, 2, 1}) {
      for (int round = 0; round < 2; ++round) {
        search_side(step, &Shrinks::low);
        search_side(step, &Shrinks::high);
      }
    }
    return range(best_);
  }

 private:
  /// By how many fractions of an octave each end is shrunk.
  struct Shrinks {
    int low = 0, high = 0;
  };
  static constexpr int kFine = 64;  ///< of an octave
  static constexpr int kCoarse = 8;

  Interval range(Shrinks shrinks) const {
    return {widest_.min * std::exp2(-double(shrinks.low) / kFine),
            widest_.max * std::exp2(-double(shrinks.high) / kFine)};
  }
  double error(Shrinks shrinks) const {
    return density_.mean_squared_error({range(shrinks), options_.bits, options_.symmetric});
  }
  void try_shrinks(Shrinks shrinks) {
    const double e = error(shrinks);
    if (e >= best_error_) return;
    best_error_ = e;
    best_ = shrinks;
  }
  void search_side(int step, int Shrinks::*side) {
    if ((side == &Shrinks::low ? widest_.min : widest_.max) == 0) return;
    const Shrinks middle = best_;
    for (int k = -6; k <= 6; ++k) {
      Shrinks shrinks = middle;
      shrinks.*side = std::max(0, shrinks.*side + k * step);
      // A symmetric range has one size.
      if (options_.symmetric) shrinks = {shrinks.*side, shrinks.*side};
      try_shrinks(shrinks);
    }
  }

  const Density& density_;
  Interval widest_;
  const RangeOptions& options_;
  Shrinks best_;
  double best_error_ = 0;
};

/// Within what was seen, with 0.
Interval range_by(const TensorStatistics& statistics, const Density& density,
                  const RangeOptions& options, RangeMethod method) {
  const Interval widest =
      holding_zero(double{statistics.min}, double{statistics.max}, options.symmetric);
  Interval range = widest;
  switch (method) {
    case RangeMethod::moving_average:
      range = {statistics.average_min, statistics.average_max};
      break;
    case RangeMethod::percentile:
      range = percentile_range(density, options);
      break;
    case RangeMethod::kl_divergence:
      // More numbers than bins tell nothing of what rounding does.
      if (options.bits <= 8) range = least_divergence(statistics, (1 << options.bits) - 1);
      break;
    case RangeMethod::mean_squared:
      range = ErrorSearch(density, widest, options).search();
      break;
    default:
      break;
  }
  return holding_zero(range.min, range.max, options.symmetric);
}

Interval best_range(const TensorStatistics& statistics, const Density& density,
                    const RangeOptions& options) {
  Interval best;
  double least = std::numeric_limits<double>::infinity();
  for (RangeMethod method :
       {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
        RangeMethod::kl_divergence, RangeMethod::mean_squared}) {
    const Interval range = range_by(statistics, density, options, method);
    const double error = density.mean_squared_error({range, options.bits, options.symmetric});
    if (error >= least) continue;
    least = error;
    best = range;
  }
  return best;
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
  if (statistics.elements == 0) return {};
  const bool needs_histogram =
      options.method != RangeMethod::min_max && options.method != RangeMethod::moving_average;
  if (!needs_histogram) return range_by(statistics, Density({}), options, options.method);
  const Density density(statistics);
  if (density.empty())
    throw Failure(text("the statistics have no histograms, which the method '",
                       name_of(options.method), "' needs: calibrate again"));
  if (options.method == RangeMethod::automatic) return best_range(statistics, density, options);
  return range_by(statistics, density, options, options.method);
}

double range_error(const TensorStatistics& statistics, const Interval& range, int bits,
                   bool symmetric) {
  return Density(statistics).mean_squared_error({range, bits, symmetric});
}

}  // namespace cygnet
