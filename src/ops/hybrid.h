// SPDX-License-Identifier: Apache-2.0
// Hybrid operators: float activations, integer weights with scales. The activations are quantized
// to 8 bits while running, row by row (or image by image), and the products are summed in integers.
// Source: TFLite's tensor_utils, LiteRT 2.3.
#pragma once

#include "cygnet/custom_op.h"
#include "kernels/kernels.h"
#include "ops/activation.h"

namespace cygnet::ops {

/// The quantization of x[0, n). Symmetric: zero is 0 and the largest magnitude becomes 127.
/// Asymmetric: the range from the smallest to the largest element, widened to hold 0, is spread
/// over all codes. NaN is passed over.
DynamicQuant choose_quant(const float* x, int64_t n, bool asymmetric);

/// out[i] = q(x[i]) + offset; halves are rounded away from zero before the zero is added. T:
/// uint8_t (offset 128 always: the unsigned domain of the kernels, and one of them does it),
/// int16_t, float (offset −zero: exact numbers for the plain loops).
template <class T>
void quantize_floats(const float* x, int64_t n, const DynamicQuant& quant, int32_t offset, T* out);
extern template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, uint8_t*);
extern template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, int16_t*);
extern template void quantize_floats(const float*, int64_t, const DynamicQuant&, int32_t, float*);

/// What turns a row of sums into results.
struct HybridColumns {
  const float* scales = nullptr;  ///< [n] of the weights
  const float* bias = nullptr;    ///< [n], or null
  const int32_t* sums = nullptr;  ///< [n] Σ of a column's weights; null where zeros are 0
  Clamp<float> clamp = {};
};

/// out[j] = Σ w[j][0, depth) of n rows.
void sum_weights(const int8_t* w, int64_t n, int64_t depth, int32_t* out);

}  // namespace cygnet::ops
