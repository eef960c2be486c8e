// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "graph/limits.h"

namespace cygnet {

/// Checks the rules G (graph) and T (tensors) on everything that a file can say. Nothing that
/// passes can make the runtime read or write outside of its memory; what an operator demands of
/// its operands is checked by the operator.
Status verify(const Graph& graph, const Limits& limits);

}  // namespace cygnet
