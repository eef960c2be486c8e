// SPDX-License-Identifier: Apache-2.0
// Fusion of element-wise steps into the step whose output they read: a convolution with its
// activation and residual sum, an activation made of several operators, a chain of sums and
// products. Each piece of output runs through all of them while it is in the first-level cache;
// each step computes as it would alone, so results keep their bits.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Moves steps of a plan, whose static steps have been prepared and whose tensors have no memory
/// yet, into Step::followers of the steps that they can follow.
///
/// Step f follows step p when f works by parts (OpDef::by_parts), p hands over its output in parts
/// (OpDef::produces or by_parts), f reads p's output or that of another follower of p element by
/// element, and all else that f reads is there before p runs. f must come right after p and what
/// follows p, or be the last to read what p makes: otherwise its output would take memory earlier
/// than needed.
Status fuse_followers(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
