// SPDX-License-Identifier: Apache-2.0
// Errors of outputs, layers that stay float, channels that are evened out.
#include "quantize/mixed.h"

#include <gtest/gtest.h>

#include "quantize/equalize.h"
#include "quantize/networks.h"
#include "quantize/quantize.h"

namespace cygnet::test {
namespace {

// Images of 9 × 10 × 3, if labelled with 0, 1, 2, 0, ...
SampleList images(size_t count, bool labelled = false) {
  std::vector<Sample> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const std::vector<float> values =
        random_floats(9 * 10 * 3, static_cast<uint32_t>(i + 1), -2, 2);
    SampleArray array{Type::float32, {1, 9, 10, 3}, {}};
    array.bytes.resize(values.size() * sizeof(float));
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
    samples[i].inputs.push_back(std::move(array));
    if (labelled) samples[i].label = static_cast<int64_t>(i % 3);
  }
  return SampleList(std::move(samples));
}

int32_t means(Editor& e, int32_t x, std::string_view name) {
  return e.add(Builtin::MEAN, {x, e.list({1, 2})}, schema::ReducerOptionsT(), name);
}

TEST(OutputError, is_what_the_formula_says) {
  const auto build = [](double offset) {
    return [=](Editor& e) {
      e.set_outputs({add(e, means(e, image(e), "mean"), number(e, offset), "y")});
    };
  };
  Network a(build(0.25)), b(build(0.5));
  const SampleList samples = images(5, true);
  const OutputReference reference(a.draft.graph, "a", samples, 100, 2);
  const OutputError error = reference.error_of(b.draft.graph);
  double signal = 0, right = 0;
  for (size_t i = 0; i < 5; ++i) {
    const std::vector<float> values = random_floats(270, static_cast<uint32_t>(i + 1), -2, 2);
    double mean[3] = {};
    for (size_t k = 0; k < values.size(); ++k) mean[k % 3] += static_cast<double>(values[k]) / 90;
    for (double m : mean) signal += (m + 0.25) * (m + 0.25);
    right += std::max_element(mean, mean + 3) - mean == static_cast<int>(i % 3) ? 1 : 0;
  }
  EXPECT_NEAR(error.sqnr_db, 10 * std::log10(signal / (5 * 3 * 0.0625)), 1e-3);
  EXPECT_NEAR(error.largest, 0.25, 1e-6);
  EXPECT_EQ(error.agreement, 1);
  EXPECT_EQ(error.rows, 5);
  EXPECT_NEAR(error.accuracy, right / 5, 1e-12);
  EXPECT_NEAR(reference.accuracy(), right / 5, 1e-12);
  EXPECT_EQ(reference.error_of(a.draft.graph).sqnr_db, std::numeric_limits<double>::infinity());
}

TEST(OutputError, looks_before_functions) {
  Network network([](Editor& e) {
    schema::SoftmaxOptionsT o;
    o.beta = 1;
    e.set_outputs({e.add(Builtin::SOFTMAX, {means(e, image(e), "mean")}, o, "y")});
  });
  EXPECT_TRUE(ends_in_functions(network.draft.graph));
  const OutputReference reference(network.draft.graph, "n", images(3), 3, 1);
  network.quantize();
  const OutputError inner = reference.error_of(network.draft.graph, true);
  EXPECT_GT(inner.sqnr_db, 5);
  EXPECT_LT(inner.largest, 0.01);  // means of 90 values of [-2, 2) in 8 bits
  EXPECT_NE(inner.sqnr_db, reference.error_of(network.draft.graph).sqnr_db);
  EXPECT_TRUE(ends_in_functions(network.draft.graph));
}

// Three layers, the second of which has one weight that leaves the others next to nothing.
void fragile(Editor& e) {
  int32_t x = Conv{.channels = 8}(e, image(e), "first");
  std::vector<float> weights = random_floats(8 * 8, 5, -0.001f, 0.001f);
  weights[0] = 40;
  schema::Conv2DOptionsT o;
  o.stride_h = o.stride_w = 1;
  x = e.add(Builtin::CONV_2D,
            {x, e.constant<float>({8, 1, 1, 8}, weights),
             e.constant<float>({8}, std::vector<float>(8, 0.0f))},
            o, "fragile");
  // What the large weight made is left out again.
  schema::SliceOptionsT slice;
  x = e.add(Builtin::SLICE, {x, e.list({0, 0, 0, 1}), e.list({-1, 9, 10, 7})}, slice, "rest");
  e.set_outputs({means(e, Conv{.channels = 3, .bias = false}(e, x, "last"), "y")});
}

TEST(MixedPrecision, names_the_fragile_layer_and_keeps_no_other) {
  Network network(fragile);
  const SampleList samples = images(12);
  const OutputReference reference(network.draft.graph, "n", samples, 100, 1);
  Draft all = network.draft.borrow();
  make_integer(all, builtin_ops(), network.findings, {});
  ASSERT_LT(reference.error_of(all.graph).agreement, 0.9);
  const std::vector<Sensitivity> layers =
      keep_accuracy(network.draft, builtin_ops(), network.findings, {}, reference,
                    {.max_drop = 0.05, .progress = {}});
  ASSERT_GE(layers.size(), 3u);
  EXPECT_EQ(layers[0].name, "fragile");
  EXPECT_EQ(std::count_if(layers.begin(), layers.end(),
                          [](const Sensitivity& s) { return s.stays_float; }),
            1);
  EXPECT_TRUE(layers[0].stays_float);
}

TEST(MixedPrecision, quantize_keeps_the_promise) {
  Network network(fragile);
  const SampleList samples = images(12);
  QuantizeOptions options;
  options.samples = &samples;
  options.max_drop = 0.05;
  options.equalization = Extra::off;
  const QuantizeReport report = quantize(network.draft, builtin_ops(), options);
  ASSERT_TRUE(report.error.has_value());
  EXPECT_LE(drop(*report.error, report.float_accuracy), 0.05);
  ASSERT_EQ(report.integer.left.size(), 2u);
  EXPECT_EQ(report.integer.left[0].reason, "keeps the accuracy");
  EXPECT_EQ(report.integer.left[1].kind, "SLICE");
}

TEST(Equalize, outputs_stay_and_integers_come_closer) {
  const auto build = [](Editor& e) {
    const int32_t x = image(e);
    std::vector<float> weights = random_floats(8 * 3, 1), bias = random_floats(8, 2);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] *= i / 3 % 2 == 0 ? 100.0f : 1.0f;
    schema::Conv2DOptionsT o;
    o.stride_h = o.stride_w = 1;
    o.fused_activation_function = schema::ActivationFunctionType::RELU;
    const int32_t y = e.add(
        Builtin::CONV_2D,
        {x, e.constant<float>({8, 1, 1, 3}, weights), e.constant<float>({8}, bias)}, o, "uneven");
    std::vector<float> next = random_floats(4 * 8, 3);
    for (size_t i = 0; i < next.size(); ++i) next[i] *= i % 2 == 0 ? 0.01f : 1.0f;
    o.fused_activation_function = schema::ActivationFunctionType::NONE;
    e.set_outputs(
        {e.add(Builtin::CONV_2D, {y, e.constant<float>({4, 1, 1, 8}, next), kAbsent}, o, "y")});
  };
  Network network(build);
  const auto before = run_draft(network.draft);
  Network plain(build);
  plain.quantize();
  EXPECT_EQ(equalize(network.draft, builtin_ops(), images(4), 2).size(), 1u);
  expect_same(before, run_draft(network.draft), 1e-5);
  network.see();
  network.quantize();
  EXPECT_GT(sqnr(before, run_draft(network.draft)), sqnr(before, run_draft(plain.draft)) + 10);
}

TEST(Equalize, leaves_alone_what_has_other_readers_or_clips) {
  Network network([](Editor& e) {
    const int32_t a = Conv{.activation = schema::ActivationFunctionType::RELU6}(e, image(e), "a");
    const int32_t b = Conv{}(e, a, "b");
    e.set_outputs({Conv{}(e, b, "c"), b});
  });
  EXPECT_TRUE(equalize(network.draft, builtin_ops(), images(2), 1).empty());
}

TEST(Quantize, takes_off_what_four_bits_add_on_average) {
  // Inputs of mean 5: rounding errors of the weights add up.
  Network network([](Editor& e) {
    const int32_t x = add(e, image(e), number(e, 5), "shifted");
    e.set_outputs({Conv{.channels = 16, .bias = false}(e, x, "y")});
  });
  const SampleList samples = images(6);
  const auto run = [&](Extra bias) {
    Draft draft = network.draft.borrow();
    QuantizeOptions options;
    options.mode = QuantizeMode::int4;
    options.hybrid.least_elements = 1;
    options.samples = &samples;
    options.bias_correction = bias;
    options.times = false;
    return quantize(draft, builtin_ops(), options).error->sqnr_db;
  };
  EXPECT_GT(run(Extra::measured), run(Extra::off) + 3);
}

void expect_part(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Quantize, refuses_what_it_cannot_do) {
  const auto message = [](Network& network, QuantizeOptions options) {
    try {
      quantize(network.draft, builtin_ops(), options);
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
    return std::string("done");
  };
  Network network(fragile);
  expect_part(message(network, {}), "int8 needs samples");
  QuantizeOptions dynamic;
  dynamic.mode = QuantizeMode::dynamic;
  dynamic.excluded = {"nothing*"};
  expect_part(message(network, dynamic), "no layer's result is called 'nothing*'");
  dynamic.excluded.clear();
  dynamic.excluded_kinds = {"LSTM"};
  expect_part(message(network, dynamic), "has no operator LSTM");
  network.quantize();
  expect_part(message(network, {}), "is quantized already (tensor");
}

}  // namespace
}  // namespace cygnet::test
