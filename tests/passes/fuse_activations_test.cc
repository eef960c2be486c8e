// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::test {
namespace {

using Activation = schema::ActivationFunctionType;

constexpr Builtin kActivations[] = {Builtin::RELU, Builtin::RELU6, Builtin::RELU_N1_TO_1};

TEST(FuseActivations, Convolutions) {
  for (Builtin op : kActivations)
    for (bool depthwise : {false, true}) {
      Draft draft;
      Editor e(draft, builtin_ops());
      const Conv conv{.channels = 3, .depthwise = depthwise};
      e.set_outputs({relu(e, conv(e, image(e)), op)});
      EXPECT_EQ(optimize(draft, {"fuse-activations"}, 0), 1);
      EXPECT_EQ(operators(draft).size(), 1u);
    }
}

TEST(FuseActivations, ArithmeticAndPools) {
  for (Builtin op : kActivations) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = image(e), z = e.input("other", Type::float32, {-1, 9, 10, 3});
    schema::Pool2DOptionsT pool;
    pool.filter_height = pool.filter_width = 2;
    pool.stride_h = pool.stride_w = 1;
    std::vector<int32_t> outputs;
    for (int32_t y :
         {add(e, x, z), sub(e, x, z), mul(e, x, z), div(e, x, z),
          e.add(Builtin::MAX_POOL_2D, {x}, pool), e.add(Builtin::AVERAGE_POOL_2D, {x}, pool)})
      outputs.push_back(relu(e, y, op, text("y", outputs.size())));
    e.set_outputs(outputs);
    EXPECT_EQ(optimize(draft, {"fuse-activations"}, 0), 6);
    EXPECT_EQ(operators(draft).size(), 6u);
  }
}

TEST(FuseActivations, OneAfterAnother) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = image(e);
  e.set_outputs({relu(e, relu(e, Conv()(e, x)), Builtin::RELU6, "a"),
                 relu(e, relu(e, Conv()(e, x), Builtin::RELU6), Builtin::RELU, "b"),
                 // 0 to 1: the format has no such fused activation
                 relu(e, relu(e, Conv()(e, x), Builtin::RELU_N1_TO_1), Builtin::RELU, "c")});
  EXPECT_EQ(optimize(draft, {"fuse-activations"}, 0), 5);
  EXPECT_EQ(operators(draft), (Names{"CONV_2D", "CONV_2D", "CONV_2D", "RELU"}));
}

TEST(FuseActivations, AcrossWhatMovesElements) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t y = pad(e, transpose(e, Conv()(e, image(e)), {0, 2, 1, 3}), 1, 0, 0, 1);
  e.set_outputs({relu(e, reshape(e, y, {-1, 11 * 10 * 4}))});
  EXPECT_EQ(optimize(draft, {"fuse-activations"}, 0), 1);
  EXPECT_EQ(operators(draft), (Names{"CONV_2D", "TRANSPOSE", "PAD", "RESHAPE"}));
}

TEST(FuseActivations, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = image(e);
  const int32_t shared = Conv()(e, x, "shared"), output = Conv()(e, x, "output");
  e.set_outputs({relu(e, shared, Builtin::RELU, "a"), mul(e, shared, shared, "b"), output,
                 relu(e, output, Builtin::RELU, "c"), relu(e, x, Builtin::RELU, "d"),
                 e.add(Builtin::TANH, {Conv()(e, x)}, NoOptions{}, "e")});
  EXPECT_EQ(optimize(draft, {"fuse-activations"}, 0), 0);
}

}  // namespace
}  // namespace cygnet::test
