// SPDX-License-Identifier: Apache-2.0
// Summary: what one pass over the elements of a tensor finds, and the counts of its histogram.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cygnet {

/// Of the elements of one run.
struct TensorSummary {
  int64_t elements = 0;              ///< finite ones
  int64_t not_finite = 0;            ///< NaN and infinities
  float min = 0, max = 0;            ///< of the finite ones; 0, 0 when there are none
  std::vector<double> channel_sums;  ///< by channel; empty where some element is not finite
  int64_t channel_count = 0;         ///< elements of each channel

  /// The larger of |min| and |max|.
  float largest() const { return -min > max ? -min : max; }
};

/// The summary of elements whose last dimension has `channels` channels, ≥ 1. The same bits on
/// every processor. `out` is overwritten; its memory is used again.
void summarize(std::span<const float> values, int64_t channels, TensorSummary* out);

/// Elements that a histogram takes of one tensor in one run; of more it takes groups of neighbours
/// spread over the tensor, the same for the same size.
inline constexpr size_t kMostCounted = size_t{1} << 15;

/// Adds to bins[count], count ≤ 4096 and even, which lie over [−limit, limit), how many elements
/// fall into each; all are finite. The limit is a power of two greater than each |element|.
/// bin(v) = ⌊v · count / (2 · limit)⌋ + count / 2, exactly.
void count_bins(std::span<const float> values, double limit, std::span<int64_t> bins);

}  // namespace cygnet
