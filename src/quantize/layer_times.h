// SPDX-License-Identifier: Apache-2.0
// How long the layers of two networks take, as they run for users: fused.
#pragma once

#include <string>
#include <vector>

#include "format/model.h"
#include "quantize/align.h"
#include "quantize/samples.h"

namespace cygnet {

/// Of layers that run in one step, on either side, the leader has the times of all.
struct LayerTimes {
  double a_us = 0, b_us = 0;  ///< least over the runs; 0 where another layer leads
  int leader = -1;            ///< index of the layer that has the times; −1: this one
};

struct NetworkTimes {
  std::vector<LayerTimes> layers;         ///< by aligned layer
  double whole_a_us = 0, whole_b_us = 0;  ///< least time of a whole run
};

/// Runs both in turn on one sample each, for so many seconds but seven times at least. Operators
/// without a partner count for the layer that they work for (layers_of_nodes). Throws Failure.
NetworkTimes measure_layers(const Model& a, const Model& b, const std::vector<AlignedLayer>& layers,
                            const Sample& sample_a, const Sample& sample_b, int threads,
                            double seconds = 1.5);

/// A layer that is slower in B than in A.
struct SlowLayer {
  AlignedLayer layer;
  int more = 0;  ///< layers that run in the same step
  double a_us = 0, b_us = 0;
};

/// The layers that take more than 5 % and 1 µs longer in B, those that lose most first.
std::vector<SlowLayer> slower_layers(const std::vector<AlignedLayer>& layers,
                                     const NetworkTimes& times);
/// As above, measured on one sample of A's inputs, which B takes in the same order. Throws Failure.
std::vector<SlowLayer> slower_layers(const Model& a, const Model& b, const Sample& sample,
                                     int threads);

}  // namespace cygnet
