// SPDX-License-Identifier: Apache-2.0
// Winograd's minimal filtering for f32 convolutions of stride 1: fewer multiplications than the
// definition has, for transforms of input, filter and output that are additions mostly.
// An infinity or NaN in the input makes NaN of all outputs that share a tile with it.
// Source: Lavin, Gray: Fast Algorithms for Convolutional Neural Networks, 2016.
#pragma once

#include "ops/conv_common.h"

namespace cygnet::ops {

/// A convolution by minimal filtering, prepared.
struct Winograd {
  bool used = false;
  WinogradKind kind = WinogradKind::f4x4_3x3;
  /// Sub-grids: with a dilation of 2 the even and the odd positions, which never meet.
  int64_t grid_rows = 0, grid_columns = 0;
  int64_t rows = 0, columns = 0;   ///< Tiles of a sub-grid.
  int64_t tiles = 0;               ///< Of all images.
  int64_t block = 0;               ///< Tiles that are transformed together.
  bool split_columns = false;      ///< Threads share a block and divide its output channels.
  int64_t tile_stride = 0;         ///< Elements from one tile's input positions to the next one's.
  int64_t plane_stride = 0;        ///< … and from one of its positions to the next.
  const float* weights = nullptr;  ///< [⌈M/nr⌉][positions], each a block as of pack_gemm_f32
  const float* bias = nullptr;     ///< [M], then zeros up to whole blocks
  const float* zero = nullptr;     ///< [C]
  int inputs = -1, products = -1;  ///< Scratch: positions of the inputs and of the outputs.
};

/// In prepare: decides whether minimal filtering is faster than the definition for x [N, H, W, C]
/// and an f32 filter [M, KH, KW, C] of one group, and if so transforms filter and bias. The
/// environment variable CYGNET_WINOGRAD=0 turns it off.
Status prepare_winograd(OpContext& op, const ConvGeometry& g, const Tensor& x, const Tensor& filter,
                        const Tensor* bias, Winograd* s);

/// In invoke: y [N, OH, OW, M].
void invoke_winograd(OpContext& op, const ConvGeometry& g, const Winograd& s, const Tensor& x,
                     const Clamp<float>& clamp, Tensor* y);

}  // namespace cygnet::ops
