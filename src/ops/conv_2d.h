// SPDX-License-Identifier: Apache-2.0
// What CONV_2D keeps from prepare for its runs.
#pragma once

#include "ops/conv_common.h"
#include "ops/conv_lines.h"
#include "ops/few_channels.h"
#include "ops/winograd.h"

namespace cygnet::ops {

/// One CONV_2D node.
struct ConvState {
  ConvGeometry geometry;  // of the tensor as the file gives it
  ConvGeometry inner;     // as the kernel sees it: of the staged image, a row of taps in one
  int32_t groups = 1;
  ConvResults results;
  int unpacked = -1;       // scratch of the plain loops: the filter
  bool packed = false;     // kernels can run
  bool pointwise = false;  // 1×1, stride 1, no padding: rows are the pixels themselves
  int64_t k = 0;           // depth of one tap for the kernel
  Staging staging;
  const uint8_t* weights =
      nullptr;  // packed, one group after the other; int16 activations: as they are
  int64_t group_bytes = 0;
  int32_t* sums = nullptr;        // hybrid: of each output channel
  uint8_t* zero = nullptr;        // row of padding
  uint8_t flip = 0;               // of int8 activations that are not staged
  int32_t* at = nullptr;          // offsets of all pixels' taps; null: made while running
  int64_t* bias64 = nullptr;      // int16 activations
  int staged = -1, offsets = -1;  // scratch
  Product product;
  int64_t task_pixels = 0;   // of one task
  int64_t task_columns = 0;  // where an image has too few pixels for all threads, else all
  // Where one of these is used, nothing else is prepared.
  Winograd winograd;
  ConvLines lines;
  FewChannels few;
};

/// The bias, or null.
inline const Tensor* conv_bias(const OpContext& op) {
  return op.input_or_null(2);
}

/// Runs a state that is `packed`, by products of matrices.
void invoke_products(OpContext& op, const ConvState& s);

}  // namespace cygnet::ops
