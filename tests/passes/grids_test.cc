// SPDX-License-Identifier: Apache-2.0
// Weights that training has rounded stay the same integers while passes change them; rounding of
// activations stays where it is.
#include "support/grids.h"
#include "edit/grid.h"
#include "passes/layers.h"

namespace cygnet::test {
namespace {

int32_t fake_quant(Editor& e, int32_t x, float min, float max) {
  schema::FakeQuantOptionsT o;
  o.min = min;
  o.max = max;
  o.num_bits = 8;
  return e.add(Builtin::FAKE_QUANT, {x}, o, Results("rounded"));
}

int32_t convolution(Editor& e, int32_t x, int32_t weights, bool depthwise) {
  const auto set = [&](auto o) {
    o.stride_h = o.stride_w = 1;
    return o;
  };
  if (!depthwise)
    return e.add(Builtin::CONV_2D, {x, weights, kAbsent}, set(schema::Conv2DOptionsT()), "conv");
  auto o = set(schema::DepthwiseConv2DOptionsT());
  o.depth_multiplier = e.shape(weights)[3] / e.shape(x)[3];
  return e.add(Builtin::DEPTHWISE_CONV_2D, {x, weights, kAbsent}, o, "conv");
}

int32_t weights_of(const Draft& draft, const char* op) {
  for (const Node& n : draft.graph.subgraphs[0].nodes)
    if (n.name == op) return n.inputs[1];
  ADD_FAILURE() << "no " << op;
  return 0;
}

TEST(Grids, BatchNormalization) {
  for (bool depthwise : {false, true})
    for (bool channels : {false, true})
      for (bool uniform : {false, true}) {
        Draft draft;
        Editor e(draft, builtin_ops());
        const Shape shape = depthwise ? Shape{1, 3, 3, 6} : Shape{6, 3, 3, 3};
        const int axis = depthwise ? 3 : 0;
        const QuantizedType type = channels ? symmetric(6, axis) : symmetric();
        const int32_t w = grid_constant(e, shape, type);
        const std::vector<int64_t> before = codes_of(e, w);
        const std::vector<float> factors = {0.5f, -1.5f, 2, 0.75f, -0.25f, 1};
        const int32_t factor = uniform ? number(e, -0.5) : e.constant<float>({6}, factors);
        const int32_t y = mul(e, convolution(e, image(e), w, depthwise), factor);
        e.set_outputs({add(e, y, random_constant(e, {6}, 2), "y")});
        EXPECT_EQ(optimize(draft, {"fold-batch-norm"}), 2);
        const int32_t found = weights_of(draft, depthwise ? "DEPTHWISE_CONV_2D" : "CONV_2D");
        ASSERT_TRUE(e.grid(found));
        const std::vector<int64_t> after = codes_of(e, found);
        EXPECT_EQ(e.grid(found)->scales.size(), channels || !uniform ? 6u : 1u);
        const size_t inner = depthwise ? 1 : 27;
        ASSERT_EQ(after.size(), before.size());
        for (size_t i = 0; i < after.size(); ++i) {
          const size_t c = i / inner % 6;
          const float f = uniform ? -0.5f : factors[c];
          ASSERT_EQ(after[i], f < 0 ? -before[i] : before[i]) << i;
          const float scale = type.scales[channels ? c : 0] * std::fabs(f);
          const Grid& grid = e.grid(found);
          ASSERT_FLOAT_EQ(grid->scales[grid->scales.size() == 1 ? 0 : c], scale);
        }
      }
}

TEST(Grids, FactorInFront) {
  for (bool uniform : {true, false}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t w = grid_constant(e, {5, 7}, symmetric(5, 0));
    const std::vector<int64_t> before = codes_of(e, w);
    const int32_t x = e.input("x", Type::float32, {-1, 7});
    const int32_t factor = uniform ? number(e, 0.25) : random_constant(e, {7}, 3);
    e.set_outputs({e.add(Builtin::FULLY_CONNECTED, {mul(e, x, factor), w, kAbsent},
                         schema::FullyConnectedOptionsT(), "y")});
    EXPECT_EQ(optimize(draft, {"fold-affine-forward"}), 1);
    const int32_t found = weights_of(draft, "FULLY_CONNECTED");
    // Factors across the channels would need a scale for each element.
    ASSERT_EQ(e.grid(found) != nullptr, uniform);
    if (uniform) {
      EXPECT_EQ(codes_of(e, found), before);
    }
  }
}

TEST(Grids, MatrixProduct) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t w = grid_constant(e, {1, 40, 60}, symmetric(60, 2));
  const std::vector<int64_t> before = codes_of(e, w);
  const int32_t x = e.input("x", Type::float32, {-1, 3, 40});
  e.set_outputs({e.add(Builtin::BATCH_MATMUL, {x, w}, schema::BatchMatMulOptionsT(), "y")});
  EXPECT_GE(optimize(draft, {"merge-into-fully-connected", "fold-constants"}), 2);
  const int32_t found = weights_of(draft, "FULLY_CONNECTED");
  ASSERT_TRUE(e.grid(found));
  const std::vector<int64_t> after = codes_of(e, found);
  EXPECT_EQ(e.grid(found)->axis, 0);
  for (size_t n = 0; n < 60; ++n)
    for (size_t k = 0; k < 40; ++k) ASSERT_EQ(after[n * 40 + k], before[k * 60 + n]);
}

TEST(Grids, ShuffledChannels) {
  Draft draft;
  Editor e(draft, builtin_ops());
  int32_t x = reshape(e, image(e, 12), {-1, 9, 10, 3, 4});
  x = reshape(e, transpose(e, x, {0, 1, 2, 4, 3}), {-1, 9, 10, 12});
  const int32_t d = grid_constant(e, {1, 3, 3, 12}, symmetric(12, 3), "depthwise");
  const int32_t w = grid_constant(e, {5, 1, 1, 12}, symmetric(5, 0));
  e.set_outputs({convolution(e, convolution(e, x, d, true), w, false)});
  EXPECT_EQ(optimize(draft, {"fold-channel-shuffle"}), 1);
  codes_of(e, weights_of(draft, "DEPTHWISE_CONV_2D"));
  codes_of(e, weights_of(draft, "CONV_2D"));
}

TEST(Grids, ArithmeticOnWeights) {
  Draft draft;
  Editor e(draft, builtin_ops());
  // Too large to be computed as they are added.
  const int32_t w = grid_constant(e, {3, 3, 16, 32}, symmetric());
  const int32_t scaled = mul(e, w, random_constant(e, {32}, 5));
  const int32_t filter = transpose(e, scaled, {3, 0, 1, 2});
  EXPECT_FALSE(e.constant(filter));
  e.set_outputs({convolution(e, image(e, 16), filter, false)});
  EXPECT_EQ(optimize(draft, {"fold-constants"}), 2);
  const int32_t found = weights_of(draft, "CONV_2D");
  ASSERT_TRUE(e.grid(found));
  codes_of(e, found);
  EXPECT_EQ(e.grid(found)->axis, 0);
  EXPECT_EQ(e.grid(found)->scales.size(), 32u);
}

// Nothing of what stands on one side of a rounding moves to the other.
TEST(Grids, RoundingIsABarrier) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const Conv conv{.channels = 4};
  int32_t y = fake_quant(e, conv(e, image(e)), -3, 3);
  y = fake_quant(e, relu(e, batch_norm(e, y, 4)), 0, 6);
  e.set_outputs({fake_quant(e, relu(e, batch_norm(e, Conv{.channels = 4}(e, y), 4)), 0, 4)});
  optimize(draft);
  EXPECT_EQ(operators(draft),
            (Names{"CONV_2D", "FAKE_QUANT", "MUL", "ADD", "FAKE_QUANT", "CONV_2D", "FAKE_QUANT"}));
}

// NCHW operators between roundings: the TRANSPOSEs meet across them.
TEST(Grids, TransposesPassRounding) {
  for (bool integers : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const auto round = [&](int32_t x) {
      if (!integers) return fake_quant(e, x, -1, 2);
      const int32_t q = e.tensor_like(x, Type::int8, "integers");
      set_quantization(e, q, {Type::int8, {0.02f}, {4}, 0});
      e.add_into(Builtin::QUANTIZE, {x}, {q}, schema::QuantizeOptionsT());
      return e.add(Builtin::DEQUANTIZE, {q}, schema::DequantizeOptionsT(),
                   Results("rounded", Type::float32));
    };
    int32_t x = transpose(e, round(transpose(e, image(e), {0, 3, 1, 2})), {0, 2, 3, 1});
    x = transpose(e, Conv{.channels = 4}(e, x), {0, 3, 1, 2});
    e.set_outputs({transpose(e, round(x), {0, 2, 3, 1}, "y")});
    optimize(draft, {}, 0.02);  // a step where sums are rounded otherwise
    const Names names = operators(draft);
    EXPECT_EQ(std::count(names.begin(), names.end(), "TRANSPOSE"), 0);
  }
}

}  // namespace
}  // namespace cygnet::test
