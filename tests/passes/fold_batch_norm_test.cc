// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::test {
namespace {

TEST(FoldBatchNorm, Convolutions) {
  for (bool depthwise : {false, true})
    for (bool bias : {false, true})
      for (Padding padding : {Padding::SAME, Padding::VALID}) {
        Draft draft;
        Editor e(draft, builtin_ops());
        const Conv conv{.channels = 6, .padding = padding, .bias = bias, .depthwise = depthwise};
        e.set_outputs({batch_norm(e, conv(e, image(e)), 6)});
        EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 2);
        EXPECT_EQ(operators(draft), Names{depthwise ? "DEPTHWISE_CONV_2D" : "CONV_2D"});
        const auto inputs = draft.graph.subgraphs[0].nodes[0].inputs;
        EXPECT_EQ(draft.graph.subgraphs[0].tensors[inputs[1]].name, "weights");
      }
}

TEST(FoldBatchNorm, TransposedConvolution) {
  for (bool bias : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = e.input("image", Type::float32, {1, 5, 4, 3});
    schema::TransposeConvOptionsT options;
    options.stride_h = options.stride_w = 2;
    std::vector<int32_t> inputs = {e.list({1, 10, 8, 4}), random_constant(e, {4, 3, 3, 3}, 1), x};
    if (bias) inputs.push_back(random_constant(e, {4}, 2));
    const int32_t y = e.add(Builtin::TRANSPOSE_CONV, inputs, options, Results("up", Type::float32));
    e.set_outputs({batch_norm(e, y, 4)});
    EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 2);
    EXPECT_EQ(operators(draft), Names{"TRANSPOSE_CONV"});
  }
}

int32_t dense(Editor& e, int32_t x, bool bias) {
  std::vector<int32_t> inputs = {x, random_constant(e, {5, 7}, 1)};
  if (bias) inputs.push_back(random_constant(e, {5}, 2));
  return e.add(Builtin::FULLY_CONNECTED, inputs, schema::FullyConnectedOptionsT(), "dense");
}

TEST(FoldBatchNorm, FullyConnectedAndEveryForm) {
  for (bool bias : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    int32_t y = dense(e, e.input("x", Type::float32, {-1, 7}), bias);
    y = sub(e, y, random_constant(e, {5}, 3));
    y = div(e, y, random_constant(e, {1, 5}, 4, "divisor", 1, 2));
    y = sub(e, random_constant(e, {5}, 5), y);
    y = mul(e, number(e, 0.75), y);
    e.set_outputs({add(e, number(e, 2), y, "y")});
    EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 5);
    EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
  }
}

TEST(FoldBatchNorm, AcrossBatchToSpaceAndReshape) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const Conv conv{.channels = 3, .padding = Padding::VALID, .depthwise = true};
  int32_t y = space_to_batch(e, image(e, 3, 8, 8), 2, {2, 2, 2, 2});
  y = batch_norm(e, batch_to_space(e, conv(e, y), 2, {0, 0, 0, 0}), 3);
  y = mul(e, reshape(e, y, {-1, 64, 3}), random_constant(e, {3}, 4), "y");
  e.set_outputs({y});
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 3);
  EXPECT_EQ(operators(draft),
            (Names{"SPACE_TO_BATCH_ND", "DEPTHWISE_CONV_2D", "BATCH_TO_SPACE_ND", "RESHAPE"}));
}

TEST(FoldBatchNorm, TakesTheActivationAlong) {
  Draft draft;
  Editor e(draft, builtin_ops());
  schema::AddOptionsT options;
  options.fused_activation_function = schema::ActivationFunctionType::RELU6;
  e.set_outputs({e.add(Builtin::ADD, {Conv()(e, image(e)), random_constant(e, {4}, 1)}, options)});
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 1);
  EXPECT_EQ(operators(draft), Names{"CONV_2D"});
}

TEST(FoldBatchNorm, FactorsPassZerosOffsetsDoNot) {
  for (bool product : {true, false}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = pad(e, Conv()(e, image(e)), 1, 1, 2, 2), c = random_constant(e, {4}, 1);
    e.set_outputs({product ? mul(e, x, c) : add(e, x, c)});
    EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), product ? 1 : 0);
  }
}

// Each case: what is done with the convolution's result `y`; nothing may be folded.
TEST(FoldBatchNorm, Keeps) {
  using Case = std::vector<int32_t> (*)(Editor&, int32_t y);
  const Case cases[] = {
      [](Editor& e, int32_t y) {  // shared
        return std::vector<int32_t>{mul(e, y, random_constant(e, {4}, 1)), relu(e, y)};
      },
      [](Editor& e, int32_t y) {  // an output
        return std::vector<int32_t>{y, mul(e, y, random_constant(e, {4}, 1))};
      },
      [](Editor& e, int32_t y) {  // not a constant
        return std::vector<int32_t>{mul(e, y, e.input("factor", Type::float32, {4}))};
      },
      [](Editor& e, int32_t y) {  // columns, not channels
        return std::vector<int32_t>{mul(e, y, random_constant(e, {10, 1}, 1))};
      },
      [](Editor& e, int32_t y) {  // another rank
        return std::vector<int32_t>{mul(e, y, random_constant(e, {1, 1, 1, 1, 4}, 1))};
      },
      [](Editor& e, int32_t y) {  // behind an activation
        return std::vector<int32_t>{mul(e, relu(e, y), random_constant(e, {4}, 1))};
      },
      [](Editor& e, int32_t y) {  // the constant is divided
        return std::vector<int32_t>{div(e, random_constant(e, {4}, 1, "c", 1, 2), y)};
      },
      [](Editor& e, int32_t y) {  // no finite weights
        return std::vector<int32_t>{div(e, y, e.scalar<float>(1e-45f))};
      },
      [](Editor& e, int32_t y) {  // the channels are no longer the last dimension
        return std::vector<int32_t>{
            mul(e, reshape(e, y, {-1, 9, 5, 8}), random_constant(e, {8}, 1))};
      }};
  for (Case make : cases) {
    Draft draft;
    Editor e(draft, builtin_ops());
    e.set_outputs(make(e, Conv()(e, image(e))));
    EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 0) << &make - cases;
  }
}

TEST(FoldBatchNorm, OneChannelIsNotSpreadOverMany) {
  Draft draft;
  Editor e(draft, builtin_ops());
  e.set_outputs({mul(e, Conv{.channels = 1}(e, image(e)), random_constant(e, {5}, 1))});
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 0);
}

TEST(FoldBatchNorm, NotBehindAFusedActivationOrWithWeightsFromOutside) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = image(e), w = e.input("weights", Type::float32, {4, 1, 1, 3});
  schema::Conv2DOptionsT options;
  options.stride_h = options.stride_w = 1;
  const Conv active{.activation = schema::ActivationFunctionType::RELU};
  e.set_outputs({mul(e, active(e, x), number(e, 2)),
                 mul(e, e.add(Builtin::CONV_2D, {x, w, kAbsent}, options), number(e, 2))});
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 0);
}

TEST(FoldBatchNorm, SharedWeightsStayForTheOthers) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = image(e), w = random_constant(e, {4, 1, 1, 3}, 1);
  schema::Conv2DOptionsT options;
  options.stride_h = options.stride_w = 1;
  const int32_t a = e.add(Builtin::CONV_2D, {x, w, kAbsent}, options, "a");
  const int32_t b = e.add(Builtin::CONV_2D, {x, w, kAbsent}, options, "b");
  e.set_outputs({batch_norm(e, a, 4), b});
  EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 2);
  EXPECT_EQ(operators(draft), (Names{"CONV_2D", "CONV_2D"}));
}

}  // namespace
}  // namespace cygnet::test
