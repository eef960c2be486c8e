// SPDX-License-Identifier: Apache-2.0
#include "quantize/annotations.h"

#include "edit/fake_quant.h"
#include "edit/grid.h"
#include "passes/layers.h"
#include "support/grids.h"

namespace cygnet::test {
namespace {

int32_t fake_quant(Editor& e, int32_t x, float min, float max, int32_t bits = 8,
                   bool narrow = false) {
  schema::FakeQuantOptionsT o;
  o.min = min;
  o.max = max;
  o.num_bits = bits;
  o.narrow_range = narrow;
  return e.add(Builtin::FAKE_QUANT, {x}, o, Results("rounded"));
}

int32_t pair(Editor& e, int32_t x, const QuantizedType& type, std::string_view name = "real") {
  const int32_t integers = e.tensor_like(x, type.type, "integers");
  set_quantization(e, integers, type);
  e.add_into(Builtin::QUANTIZE, {x}, {integers}, schema::QuantizeOptionsT());
  return e.add(Builtin::DEQUANTIZE, {integers}, schema::DequantizeOptionsT(),
               Results(name, Type::float32));
}

/// By the tensors' names.
std::map<std::string, QuantizedType> take(Draft& draft) {
  EXPECT_TRUE(has_trained_ranges(draft));
  std::map<std::string, QuantizedType> result;
  for (const auto& [i, type] : take_trained_ranges(draft, builtin_ops()))
    result.emplace(draft.graph.subgraphs[0].tensors[i].name, type);
  return result;
}

const QuantizedType kSix = fake_quant_type(0, 6, 8, false);

TEST(Annotations, OfActivationsAndWeights) {
  for (bool pairs : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const auto range = [&](int32_t x, float min, float max) {
      return pairs ? pair(e, x, fake_quant_type(min, max, 8, false)) : fake_quant(e, x, min, max);
    };
    const int32_t x = range(e.input("image", Type::float32, {1, 4, 4, 3}), -2.1f, 2.3f);
    const int32_t w = grid_constant(e, {8, 3, 3, 3}, symmetric(8, 0));
    schema::Conv2DOptionsT o;
    o.stride_h = o.stride_w = 1;
    const int32_t conv =
        e.add(Builtin::CONV_2D, {x, w, random_constant(e, {8}, 1, "bias")}, o, "conv");
    e.set_outputs({range(conv, 0, 6)});
    const std::vector<DraftOutput> before = run_draft(draft);
    const auto found = take(draft);
    EXPECT_EQ(operators(draft), Names{"CONV_2D"});
    EXPECT_FALSE(has_trained_ranges(draft));
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found.at("image"), fake_quant_type(-2.1f, 2.3f, 8, false));
    EXPECT_EQ(found.at("weights"), symmetric(8, 0));
    // The result keeps the name of the graph's output.
    EXPECT_EQ(found.at(before[0].name), kSix);
    for (int32_t i = 0; i < 3; ++i) EXPECT_FALSE(!e.constant(i) && e.grid(i)) << i;
  }
}

TEST(Annotations, UnsignedIntegersBecomeSigned) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {4});
  e.set_outputs({relu(e, pair(e, x, {Type::uint8, {0.5f}, {3}, 0}))});
  EXPECT_EQ(take(draft).at("x"), (QuantizedType{Type::int8, {0.5f}, {-125}, 0}));
}

TEST(Annotations, SixteenBitsAreSymmetric) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {4});
  e.set_outputs({relu(e, fake_quant(e, x, -1, 3, 16))});
  EXPECT_EQ(take(draft).at("x"), (QuantizedType{Type::int16, {3.0f / 32767}, {0}, 0}));
}

TEST(Annotations, OfRoundedConstants) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = fake_quant(e, e.input("x", Type::float32, {1, 60}), -1, 1);
  // Too large to be computed as they are added.
  const int32_t w = fake_quant(e, random_constant(e, {40, 60}, 1), -0.9f, 0.9f, 8, true);
  EXPECT_FALSE(e.constant(w));
  e.tensor(w).name = "weights";
  const int32_t y = e.add(Builtin::FULLY_CONNECTED, {x, w}, schema::FullyConnectedOptionsT(), "y");
  const int32_t offset = fake_quant(e, random_constant(e, {40, 60}, 1), -2, 3);
  e.tensor(offset).name = "offset";
  e.set_outputs({y, add(e, e.input("z", Type::float32, {40, 60}), offset, "sum")});
  const auto found = take(draft);
  EXPECT_EQ(operators(draft), (Names{"FULLY_CONNECTED", "ADD"}));
  EXPECT_EQ(found.at("weights"), fake_quant_type(-0.9f, 0.9f, 8, true));
  EXPECT_EQ(found.at("offset"), fake_quant_type(-2, 3, 8, false));
}

// One tensor for two readers, each with a range of its own.
TEST(Annotations, TheSecondRangeIsARequantization) {
  for (bool pairs : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = relu(e, e.input("x", Type::float32, {4}));
    const auto range = [&](float max, std::string_view name) {
      const int32_t y =
          pairs ? pair(e, x, fake_quant_type(0, max, 8, false), name) : fake_quant(e, x, 0, max);
      e.tensor(y).name = draft.keep(name);
      return y;
    };
    const int32_t a = range(6, "a"), b = range(3, "b"), c = range(6, "c");
    e.set_outputs({add(e, a, b, "y"), mul(e, c, x, "z")});
    const auto found = take(draft);
    EXPECT_EQ(operators(draft), (Names{"RELU", "FAKE_QUANT", "ADD", "MUL"}));
    EXPECT_EQ(found.at("relu"), kSix);
    EXPECT_EQ(found.at("b"), fake_quant_type(0, 3, 8, false));
    EXPECT_EQ(found.size(), 2u);
  }
}

// Layer, range, activation, range: the activation is the layer's, and the second range.
TEST(Annotations, AnActivationBetweenTwoRanges) {
  for (bool shared : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = fake_quant(e, e.input("image", Type::float32, {1, 4, 4, 3}), -1, 1);
    const int32_t conv = fake_quant(e, Conv{.bias = true}(e, x), -3, 3);
    std::vector<int32_t> outputs = {
        add(e, fake_quant(e, relu(e, conv, Builtin::RELU6), 0, 6), number(e, 1), "y")};
    if (shared) outputs.push_back(add(e, conv, number(e, 2), "z"));
    e.set_outputs(outputs);
    const auto found = take(draft);
    if (shared) {
      EXPECT_EQ(operators(draft), (Names{"CONV_2D", "RELU6", "ADD", "ADD"}));
      EXPECT_EQ(found.at("conv"), fake_quant_type(-3, 3, 8, false));
      EXPECT_EQ(found.at("relu"), kSix);
    } else {
      EXPECT_EQ(operators(draft), (Names{"CONV_2D", "ADD"}));
      EXPECT_EQ(found.at("conv"), kSix);
      const auto options = e.options<schema::Conv2DOptions>(draft.graph.subgraphs[0].nodes[0]);
      EXPECT_EQ(options.fused_activation_function, schema::ActivationFunctionType::RELU6);
    }
  }
}

// An input that is an output: both keep their names.
TEST(Annotations, OfAnInputThatIsAnOutput) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t y = fake_quant(e, e.input("x", Type::float32, {4}), 0, 6);
  e.set_outputs({y});
  const auto found = take(draft);
  EXPECT_EQ(operators(draft), Names{"FAKE_QUANT"});
  EXPECT_EQ(found.at("x"), kSix);
  EXPECT_EQ(found.at("rounded"), kSix);
}

// Weights whose integers no kernel takes: a new range is found for them.
TEST(Annotations, LeaveOutWeightsThatDoNotFit) {
  const QuantizedType asymmetric{Type::int8, {0.02f}, {3}, 0};
  const QuantizedType cases[] = {asymmetric, symmetric(3, 3), symmetric(3, 1)};
  for (const QuantizedType& type : cases) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = fake_quant(e, e.input("image", Type::float32, {1, 4, 4, 3}), -1, 1);
    schema::Conv2DOptionsT o;
    o.stride_h = o.stride_w = 1;
    const int32_t w = grid_constant(e, {8, 3, 3, 3}, type);
    e.set_outputs({e.add(Builtin::CONV_2D, {x, w, random_constant(e, {8}, 1)}, o, "conv")});
    const auto found = take(draft);
    EXPECT_EQ(found.size(), 1u);
    EXPECT_TRUE(found.contains("image"));
  }
}

TEST(Annotations, NothingToTake) {
  Draft draft;
  Editor e(draft, builtin_ops());
  e.set_outputs({relu(e, e.input("x", Type::float32, {4}))});
  EXPECT_FALSE(has_trained_ranges(draft));
  EXPECT_TRUE(take_trained_ranges(draft, builtin_ops()).empty());
  EXPECT_FALSE(has_trained_ranges(Draft()));
}

std::string failure(int32_t (*build)(Editor&, int32_t)) {
  Draft draft;
  draft.source = "net.tflite";
  Editor e(draft, builtin_ops());
  e.set_outputs({relu(e, build(e, e.input("x", Type::float32, {2, 4})))});
  try {
    take_trained_ranges(draft, builtin_ops());
  } catch (const Failure& f) {
    return f.what();
  }
  return "";
}

TEST(Annotations, Refuses) {
  EXPECT_EQ(failure([](Editor& e, int32_t x) { return fake_quant(e, x, -1, 1, 4); }),
            "net.tflite: trained range of tensor \"x\": expected 8 or 16 bits, got 4");
  EXPECT_EQ(failure([](Editor& e, int32_t x) { return pair(e, x, symmetric(4, 1)); }),
            "net.tflite: trained range of tensor \"x\": a scale for each channel is for weights "
            "only, and this is computed");
  EXPECT_EQ(failure([](Editor& e, int32_t x) {
              return pair(e, x, {Type::int16, {0.5f}, {1}, 0});
            }),
            "net.tflite: trained range of tensor \"x\": INT16 needs the zero point 0, got 1");
}

}  // namespace
}  // namespace cygnet::test
