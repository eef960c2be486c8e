// SPDX-License-Identifier: Apache-2.0
// Density: a histogram as a distribution of real numbers, and what rounding does to it.
#pragma once

#include <vector>

#include "quantize/ranges.h"

namespace cygnet {

/// The numbers that the integers of a type stand for: multiples of `scale` from low to high.
struct Grid {
  double scale = 0, low = 0, high = 0;

  /// Of `bits` bits over a range that holds 0: with a zero point that is the integer nearest to
  /// where 0 falls, or, symmetric, without one and without the least integer. `scale` 0: the range
  /// has no extent.
  Grid(const Interval& range, int bits, bool symmetric);
};

/// Values spread evenly over the part of each bin that lies between the least and the largest.
class Density {
 public:
  explicit Density(const TensorStatistics& statistics);

  bool empty() const { return pieces_.empty(); }
  /// The mean of (x − the grid's nearest number)².
  double mean_squared_error(const Grid& grid) const;
  /// The number below which the share p of the values lies, 0 ≤ p ≤ 1. Not for an empty density.
  double quantile(double p) const;
  /// As quantile, of the values without their signs.
  double quantile_of_size(double p) const;

 private:
  struct Piece {
    double begin, end, weight;  ///< weights sum to 1
  };
  std::vector<Piece> pieces_;  ///< ascending
};

/// The range whose rounding to so many numbers changes the histogram least, as the Kullback-Leibler
/// divergence tells: values outside are counted at its ends, and those that round to the same
/// number are spread evenly over its bins that have any.
/// Source: Szymon Migacz, "8-bit inference with TensorRT", GTC 2017; here for intervals
/// [max(min, −t), min(max, t)], so that both sides may differ.
Interval least_divergence(const TensorStatistics& statistics, int numbers);

}  // namespace cygnet
