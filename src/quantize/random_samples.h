// SPDX-License-Identifier: Apache-2.0
// Inputs for networks of which no data are at hand.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "quantize/samples.h"

namespace cygnet {

/// `count` samples for the main subgraph of `graph` that `seed` determines. Real numbers are spread
/// evenly over what the input's integers can stand for, in `graph` or, where it takes floats, in
/// `other` (null: none); [−1, 1) where both take floats. Integers lie in [0, 10). Free dimensions
/// are as the file has them. Throws Failure for inputs of other types.
std::vector<Sample> random_samples(const Graph& graph, const Graph* other, size_t count,
                                   uint64_t seed);

}  // namespace cygnet
