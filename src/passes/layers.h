// SPDX-License-Identifier: Apache-2.0
// What passes ask of operators with weights and of windows that slide over height and width.
#pragma once

#include "passes/match.h"

namespace cygnet::passes {

/// Whether node n is CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or FULLY_CONNECTED on float32, with
/// constant weights (operand 1) and a bias that is constant or absent.
bool is_layer(const Patch& patch, int32_t n);
/// Which operand of a layer is its bias.
size_t bias_operand(const Patch& patch, int32_t n);
/// Which dimension of a layer's weights counts its output channels.
int channel_axis(const Patch& patch, int32_t n);

/// Whether the operator of node n has a fused activation that LiteRT's kernels compute: a layer,
/// ADD, SUB, MUL, DIV or a pool, on float32.
bool takes_activation(const Patch& patch, int32_t n);

/// The elements that a PAD adds before and after each dimension, two a dimension.
std::optional<std::vector<int64_t>> paddings(const Patch& patch, int32_t n);
/// What PAD or PADV2 adds on float32, if it is known; 0 for PAD.
std::optional<float> padding_value(const Patch& patch, int32_t n);

/// One dimension of a convolution or pool.
struct Window {
  int64_t in = 0, filter = 1, stride = 1, dilation = 1;
  int64_t extent() const { return (filter - 1) * dilation + 1; }
  int64_t out(schema::Padding padding) const {
    if (padding == schema::Padding::SAME) return (in + stride - 1) / stride;
    return in < extent() ? 0 : (in - extent()) / stride + 1;
  }
  /// Padding before the first element.
  int64_t before(schema::Padding padding) const {
    if (padding != schema::Padding::SAME) return 0;
    return std::max<int64_t>(0, (out(padding) - 1) * stride + extent() - in) / 2;
  }
};

}  // namespace cygnet::passes
