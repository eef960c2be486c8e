// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

// One of four operators with weights, of 6 channels.
int32_t weighted(Editor& e, int kind, int32_t x, bool bias) {
  const int32_t b = bias ? random_constant(e, {6}, 8) : kAbsent;
  if (kind == 0) {
    schema::Conv2DOptionsT options;
    options.stride_h = options.stride_w = 1;
    return e.add(Builtin::CONV_2D, {x, random_constant(e, {6, 3, 3, 3}, 7), b}, options);
  }
  if (kind == 1) {
    schema::DepthwiseConv2DOptionsT options;
    options.stride_h = options.stride_w = 1;
    options.depth_multiplier = 2;
    return e.add(Builtin::DEPTHWISE_CONV_2D, {x, random_constant(e, {1, 3, 3, 6}, 7), b}, options);
  }
  if (kind == 2) {
    schema::FullyConnectedOptionsT options;
    options.keep_num_dims = true;
    return e.add(Builtin::FULLY_CONNECTED, {x, random_constant(e, {6, 3}, 7), b}, options);
  }
  schema::TransposeConvOptionsT options;
  options.stride_h = options.stride_w = 2;
  std::vector<int32_t> inputs = {e.list({3, 8, 8, 6}), random_constant(e, {6, 2, 2, 3}, 7), x};
  if (bias) inputs.push_back(b);
  return e.add(Builtin::TRANSPOSE_CONV, inputs, options, Results("transposed", Type::float32));
}

TEST(FoldAffineBackward, BatchNormalization) {
  for (int kind = 0; kind < 4; ++kind)
    for (bool bias : {false, true}) {
      if (kind < 2 && !bias) continue;  // the runtime wants a bias there
      Draft draft;
      Editor e(draft, builtin_ops());
      const int32_t x = e.input("x", Type::float32, {kind == 3 ? 3 : -1, 4, 4, 3});
      const int32_t y = weighted(e, kind, x, bias);
      e.set_outputs({add(e, mul(e, y, random_constant(e, {6}, 1)),
                         random_constant(e, {1, 1, 1, 6}, 2), "y")});
      EXPECT_EQ(optimize(draft, {"fold-affine-backward"}), 2) << kind;
      EXPECT_EQ(operators(draft).size(), 1u) << kind;
    }
}

TEST(FoldAffineBackward, KeepsFusedActivation) {
  Draft draft;
  Editor e(draft, builtin_ops());
  schema::AddOptionsT relu;
  relu.fused_activation_function = schema::ActivationFunctionType::RELU;
  const int32_t x = e.input("x", Type::float32, {-1, 4, 4, 3});
  e.set_outputs(
      {e.add(Builtin::ADD, {random_constant(e, {6}, 1), weighted(e, 0, x, true)}, relu, "y")});
  EXPECT_EQ(optimize(draft, {"fold-affine-backward"}), 1);
  EXPECT_EQ(operators(draft), Names{"CONV_2D"});
}

TEST(FoldAffineBackward, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 4, 3});
  const int32_t shared = weighted(e, 0, x, true);
  const int32_t clamped = e.add(Builtin::RELU, {weighted(e, 0, x, true)});
  e.set_outputs({mul(e, shared, shared, "shared"),
                 mul(e, shared, random_constant(e, {6}, 1), "reads it too"),
                 mul(e, clamped, random_constant(e, {6}, 1), "behind an activation"),
                 mul(e, weighted(e, 0, x, true), random_constant(e, {4, 1}, 1), "columns")});
  EXPECT_EQ(optimize(draft, {"fold-affine-backward"}), 0);
}

}  // namespace
}  // namespace cygnet::test
