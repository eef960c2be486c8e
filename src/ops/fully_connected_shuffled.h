// SPDX-License-Identifier: Apache-2.0
// FULLY_CONNECTED with weights_format SHUFFLED4x16INT8: uint8 x of 1 or 4 rows, weights in tiles of
// 4 × 16 elements with their sign bits flipped (as int8 they are the weights less the zero point
// 128), int16 results. Output 1 is a workspace; it is filled with zeros.
// Source: TFLite's reference kernel, LiteRT 2.3.
#pragma once

#include "cygnet/custom_op.h"

namespace cygnet::ops {

Status infer_shuffled(OpContext& op);
Status prepare_shuffled(OpContext& op);
Status invoke_shuffled(OpContext& op);

}  // namespace cygnet::ops
