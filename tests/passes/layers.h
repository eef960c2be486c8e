// SPDX-License-Identifier: Apache-2.0
// Convolutions and what surrounds them, for tests of passes.
#pragma once

#include "passes/builders.h"

namespace cygnet::test {

using schema::Padding;

/// CONV_2D or DEPTHWISE_CONV_2D with random weights.
struct Conv {
  int32_t filter = 3, channels = 4;
  int32_t stride = 1, dilation = 1;
  Padding padding = Padding::SAME;
  bool bias = true, depthwise = false;
  schema::ActivationFunctionType activation = schema::ActivationFunctionType::NONE;

  int32_t operator()(Editor& e, int32_t x, std::string_view name = "conv") const {
    const int32_t in = e.shape(x)[3];
    const Shape w =
        depthwise ? Shape{1, filter, filter, channels} : Shape{channels, filter, filter, in};
    const std::vector<int32_t> inputs = {
        x, random_constant(e, w, 11, "weights"),
        bias ? random_constant(e, {channels}, 12, "bias") : kAbsent};
    if (depthwise) {
      schema::DepthwiseConv2DOptionsT options;
      options.depth_multiplier = channels / in;
      return apply(e, Builtin::DEPTHWISE_CONV_2D, inputs, options, name);
    }
    return apply(e, Builtin::CONV_2D, inputs, schema::Conv2DOptionsT(), name);
  }

 private:
  template <class Options>
  int32_t apply(Editor& e, Builtin op, const std::vector<int32_t>& inputs, Options options,
                std::string_view name) const {
    options.stride_h = options.stride_w = stride;
    options.dilation_h_factor = options.dilation_w_factor = dilation;
    options.padding = padding;
    options.fused_activation_function = activation;
    return e.add(op, inputs, options, name);
  }
};

inline int32_t image(Editor& e, int32_t channels = 3, int32_t h = 9, int32_t w = 10) {
  return e.input("image", Type::float32, {-1, h, w, channels});
}

/// Two integers a dimension.
inline int32_t pairs(Editor& e, const std::vector<int32_t>& list) {
  return e.constant<int32_t>({static_cast<int32_t>(list.size() / 2), 2}, list, "paddings");
}

inline int32_t pad(Editor& e, int32_t x, int32_t top, int32_t bottom, int32_t left, int32_t right) {
  return e.add(Builtin::PAD, {x, pairs(e, {0, 0, top, bottom, left, right, 0, 0})},
               schema::PadOptionsT(), "padded");
}

inline int32_t space_to_batch(Editor& e, int32_t x, int32_t block, const std::vector<int32_t>& p) {
  return e.add(Builtin::SPACE_TO_BATCH_ND, {x, e.list({block, block}), pairs(e, p)},
               schema::SpaceToBatchNDOptionsT(), "batches");
}
inline int32_t batch_to_space(Editor& e, int32_t x, int32_t block, const std::vector<int32_t>& p) {
  return e.add(Builtin::BATCH_TO_SPACE_ND, {x, e.list({block, block}), pairs(e, p)},
               schema::BatchToSpaceNDOptionsT(), "space");
}

/// Batch normalization: MUL and ADD for each channel.
inline int32_t batch_norm(Editor& e, int32_t x, int32_t channels, std::string_view name = "bn") {
  return add(e, mul(e, x, random_constant(e, {channels}, 21, "gamma", 0.5f, 2)),
             random_constant(e, {1, 1, 1, channels}, 22, "beta"), name);
}

inline int32_t relu(Editor& e, int32_t x, Builtin op = Builtin::RELU,
                    std::string_view name = "relu") {
  return e.add(op, {x}, NoOptions{}, name);
}

}  // namespace cygnet::test
