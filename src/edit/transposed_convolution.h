// SPDX-License-Identifier: Apache-2.0
// Transposed convolution, for importers.
#pragma once

#include <string>

#include "edit/editor.h"

namespace cygnet {

/// One transposed convolution on images.
struct TransposedConvolution {
  int32_t x = kAbsent;       ///< [n, h, w, in]
  int32_t filter = kAbsent;  ///< [kh, kw, out, in]
  int32_t out_h = 0, out_w = 0;
  int32_t stride_h = 1, stride_w = 1;
  schema::Padding padding = schema::Padding::SAME;
  /// int32 [4], what to give TRANSPOSE_CONV where the batch is free and the filter no constant.
  int32_t output_shape = kAbsent;
  std::string name;  ///< of the result
};

/// Appends it; returns the result [n, out_h, out_w, out]. TRANSPOSE_CONV takes the result's batch
/// from an operand, which would have to be computed where the batch is free. There it becomes what
/// equals it for every batch: a convolution that makes the stride_h × stride_w results around each
/// element as channels, moved to their places by DEPTH_TO_SPACE.
int32_t add_transposed_convolution(Editor& e, const TransposedConvolution& t);

}  // namespace cygnet
