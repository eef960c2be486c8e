// SPDX-License-Identifier: Apache-2.0
// A float transposed convolution whose outputs overlap: one product of each input pixel with all
// taps of all channels, then each output the sum of the taps that reach it. No product is of a tap
// that an output lacks, and the columns of the product are many.
#pragma once

#include "ops/conv_common.h"
#include "ops/transposed.h"

namespace cygnet::ops {

/// Such a convolution, prepared.
struct TransposedSums {
  bool used = false;
  Product product;
  int64_t columns = 0;  ///< taps · M
  int64_t group = 0;    ///< Input rows that are multiplied together.
  int64_t rows = 0;     ///< Input rows whose products a thread keeps, row y in place y % rows.
  const uint8_t* weights = nullptr;  ///< packed [taps · M][C]
  float* bias = nullptr;             ///< [M]
  int products = -1;                 ///< scratch: [threads][rows][W][columns]
  int kept = -1;  ///< scratch: [threads][rows], which row of all images' a place holds
};

/// Taps of one dimension that reach outputs of a phase: phase, phase + stride, …
inline int32_t phase_taps(const WindowDim& d, int32_t phase) {
  return phase < d.filter ? (d.filter - phase - 1) / d.stride + 1 : 0;
}

/// In prepare: decides whether this way is the faster one for f32 operands, `g` from output to
/// input, and if so packs the filter.
Status prepare_transposed_sums(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                               TransposedSums* s);

/// In invoke.
void invoke_transposed_sums(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                            const TransposedSums& s, const Clamp<float>& clamp);

}  // namespace cygnet::ops
