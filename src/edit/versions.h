// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "graph/graph.h"

namespace cygnet {

/// The lowest version of a builtin operator that can run this node, as LiteRT 2.3's kernels define
/// versions: newer versions of an operator stand for types, ranks and options that came later. A
/// node that was read from a file keeps its version where that is higher.
int operator_version(const Subgraph& subgraph, const Node& node);

/// The first TensorFlow Lite release that runs every operator version of the graph, "2.5.0".
std::string minimum_runtime(const Graph& graph);

}  // namespace cygnet
