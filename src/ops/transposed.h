// SPDX-License-Identifier: Apache-2.0
// The transpose of a convolution, which TRANSPOSE_CONV and Convolution2DTransposeBias share:
//   y[n, iy·sh + fy − ph, ix·sw + fx − pw, m] += x[n, iy, ix, c] · filter[m, fy, fx, c]
// and then bias[m] and the activation.
#pragma once

#include "ops/conv_common.h"

namespace cygnet::ops {

/// x: [N, H, W, C], filter: [M, KH, KW, C], bias: [M] or null.
struct TransposedOperands {
  const Tensor& x;
  const Tensor& filter;
  const Tensor* bias;
};

/// In infer: types, ranks, channels and quantization.
Status check_transposed(const OpContext& op, const TransposedOperands& in);

/// The convolution from an output of out_h × out_w whose transpose is wanted. Refused unless it
/// gives x's height and width.
Status transposed_geometry(const TransposedOperands& in, schema::Padding padding, int32_t stride_h,
                           int32_t stride_w, int32_t out_h, int32_t out_w, ConvGeometry* g);

/// In prepare: makes the node's state.
Status prepare_transposed(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                          schema::ActivationFunctionType activation);
Status invoke_transposed(OpContext& op, const TransposedOperands& in);
int64_t transposed_macs(const TransposedOperands& in);

}  // namespace cygnet::ops
