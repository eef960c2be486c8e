// SPDX-License-Identifier: Apache-2.0
// Rescaled: tensors that hold other values in B than in A although the networks agree, because a
// factor was moved from one layer into the next: equalization, multiplications that were folded.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace cygnet {

/// Sums by which b ≈ factor · a is fitted for each channel, the last dimension.
class ChannelFit {
 public:
  /// As many elements each. The number of channels must be the same each time.
  void add(std::span<const float> a, std::span<const float> b, int64_t channels);
  /// 10·log10(Σa² / Σ(a−b)²), as they are.
  double sqnr_db() const;
  /// The factors that fit best: one where that is about as good as one for each channel, which
  /// takes enough elements; 1 for channels that are 0. Empty where none fit.
  std::vector<float> factors() const;
  /// Whether the values differ.
  bool differs() const;
  /// Whether more samples would tell more.
  bool wants_more() const;

 private:
  static constexpr double kEnough = 6;  ///< elements a channel
  double fitted_db() const;             ///< with a factor for each channel
  double fitted_db(double factor) const;

  std::vector<double> aa_, ab_, bb_;  ///< by channel
  double elements_ = 0;               ///< of a channel
};

/// For each of B's tensors the factors by which A's values become B's; empty: none. Those have them
/// that differ, fit with factors, are no output of the network, and of which all tensors that are
/// computed from them either hardly differ or have factors again. One of the layers that end such a
/// chain must undo the factors: it goes wrong when it is given A's values (own_db, the SQNR of each
/// layer alone); otherwise the factors are a mistake that just does not show later on.
std::vector<std::vector<float>> find_rescaled(const Subgraph& b,
                                              const std::vector<int32_t>& tensors,
                                              const std::vector<ChannelFit>& fits,
                                              const std::vector<double>& own_db);

/// Multiplies by the factors of the channels: none, one, or one for each index of the last
/// dimension.
void rescale(std::span<const float> factors, std::span<float> values);

}  // namespace cygnet
