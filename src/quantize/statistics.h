// SPDX-License-Identifier: Apache-2.0
// Statistics: what calibration saw of each tensor, by name. They can be saved, loaded and merged,
// so that a large set of samples may be split over machines.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "quantize/summary.h"

namespace cygnet {

/// What was seen of one tensor of real numbers. The histogram has kBins equal bins over
/// [−limit, limit); the limit is the least power of two above all values, and doubles as larger
/// ones come, pairs of bins merging, so that histograms of different runs can be added. It depends
/// on the values alone, not on their order.
struct TensorStatistics {
  static constexpr int kBins = 4096;

  int64_t runs = 0;        ///< samples
  int64_t elements = 0;    ///< finite elements seen
  int64_t not_finite = 0;  ///< NaN and infinities seen
  float min = 0, max = 0;  ///< over all finite elements; 0, 0 when there are none
  /// Means over runs of each run's least and largest element: exponential, with the weight of
  /// kMomentum on what came before.
  double average_min = 0, average_max = 0;
  static constexpr double kMomentum = 0.99;
  double limit = 0;           ///< 0: no histogram yet
  std::vector<int64_t> bins;  ///< [kBins], elements (or a sample of them)
  /// By the last dimension: sums over all else; empty: unknown, because its size or some value
  /// that is not finite forbids it.
  std::vector<double> channel_sums;
  int64_t channel_count = 0;  ///< elements that each channel's sum has

  /// Adds the elements of one run. channels: size of the last dimension, 1 for none.
  void add(std::span<const float> values, int64_t channels, bool histogram);
  /// Adds what another calibration saw of the same tensor. The order of calibrations does not
  /// matter, but for the rounding of sums; averages are weighted by their runs.
  void merge(const TensorStatistics& other);

  /// The two parts of `add`: what is in the summary, and the histogram.
  void add_summary(const TensorSummary& run);
  void add_histogram(std::span<const float> values, const TensorSummary& run);
  /// Adds another's histogram.
  void merge_histogram(const TensorStatistics& other);
  /// The width of a bin.
  double bin_width() const { return 2 * limit / kBins; }

 private:
  void widen(double to);
};

/// Of a whole network.
struct Statistics {
  int64_t samples = 0;
  std::map<std::string, TensorStatistics> tensors;  ///< by the tensor's name

  void merge(const Statistics& other);
};

/// Writes statistics whole or not at all. Throws Failure.
void save_statistics(const Statistics& statistics, const std::string& path);
/// Reads what save_statistics wrote; hostile files get a message. Throws Failure.
Statistics load_statistics(const std::string& path);

}  // namespace cygnet
