// SPDX-License-Identifier: Apache-2.0
// Functions in f32 of 8-bit tensors, as converters write operators that have no 8-bit form: one
// look-up in a table.
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "runtime/plan.h"

namespace cygnet {

/// Looks for chains of DEQUANTIZE from int8 or uint8, element-wise f32 operators of one operand, if
/// any, and QUANTIZE to int8 or uint8, each with one scale, whose steps nothing else reads. Where
/// there are some, plan->rewritten becomes the subgraph (if it is none yet) with a constant of all
/// 256 codes, of the type and scale of the chain's operand, for each: DEQUANTIZE takes that, so
/// that what follows is folded to constants while the plan is made, and QUANTIZE takes the chain's
/// operand and the last f32 result, which it makes a table of. Results are the same.
Status fuse_code_tables(const Subgraph& graph, Plan* plan);

}  // namespace cygnet
