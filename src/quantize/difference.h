// SPDX-License-Identifier: Apache-2.0
// Difference: how far one tensor's values lie from another's, gathered sample by sample.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace cygnet {

/// The real numbers that a tensor's integers can stand for.
struct Representable {
  double scale = 0;  ///< 0: not quantized, or per channel
  double least = 0, largest = 0;

  explicit Representable(const Tensor& tensor);
  Representable() = default;
};

/// Sums over pairs of elements of which both are finite.
struct PairSums {
  int64_t elements = 0;
  int64_t not_finite_a = 0, not_finite_b = 0;  ///< NaN and infinities, left out of all else
  int64_t saturated = 0;  ///< b at an end of its range, a beyond it by more than a step
  double squares_a = 0, squared_error = 0;
  double absolute_error = 0, error = 0;  ///< sums of |b − a| and b − a
  double largest = 0;                    ///< |b − a|
  double min_a = 0, max_a = 0, min_b = 0, max_b = 0;

  /// As many elements each.
  void add(std::span<const float> a, std::span<const float> b, const Representable& range_b);
  void add(const PairSums& other);
  /// 10·log10(Σa² / Σ(a−b)²): infinite where all are equal, −infinity where a is all 0 and b not.
  double sqnr_db() const;
};

/// Two histograms with common bins whose width doubles as larger values come. Of a quantized tensor
/// a bin is one of its steps at first, so that a value lies in the bin of the integer nearest to
/// it; of floats the width is a power of two. Histograms of the same tensor can be added; the
/// result does not depend on the order in which values came.
class PairHistogram {
 public:
  static constexpr int kBins = 1024;

  explicit PairHistogram(double step) : step_(step) {}
  /// Values that are not finite are left out.
  void add(std::span<const float> a, std::span<const float> b);
  void add(const PairHistogram& other);
  /// Σ min of the two shares of all bins; 1: the same distribution. 1 when both are empty.
  double overlap() const;

  /// The bins that are not empty in both, at most `most` after neighbours are merged.
  struct Bins {
    double from = 0, width = 0;
    std::vector<int64_t> a, b;
  };
  Bins bins(int most) const;

 private:
  using Counts = std::array<std::vector<int64_t>, 2>;
  void count(std::span<const float> values, std::vector<int64_t>* bins) const;
  void cover(double value);
  void widen();

  double step_;
  double width_ = 0;  ///< 0: only zeros so far
  Counts counts_ = {std::vector<int64_t>(kBins), std::vector<int64_t>(kBins)};
};

}  // namespace cygnet
