// SPDX-License-Identifier: Apache-2.0
// x · σ(x) of 8-bit tensors, which the format has no operator for: its two operators become one
// look-up in a table.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Looks for MUL(x, LOGISTIC(x)) of int8 or uint8 without an activation, whose logistic values
/// nothing else reads. Where there are some, plan->rewritten becomes the subgraph with each MUL
/// replaced by a node that takes x and the tensor of the logistic values, which nothing makes any
/// more, and has LOGISTIC's OpDef; that computes both steps where it gets two operands. The
/// LOGISTIC nodes are kFusedAway. Results are the same.
Status fuse_swishes(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
