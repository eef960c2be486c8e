// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/budget.h"
#include "graph/graph.h"
#include "graph/limits.h"

namespace cygnet {

/// Rule G6: the subgraphs that operators call exist, take and give what the caller gives and takes,
/// do not call themselves, and are at most Limits::call_depth deep.
Status verify_calls(const Graph& graph, const Limits& limits, Budget* budget);

/// Rule C12: keys and names of signatures are present and unique, and each tensor is an input or
/// output of the signature's subgraph.
Status verify_signatures(const Graph& graph, Budget* budget);

}  // namespace cygnet
