// SPDX-License-Identifier: Apache-2.0
// x / (1 + |x|), which the format has no operator for: its three operators become one step.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Looks for DIV(x, ADD(ABS(x), 1)) of f32, or of int8 with any constant that is large enough for
/// no divisor to be 0, without activations, whose steps nothing else reads. Where there are some,
/// plan->rewritten becomes the subgraph with each DIV replaced by a node that takes x, the tensor
/// of ABS's values, the constant and the tensor of the sums, and has ABS's OpDef; that computes all
/// three steps where it gets four operands. The ABS and ADD nodes are kFusedAway. Results are the
/// same, of f32 but for rounding.
Status fuse_softsigns(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
