// SPDX-License-Identifier: Apache-2.0
// Real numbers of quantized tensors, for DEQUANTIZE and NumericVerify.
#pragma once

#include "ops/check.h"

namespace cygnet::ops {

/// Input 0 has real numbers: one scale, or one for each element of a dimension that exists.
Status expect_scales(const Tensor& x);

/// y[i] = scale · (q − zero point) of elements [at, at + n) of x, which is int8, uint8, int16,
/// int4, uint4 or int2 with scales (expect_scales).
void dequantize_elements(const Tensor& x, int64_t at, int64_t n, float* y);

}  // namespace cygnet::ops
