// SPDX-License-Identifier: Apache-2.0
// Fusion of element-wise steps into the step that reads their output: a channel multiply before a
// 1×1 convolution, a normalization of sums and products before one. Each piece of input is computed
// just before it is read, while it is in the first-level cache.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Moves steps of a plan, which fuse_followers has been over, into Step::leaders of the step right
/// after them. Step c leads with step l and l's followers when c asks for its input 0 in parts
/// (OpContext::promise_wanted), that input is what l or one of them makes, all of them work by
/// parts (OpDef::by_parts), and nobody else reads what they make.
Status fuse_leaders(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
