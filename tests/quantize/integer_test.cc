// SPDX-License-Identifier: Apache-2.0
// Integer graphs against the float graphs that they are made of.
#include "quantize/integer.h"

#include <gtest/gtest.h>

#include "quantize/affine.h"
#include "quantize/hybrid.h"
#include "quantize/networks.h"

namespace cygnet::test {
namespace {

// Quantizes with float inputs and outputs: at least `least_db`; returns the operators.
Names quantized(const Build& build, double least_db, IntegerOptions options = {},
                IntegerReport* report = nullptr) {
  Network network(build);
  const auto before = run_draft(network.draft);
  const IntegerReport made = network.quantize(options);
  if (report != nullptr) *report = made;
  EXPECT_GE(sqnr(before, run_draft(network.draft)), least_db);
  return operators(network.draft);
}

void classifier(Editor& e) {
  int32_t x = Conv{.stride = 2, .activation = schema::ActivationFunctionType::RELU6}(e, image(e));
  x = Conv{.channels = 8, .depthwise = true}(e, x, "depthwise");
  schema::Pool2DOptionsT pool;
  pool.stride_h = pool.stride_w = 1;
  pool.filter_height = pool.filter_width = 2;
  x = e.add(Builtin::AVERAGE_POOL_2D, {x}, pool, "pool");
  x = e.add(Builtin::MEAN, {x, e.list({1, 2})}, schema::ReducerOptionsT(), "mean");
  x = e.add(Builtin::FULLY_CONNECTED,
            {x, random_constant(e, {5, 8}, 3, "fc_weights"), random_constant(e, {5}, 4, "fc_bias")},
            schema::FullyConnectedOptionsT(), "fc");
  schema::SoftmaxOptionsT softmax;
  softmax.beta = 1;
  e.set_outputs({e.add(Builtin::SOFTMAX, {x}, softmax, "probabilities")});
}

TEST(Integer, a_classifier_has_no_float_operator_but_at_its_ends) {
  EXPECT_EQ(quantized(classifier, 28),
            (Names{"QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MEAN",
                   "FULLY_CONNECTED", "SOFTMAX", "DEQUANTIZE"}));
}

TEST(Integer, sixteen_bit_activations_are_closer) {
  quantized(classifier, 40, {.activations = Type::int16});
}

TEST(Integer, scales_follow_the_specification) {
  Network network(classifier);
  network.quantize();
  EXPECT_EQ(network.scales_of("weights"), 4);  // the convolution's, which come first
  EXPECT_EQ(network.scales_of("fc_weights"), 5);
  const GraphTensor& y = network.named("probabilities_quantized");
  EXPECT_EQ(y.quantization.scale(), 1.0f / 256);
  EXPECT_EQ(y.quantization.zero_point(), -128);
  EXPECT_EQ(network.named("pool").quantization.scale(),
            network.named("depthwise").quantization.scale());
  const GraphTensor &bias = network.named("fc_bias"), &weights = network.named("fc_weights");
  EXPECT_EQ(bias.type, Type::int32);
  for (int c = 0; c < 5; ++c)
    EXPECT_FLOAT_EQ(bias.quantization.scale(c),
                    network.named("mean").quantization.scale() * weights.quantization.scale(c));
}

TEST(Integer, types_of_inputs_and_outputs) {
  for (Type type : {Type::int8, Type::uint8}) {
    Network network(classifier);
    network.quantize({.inputs = type, .outputs = type});
    const Subgraph& s = network.draft.graph.subgraphs[0];
    EXPECT_EQ(s.tensors[s.inputs[0]].type, type);
    EXPECT_EQ(s.tensors[s.outputs[0]].type, type);
    EXPECT_EQ(s.tensors[s.inputs[0]].name, "image");
    EXPECT_EQ(s.tensors[s.outputs[0]].name, "probabilities");
    EXPECT_EQ(s.tensors[s.outputs[0]].quantization.zero_point(), type == Type::int8 ? -128 : 0);
    const Names names = operators(network.draft);
    EXPECT_EQ(std::count(names.begin(), names.end(), "QUANTIZE"), type == Type::int8 ? 0 : 2);
    EXPECT_EQ(std::count(names.begin(), names.end(), "DEQUANTIZE"), 0);
    EXPECT_FALSE(run_draft(network.draft).empty());
  }
}

TEST(Integer, excluded_layers_stay_float) {
  IntegerReport report;
  const Names names = quantized(classifier, 28, {.excluded = {"fc"}}, &report);
  EXPECT_EQ(names, (Names{"QUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MEAN",
                          "DEQUANTIZE", "FULLY_CONNECTED", "QUANTIZE", "SOFTMAX", "DEQUANTIZE"}));
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].name, "fc");
  EXPECT_EQ(report.left[0].reason, "excluded");
}

TEST(Integer, what_is_joined_has_one_scale) {
  const auto build = [](Editor& e) {
    const int32_t x = image(e);
    const int32_t a = Conv{}(e, x, "a");
    const int32_t b = mul(e, Conv{}(e, x, "b"), number(e, 5), "five_b");
    schema::ConcatenationOptionsT o;
    o.axis = 3;
    e.set_outputs({e.add(Builtin::CONCATENATION, {a, b}, o, "joined")});
  };
  EXPECT_EQ(quantized(build, 30),
            (Names{"QUANTIZE", "CONV_2D", "CONV_2D", "MUL", "CONCATENATION", "DEQUANTIZE"}));
}

TEST(Integer, fixed_scales_meet_others_through_a_requantization) {
  const auto build = [](Editor& e) {
    const int32_t x = image(e);
    const int32_t a = e.add(Builtin::LOGISTIC, {Conv{}(e, x, "a")}, NoOptions{}, "sigmoid");
    const int32_t b = Conv{}(e, x, "b");
    schema::ConcatenationOptionsT o;
    o.axis = 3;
    e.set_outputs(
        {e.add(Builtin::CONCATENATION, {a, b}, o, "joined"), reshape(e, a, {-1, 360}, "flat")});
  };
  IntegerReport report;
  const Names names = quantized(build, 30, {}, &report);
  EXPECT_EQ(report.requantized, 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "QUANTIZE"), 2);
}

TEST(Integer, movers_between_floats_stay_float) {
  const auto build = [](Editor& e) {
    int32_t x = e.add(Builtin::SIN, {image(e)}, NoOptions{}, "sine");
    x = reshape(e, x, {-1, 270}, "flat");
    x = e.add(Builtin::COS, {x}, NoOptions{}, "cosine");
    e.set_outputs({x});
  };
  Network network(build);
  const IntegerReport report = network.quantize();
  EXPECT_EQ(operators(network.draft), (Names{"SIN", "RESHAPE", "COS"}));
  EXPECT_EQ(report.left.size(), 3u);
  EXPECT_EQ(report.integer, 0);
}

TEST(Integer, constants_of_binary_operators) {
  for (Type type : {Type::int8, Type::int16}) {
    const auto build = [](Editor& e) {
      const int32_t x = image(e);
      const int32_t y = add(e, mul(e, x, random_constant(e, {1, 1, 1, 3}, 7, "gain", 1, 2)),
                            random_constant(e, {1, 1, 1, 3}, 8, "offset"), "moved");
      e.set_outputs({sub(e, y, x, "difference")});
    };
    EXPECT_EQ(quantized(build, 30, {.activations = type}),
              (Names{"QUANTIZE", "MUL", "ADD", "SUB", "DEQUANTIZE"}));
  }
}

TEST(Integer, every_channel_of_zeros_keeps_its_bias) {
  Network network([](Editor& e) {
    std::vector<float> weights(2 * 3, 0.0f);
    weights[0] = 0.5f;
    schema::Conv2DOptionsT o;
    o.stride_h = o.stride_w = 1;
    e.set_outputs({e.add(Builtin::CONV_2D,
                         {image(e), e.constant<float>({2, 1, 1, 3}, weights),
                          e.constant<float>({2}, std::vector<float>{0.25f, 0.3f})},
                         o, "conv")});
  });
  network.quantize();
  const auto after = run_draft(network.draft);
  for (size_t i = 1; i < after[0].values.size(); i += 2)
    EXPECT_NEAR(after[0].values[i], 0.3, 0.011) << "element " << i;
}

TEST(Integer, a_result_of_next_to_nothing_has_a_usable_scale) {
  Network network([](Editor& e) {
    const int32_t x = image(e, 4);
    e.set_outputs({Conv{.bias = false}(e, x, "tiny")});
  });
  for (auto& [i, interval] : network.findings.seen)
    if (network.draft.graph.subgraphs[0].tensors[i].name == "tiny") interval = {0, 1e-25};
  network.quantize();
  EXPECT_FALSE(run_draft(network.draft).empty());
}

TEST(Integer, factors_and_offsets_of_channels_become_a_depthwise_convolution) {
  const auto build = [](Editor& e) {
    const int32_t x = batch_norm(e, image(e), 3);
    e.set_outputs({relu(e, x)});
  };
  Network network(build);
  optimize(network.draft, {"fuse-activations"});
  const auto before = run_draft(network.draft);
  EXPECT_EQ(affine_to_depthwise(network.draft, builtin_ops()), 1);
  EXPECT_EQ(operators(network.draft), Names{"DEPTHWISE_CONV_2D"});
  expect_same(before, run_draft(network.draft), 1e-6);
  network.see();
  network.quantize();
  EXPECT_GE(sqnr(before, run_draft(network.draft)), 35);
}

TEST(Hybrid, weights_in_fewer_bits) {
  struct Case {
    Type type;
    double least_db;
    Names operators;
  };
  const Names same = {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D",
                      "MEAN",    "FULLY_CONNECTED",   "SOFTMAX"};
  for (const Case& c : {Case{Type::int8, 35, same}, Case{Type::int4, 12, same}}) {
    Network network(classifier);
    const auto before = run_draft(network.draft);
    const HybridReport report =
        make_hybrid(network.draft, builtin_ops(), {.weights = c.type, .least_elements = 1});
    EXPECT_EQ(report.quantized, 3);
    EXPECT_EQ(operators(network.draft), c.operators);
    EXPECT_GE(sqnr(before, run_draft(network.draft)), c.least_db);
    EXPECT_EQ(network.named("fc_weights").type, c.type);
  }
  Network network(classifier);
  const auto before = run_draft(network.draft);
  const HybridReport report = make_hybrid(network.draft, builtin_ops(), {.weights = Type::float16});
  EXPECT_EQ(report.quantized, 6);
  EXPECT_GE(sqnr(before, run_draft(network.draft)), 60);
}

TEST(Hybrid, few_elements_excluded_layers_and_infinities_stay) {
  Network network(classifier);
  EXPECT_EQ(make_hybrid(network.draft, builtin_ops(), {}).kept, 3);
  EXPECT_EQ(make_hybrid(network.draft, builtin_ops(), {.least_elements = 1, .excluded = {"fc"}})
                .quantized,
            2);
  Network large([](Editor& e) { e.set_outputs({mul(e, image(e), number(e, 1e6), "y")}); });
  EXPECT_EQ(make_hybrid(large.draft, builtin_ops(), {.weights = Type::float16}).kept, 1);
  EXPECT_EQ(operators(large.draft), Names{"MUL"});
}

TEST(Hybrid, a_table_is_gathered_from_as_integers) {
  Network network([](Editor& e) {
    const int32_t i = e.input("i", Type::int32, {4});
    const int32_t table = random_constant(e, {100, 16}, 5, "table");
    e.set_outputs({e.add(Builtin::GATHER, {table, i}, schema::GatherOptionsT(),
                         Results("rows", Type::float32))});
  });
  const auto before = run_draft(network.draft);
  EXPECT_EQ(make_hybrid(network.draft, builtin_ops(), {}).quantized, 1);
  EXPECT_EQ(operators(network.draft), (Names{"GATHER", "DEQUANTIZE"}));
  EXPECT_GE(sqnr(before, run_draft(network.draft)), 40);
}

}  // namespace
}  // namespace cygnet::test
