// SPDX-License-Identifier: Apache-2.0
// Layer normalization, which the format has no operator for: the chain of operators that stands for
// it becomes one node.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Node::builtin of a node that another one computes along: it is no step of the plan.
inline constexpr int32_t kFusedAway = -1;

/// Looks for f32 chains that compute (x − mean)·gamma / √(variance + epsilon) + beta over the last
/// dimension of x, in any of the forms that converters write, gamma or beta left out or not. Where
/// there are some, plan->rewritten becomes the subgraph with each chain's last node replaced by one
/// that takes x, axes, gamma, beta and epsilon and has MEAN's OpDef, which computes all of it where
/// it gets so many operands (ops/layer_norm.h); the other nodes of the chain are kFusedAway.
/// Results differ by rounding.
Status fuse_layer_norms(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
