// SPDX-License-Identifier: Apache-2.0
// Convolutions with few input and output channels, whose pixels lie in the lanes of vectors: where
// channels did, most lanes would be empty. Rows of the image are split into planes, so that each
// tap of each channel is one run of numbers.
#pragma once

#include "ops/conv_common.h"

namespace cygnet::ops {

/// Such a convolution, prepared. A row of the image, with its padding, is a line of elements, of
/// which an output pixel's window begins `step` elements behind its neighbour's. Element e of the
/// windows lies in plane e mod step, e / step further on.
struct FewChannels {
  /// What one term of the sums reads: a row of the window, and a run of a plane.
  struct Term {
    int32_t row;
    int32_t plane;
    int32_t shift;
  };
  bool used = false;
  int64_t step = 0;
  int64_t line = 0;          ///< Elements of a line, as far as it is read.
  int64_t plane_stride = 0;  ///< Numbers from one plane to the next.
  int64_t planes = 0;        ///< Planes of a row.
  int64_t rows = 0;          ///< Rows that are kept, those of a window.
  int64_t terms = 0;
  Term* term = nullptr;           ///< [terms]
  int32_t* first = nullptr;       ///< [planes], where in a step they begin
  const void* weights = nullptr;  ///< As of ConvRowF32, ConvRowQ8.
  const void* bias = nullptr;
  const float* scale = nullptr;   ///< 8 bits
  const void* padding = nullptr;  ///< A plane of a row outside the image.
  int planes_scratch = -1, lines_scratch = -1, pointers_scratch = -1, kept_scratch = -1;
};

/// In prepare: decides whether this is how to convolve x [N, H, W, C] with a filter [M, KH, KW, C]
/// that has been unpacked, and if so prepares it. f32, or int8 with one scale for each of M.
Status prepare_few_channels(OpContext& op, const ConvGeometry& g, const Tensor& x,
                            const Tensor& filter, const Tensor* bias, const ConvResults& results,
                            FewChannels* s);

/// In invoke: y [N, OH, OW, M].
void invoke_few_channels(OpContext& op, const ConvGeometry& g, const FewChannels& s,
                         const ConvResults& results);

}  // namespace cygnet::ops
