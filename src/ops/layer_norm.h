// SPDX-License-Identifier: Apache-2.0
// Layer normalization, which runtime/fuse/layer_norm.h makes of a chain of operators: a MEAN node
// of five operands.
//   input 0: x [..., N] f32; input 1: axes, which are MEAN's and not read; input 2: gamma and
//   input 3: beta, [N] or absent; input 4: epsilon, one number, constant. output 0: as x:
//   (x − mean)·gamma / √(variance + epsilon) + beta, mean and variance over the last dimension
#pragma once

#include "cygnet/custom_op.h"

namespace cygnet::ops {

/// Whether a MEAN node is one. The reader lets no such node through from a file.
inline bool is_layer_norm(const OpContext& op) {
  return op.inputs() == 5;
}

Status infer_layer_norm(OpContext& op);
void invoke_layer_norm(OpContext& op);

}  // namespace cygnet::ops
