// SPDX-License-Identifier: Apache-2.0
// Comparing networks: figures against formulas in double, layers aligned, a broken scale found.
#include "quantize/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <limits>

#include "edit/failure.h"
#include "ops/builtin_ops.h"
#include "quantize/random_samples.h"
#include "support/draft_runner.h"
#include "test_paths.h"

namespace cygnet::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string data_file(const char* name) {
  return std::string(kDataDir) + "/" + name;
}

std::unique_ptr<Model> load(const char* name) {
  auto model = std::make_unique<Model>();
  check(Model::load(data_file(name).c_str(), builtin_ops(), {}, model.get()));
  return model;
}

NetworkComparison compare_on_random(const Model& a, const Model& b, int threads = 1,
                                    size_t samples = 4) {
  CompareOptions options;
  options.times = false;
  options.threads = threads;
  return compare(a, b, SampleList(random_samples(a.graph(), &b.graph(), samples, 3)), options);
}

// ---- Sums and histograms

TEST(PairSums, EqualsFormulas) {
  std::vector<float> a = random_floats(500, 1, -3, 4), b = random_floats(500, 2, -2, 5);
  PairSums sums;
  sums.add(std::span(a).subspan(0, 123), std::span(b).subspan(0, 123), {});
  sums.add(std::span(a).subspan(123), std::span(b).subspan(123), {});
  double squares = 0, errors = 0, absolute = 0, error = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = double{b[i]} - a[i];
    squares += double{a[i]} * a[i];
    errors += d * d;
    absolute += std::fabs(d);
    error += d;
    largest = std::max(largest, std::fabs(d));
  }
  EXPECT_EQ(sums.elements, 500);
  EXPECT_NEAR(sums.sqnr_db(), 10 * std::log10(squares / errors), 1e-9);
  EXPECT_NEAR(sums.absolute_error, absolute, 1e-9);
  EXPECT_NEAR(sums.error, error, 1e-9);
  EXPECT_EQ(sums.largest, largest);
  EXPECT_EQ(sums.min_a, *std::min_element(a.begin(), a.end()));
  EXPECT_EQ(sums.max_b, *std::max_element(b.begin(), b.end()));
}

TEST(PairSums, LeavesOutWhatIsNotFinite) {
  const float nan = std::nanf(""), inf = HUGE_VALF;
  PairSums sums;
  sums.add(std::vector<float>{1, nan, 3, -inf, 2}, std::vector<float>{1, 2, inf, nan, 4}, {});
  EXPECT_EQ(sums.elements, 2);
  EXPECT_EQ(sums.not_finite_a, 2);
  EXPECT_EQ(sums.not_finite_b, 2);
  EXPECT_DOUBLE_EQ(sums.sqnr_db(), 10 * std::log10(5.0 / 4.0));
}

TEST(PairSums, EqualAndAllZero) {
  PairSums equal, zero;
  EXPECT_EQ(equal.sqnr_db(), kInfinity);
  equal.add(std::vector<float>{1, 2}, std::vector<float>{1, 2}, {});
  EXPECT_EQ(equal.sqnr_db(), kInfinity);
  zero.add(std::vector<float>{0, 0}, std::vector<float>{1, 0}, {});
  EXPECT_EQ(zero.sqnr_db(), -kInfinity);
}

TEST(PairSums, CountsValuesThatAreCutOff) {
  Representable range;  // int8, scale 0.5, zero point -128: 0 to 127.5
  range.scale = 0.5, range.least = 0, range.largest = 127.5;
  PairSums sums;
  // A clamped activation at 0 is right; 127.9 is within a step of the end; -1 and 200 are cut off.
  sums.add(std::vector<float>{0, 0.2f, 127.9f, 200, -1, 50},
           std::vector<float>{0, 0, 127.5f, 127.5f, 0, 50}, range);
  EXPECT_EQ(sums.saturated, 2);
}

TEST(PairHistogram, OverlapEqualsFormula) {
  // Steps of 1: a value lies in the bin of the integer nearest to it.
  PairHistogram histogram(1);
  histogram.add(std::vector<float>{0, 0.4f, -0.4f, 1.6f, 3}, std::vector<float>{0, 0, 2, 2});
  // Shares at 0: 3/5 and 2/4; at 2: 1/5 and 2/4.
  EXPECT_NEAR(histogram.overlap(), 0.5 + 0.2, 1e-12);
  const PairHistogram::Bins bins = histogram.bins(96);
  EXPECT_EQ(bins.from, -0.5);
  EXPECT_EQ(bins.width, 1);
  EXPECT_EQ(bins.a, (std::vector<int64_t>{3, 0, 1, 1}));
  EXPECT_EQ(bins.b, (std::vector<int64_t>{2, 0, 2, 0}));
}

TEST(PairHistogram, TheOrderOfValuesDoesNotMatter) {
  const std::vector<float> small = random_floats(200, 1, -0.01f, 0.01f),
                           large = random_floats(200, 2, -900, 40), zeros(10);
  for (const double step : {0.0, 0.003}) {
    PairHistogram forth(step), back(step), sum(step), more(step);
    for (const auto* values : {&zeros, &small, &large}) forth.add(*values, *values);
    for (const auto* values : {&large, &small, &zeros}) back.add(*values, *values);
    sum.add(zeros, zeros);
    sum.add(small, small);
    more.add(large, large);
    sum.add(more);
    for (const PairHistogram* other : {&back, &sum}) {
      EXPECT_EQ(forth.bins(64).a, other->bins(64).a);
      EXPECT_EQ(forth.bins(64).from, other->bins(64).from);
      EXPECT_EQ(forth.bins(64).width, other->bins(64).width);
    }
    EXPECT_EQ(forth.overlap(), 1);
    int64_t total = 0;
    for (const int64_t n : forth.bins(64).a) total += n;
    EXPECT_EQ(total, 410);
    EXPECT_LE(forth.bins(64).a.size(), 64u);
  }
}

// ---- Alignment

/// A subgraph of one-operand operators in memory.
struct Chain {
  Graph graph;
  std::deque<std::vector<int32_t>> lists;
  std::deque<std::string> names;

  Chain() { graph.subgraphs.emplace_back(); }
  Subgraph& main() { return graph.subgraphs[0]; }
  int32_t tensor(const std::string& name, const Shape& shape, bool real = true) {
    GraphTensor t;
    t.name = names.emplace_back(name);
    t.shape = shape;
    t.type = real ? Type::float32 : Type::int32;
    main().tensors.push_back(t);
    return static_cast<int32_t>(main().tensors.size()) - 1;
  }
  int32_t op(Builtin builtin, int32_t from, const std::string& name, const Shape& shape = {1, 4}) {
    const int32_t to = tensor(name, shape);
    Node node;
    node.builtin = static_cast<int32_t>(builtin);
    node.op = builtin_ops().find(node.builtin);
    node.name = node.op->name;
    node.inputs = lists.emplace_back(std::vector<int32_t>{from});
    node.outputs = lists.emplace_back(std::vector<int32_t>{to});
    main().nodes.push_back(node);
    return to;
  }
};

/// "a=b" for each pair, "~" where shapes and kinds decided.
std::string pairs(Chain& a, Chain& b) {
  std::string result;
  for (const AlignedLayer& layer : align(a.graph, b.graph).layers)
    result += std::string(a.main().tensors[size_t(layer.tensor_a)].name) +
              (layer.by_name ? "=" : "~") +
              std::string(b.main().tensors[size_t(layer.tensor_b)].name) + " ";
  return result;
}

TEST(Align, NamesThatConvertersChange) {
  Chain a, b;
  int32_t x = a.tensor("x", {1, 4});
  x = a.op(Builtin::RELU, x, "relu");
  x = a.op(Builtin::TANH, x, "tanh");
  a.op(Builtin::LOGISTIC, x, "StatefulPartitionedCall:0");
  int32_t y = b.tensor("x", {1, 4});
  y = b.op(Builtin::QUANTIZE, y, "tfl.quantize");
  y = b.op(Builtin::RELU, y, "relu");
  y = b.op(Builtin::TANH, y, "tanh_int8");
  y = b.op(Builtin::LOGISTIC, y, "other");
  b.op(Builtin::DEQUANTIZE, y, "StatefulPartitionedCall:0");
  EXPECT_EQ(pairs(a, b), "relu=relu tanh=tanh_int8 StatefulPartitionedCall:0=other ");
}

TEST(Align, FusedOperatorsHaveTheNameOfTheLast) {
  Chain a, b;
  int32_t x = a.tensor("x", {1, 4});
  x = a.op(Builtin::ABS, x, "conv");
  x = a.op(Builtin::NEG, x, "norm");
  x = a.op(Builtin::RELU, x, "relu");
  a.op(Builtin::TANH, x, "tanh");
  int32_t y = b.tensor("x", {1, 4});
  y = b.op(Builtin::ABS, y, "relu;norm;conv");
  b.op(Builtin::TANH, y, "tanh1");
  const Alignment alignment = align(a.graph, b.graph);
  EXPECT_EQ(pairs(a, b), "relu=relu;norm;conv tanh~tanh1 ");
  EXPECT_EQ(alignment.only_a, 2);
  EXPECT_EQ(alignment.only_b, 0);
}

TEST(Align, KindsAndShapesBetweenNames) {
  Chain a, b;
  const auto build = [](Chain& c, const std::string& mark, bool more) {
    int32_t x = c.tensor("x", {1, 4});
    x = c.op(Builtin::ABS, x, "first");
    x = c.op(Builtin::RELU, x, mark + "1");
    if (more) x = c.op(Builtin::NEG, x, mark + "more");
    x = c.op(Builtin::RELU, x, mark + "2", {1, 8});
    x = c.op(Builtin::TANH, x, "last");
    c.op(Builtin::RELU, x, mark + "3", {more ? 5 : 1, 4});
  };
  build(a, "p", false);
  build(b, "q", true);
  EXPECT_EQ(pairs(a, b), "first=first p1~q1 p2~q2 last=last p3~q3 ");
}

TEST(Align, OtherShapesAndIntegersAreNoPartners) {
  Chain a, b;
  a.op(Builtin::RELU, a.tensor("x", {1, 4}), "y", {1, 4});
  b.op(Builtin::RELU, b.tensor("x", {1, 4}), "y", {1, 5});
  EXPECT_EQ(pairs(a, b), "");
}

TEST(LayersOfNodes, ConversionsWorkForTheirReaders) {
  Chain c;
  int32_t x = c.tensor("x", {1, 4});
  x = c.op(Builtin::QUANTIZE, x, "q");
  const int32_t relu = x = c.op(Builtin::RELU, x, "relu");
  x = c.op(Builtin::DEQUANTIZE, x, "d");
  x = c.op(Builtin::QUANTIZE, x, "q2");
  const int32_t tanh = x = c.op(Builtin::TANH, x, "tanh");
  c.op(Builtin::DEQUANTIZE, x, "out");
  EXPECT_EQ(layers_of_nodes(c.main(), {relu, tanh}), (std::vector<int>{0, 0, 1, 1, 1, 1}));
}

// ---- Whole networks

TEST(Compare, ANetworkEqualsItself) {
  const auto a = load("float_convnet.tflite");
  const NetworkComparison c = compare_on_random(*a, *a);
  EXPECT_EQ(c.first_wrong, -1);
  EXPECT_EQ(c.verdict, "All layers have equal values.");
  EXPECT_EQ(c.samples, 4u);
  EXPECT_EQ(c.agreement, 1);
  for (const LayerDifference& d : c.layers) {
    EXPECT_EQ(d.sqnr_db, kInfinity) << d.layer.name;
    EXPECT_EQ(d.overlap, 1);
    EXPECT_GT(d.elements, 0);
  }
}

TEST(Compare, QuantizedNetworksHaveNoWrongLayer) {
  for (const std::string name :
       {"convnet", "blocks", "decoder", "dilated", "keypoints", "lstm", "shapes", "activations"}) {
    const auto a = load(("float_" + name + ".tflite").c_str());
    const auto b = load(("int8_" + name + ".tflite").c_str());
    const NetworkComparison c = compare_on_random(*a, *b);
    EXPECT_EQ(c.first_wrong, -1) << name << ": " << c.verdict;
    for (const LayerDifference& d : c.layers) EXPECT_GT(d.own_sqnr_db, 20) << d.layer.name;
  }
}

TEST(Compare, TheSameForAnyNumberOfThreads) {
  const auto a = load("float_convnet.tflite"), b = load("int8_convnet.tflite");
  const NetworkComparison one = compare_on_random(*a, *b, 1, 7);
  const NetworkComparison three = compare_on_random(*a, *b, 3, 7);
  ASSERT_EQ(one.layers.size(), three.layers.size());
  for (size_t i = 0; i < one.layers.size(); ++i) {
    EXPECT_EQ(one.layers[i].sqnr_db, three.layers[i].sqnr_db);
    EXPECT_EQ(one.layers[i].mean, three.layers[i].mean);
    EXPECT_EQ(one.layers[i].overlap, three.layers[i].overlap);
    EXPECT_EQ(one.layers[i].histogram.a, three.layers[i].histogram.a);
  }
}

/// A model in which the scales of one tensor are `factor` times what they were, or the int32
/// constant `bias` is.
class Broken {
 public:
  Broken(const Model& model, int32_t tensor, float factor) {
    Graph graph = model.graph();
    GraphTensor& t = graph.subgraphs[0].tensors[static_cast<size_t>(tensor)];
    if (t.type == Type::int32) {
      for (int64_t i = 0; i < t.shape.elements(); ++i)
        bias_.push_back(static_cast<int32_t>(factor * static_cast<float>(t.as<int32_t>()[i])));
      t.data = bias_.data();
    } else {
      for (int i = 0; i < t.quantization.count; ++i)
        scales_.push_back(t.quantization.scales[i] * factor);
      t.quantization.scales = scales_.data();
    }
    check(Model::from_graph(std::move(graph), "broken.tflite", Limits::standard(), &model_));
  }
  const Model& model() const { return model_; }

 private:
  std::vector<float> scales_;
  alignas(64) std::vector<int32_t> bias_;
  Model model_;
};

TEST(Compare, NamesTheLayerWithABrokenScale) {
  const auto a = load("float_convnet.tflite"), b = load("int8_convnet.tflite");
  const Subgraph& graph = b->graph().subgraphs[0];
  int broken = 0;
  for (const Node& node : graph.nodes) {
    if (node.inputs.size() != 3 || node.name == "ADD") continue;
    const std::string name(graph.tensors[static_cast<size_t>(node.outputs[0])].name);
    struct Break {
      int32_t tensor;
      float factor;
    };
    for (const auto& [tensor, factor] :
         {Break{node.inputs[1], 4}, Break{node.inputs[1], 0.5f}, Break{node.inputs[2], -3},
          Break{node.outputs[0], 0.1f}, Break{node.outputs[0], 16}}) {
      const Broken wrong(*b, tensor, factor);
      const NetworkComparison c = compare_on_random(*a, wrong.model());
      ASSERT_GE(c.first_wrong, 0) << name << " " << tensor << " by " << factor;
      EXPECT_EQ(c.layers[static_cast<size_t>(c.first_wrong)].layer.name, name)
          << tensor << " by " << factor << ": " << c.verdict;
      EXPECT_NE(c.verdict.find(name.substr(0, name.find(';'))), std::string::npos);
      ++broken;
    }
  }
  EXPECT_GE(broken, 15);
}

TEST(Compare, NaNIsNamedAndCounted) {
  const auto a = load("float_convnet.tflite");
  Graph graph = a->graph();
  std::vector<float> bias;
  std::string name;
  int layers = 0;
  for (const Node& node : graph.subgraphs[0].nodes) {
    if (node.name != "CONV_2D" || ++layers != 2) continue;
    GraphTensor& t = graph.subgraphs[0].tensors[static_cast<size_t>(node.inputs[2])];
    bias.assign(static_cast<size_t>(t.shape.elements()), std::nanf(""));
    t.data = bias.data();
    name = graph.subgraphs[0].tensors[static_cast<size_t>(node.outputs[0])].name;
  }
  Model b;
  check(Model::from_graph(std::move(graph), "nan.tflite", Limits::standard(), &b));
  const NetworkComparison c = compare_on_random(*a, b);
  ASSERT_GE(c.first_wrong, 0);
  const LayerDifference& d = c.layers[static_cast<size_t>(c.first_wrong)];
  EXPECT_EQ(d.layer.name, name);
  EXPECT_GT(d.not_finite_b, 0);
  EXPECT_EQ(d.not_finite_a, 0);
  const NetworkComparison swapped = compare_on_random(b, *a);
  ASSERT_EQ(swapped.first_wrong, c.first_wrong);
  EXPECT_NE(swapped.verdict.find("of A's values are NaN or infinite"), std::string::npos);
}

/// x [1, 6], two layers: h = relu(W1·x + b1), y = W2·h; W1 and b1 times `up`, W2 over `down`, by
/// channel of h.
class TwoLayers {
 public:
  TwoLayers(const std::vector<float>& up, const std::vector<float>& down) {
    Editor e(draft_, builtin_ops());
    const int32_t x = e.input("x", Type::float32, {1, 6});
    std::vector<float> w1 = random_floats(48, 1), b1 = random_floats(8, 2),
                       w2 = random_floats(32, 3);
    for (size_t c = 0; c < 8; ++c) {
      for (size_t i = 0; i < 6; ++i) w1[c * 6 + i] *= up[c % up.size()];
      for (size_t o = 0; o < 4; ++o) w2[o * 8 + c] /= down[c % down.size()];
      b1[c] *= up[c % up.size()];
    }
    schema::FullyConnectedOptionsT options;
    options.fused_activation_function = schema::ActivationFunctionType::RELU;
    const int32_t h =
        e.add(Builtin::FULLY_CONNECTED,
              {x, e.constant<float>({8, 6}, w1), e.constant<float>({8}, b1)}, options, "h");
    options.fused_activation_function = schema::ActivationFunctionType::NONE;
    e.set_outputs({e.add(
        Builtin::FULLY_CONNECTED,
        {h, e.constant<float>({4, 8}, w2), e.constant<float>({4}, std::vector<float>{1, 2, 3, 4})},
        options, "y")});
    Graph graph = draft_.graph;
    check(Model::from_graph(std::move(graph), "two_layers", Limits::standard(), &model_));
  }
  const Model& model() const { return model_; }

 private:
  Draft draft_;
  Model model_;
};

TEST(Compare, FactorsThatTheNextLayerUndoesAreSeen) {
  const TwoLayers a({1}, {1});
  for (const std::vector<float>& factors :
       {std::vector<float>{6}, std::vector<float>{8, 0.25f, 1, 30, 0.1f, 2, 5, 0.5f}}) {
    const TwoLayers moved(factors, factors);
    const NetworkComparison c = compare_on_random(a.model(), moved.model(), 1, 12);
    EXPECT_EQ(c.first_wrong, -1) << c.verdict;
    ASSERT_EQ(c.layers.size(), 3u);
    ASSERT_EQ(c.layers[1].factors.size(), factors.size());
    for (size_t i = 0; i < factors.size(); ++i)
      EXPECT_NEAR(c.layers[1].factors[i], factors[i], factors[i] * 1e-3);
    EXPECT_GT(c.layers[1].sqnr_db, 80);
    EXPECT_TRUE(c.layers[2].factors.empty());
    // The next layer does not undo them: then the first one is wrong.
    const TwoLayers lost(factors, {1});
    const NetworkComparison wrong = compare_on_random(a.model(), lost.model(), 1, 12);
    ASSERT_EQ(wrong.first_wrong, 1);
    EXPECT_TRUE(wrong.layers[1].factors.empty());
    EXPECT_EQ(wrong.layers[1].layer.name, "h");
    EXPECT_TRUE(wrong.layers[2].wrong.empty());
  }
}

std::string failure_of(const Model& a, const Model& b, std::vector<Sample> samples) {
  try {
    compare(a, b, SampleList(std::move(samples)), {});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "no failure";
}

TEST(Compare, SaysWhatCannotBeCompared) {
  const auto a = load("float_convnet.tflite"), other = load("float_lstm.tflite");
  EXPECT_NE(failure_of(*a, *other, random_samples(a->graph(), nullptr, 1, 1))
                .find("take different inputs: "),
            std::string::npos);
  EXPECT_EQ(failure_of(*a, *a, {}), "there are no samples to compare on");
}

TEST(Compare, MeasuresBothSides) {
  const auto a = load("float_convnet.tflite"), b = load("int8_convnet.tflite");
  const NetworkComparison c =
      compare(*a, *b, SampleList(random_samples(a->graph(), &b->graph(), 1, 1)), CompareOptions());
  EXPECT_GT(c.time_a_us, 0);
  EXPECT_GT(c.time_b_us, 0);
  double sum_a = 0;
  for (const LayerDifference& d : c.layers) {
    sum_a += d.time_a_us;
    if (d.timed_with >= 0) {
      EXPECT_EQ(d.time_a_us, 0);
      EXPECT_EQ(c.layers[static_cast<size_t>(d.timed_with)].timed_with, -1);
    }
  }
  EXPECT_GT(sum_a, 0);
}

TEST(SlowerLayers, AreThoseThatLoseEnough) {
  std::vector<AlignedLayer> layers(5);
  for (size_t i = 0; i < layers.size(); ++i) layers[i].name = std::to_string(i);
  NetworkTimes times;
  // 0: 4 % slower; 1: 0.9 µs slower; 2: slower; 3: fused with 2; 4: much slower.
  times.layers = {{100, 104, -1}, {1, 1.9, -1}, {10, 12, -1}, {0, 0, 2}, {10, 30, -1}};
  const std::vector<SlowLayer> slow = slower_layers(layers, times);
  ASSERT_EQ(slow.size(), 2u);
  EXPECT_EQ(slow[0].layer.name, "4");
  EXPECT_EQ(slow[0].b_us, 30);
  EXPECT_EQ(slow[1].layer.name, "2");
  EXPECT_EQ(slow[1].more, 1);
}

}  // namespace
}  // namespace cygnet::test
