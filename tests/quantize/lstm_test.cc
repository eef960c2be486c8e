// SPDX-License-Identifier: Apache-2.0
// LSTM: what calibration says of its states against runs that end after each step, and the integer
// operator against the float one.
#include "quantize/lstm.h"

#include <gtest/gtest.h>

#include "edit/recurrent.h"
#include "quantize/calibrate.h"
#include "quantize/networks.h"

namespace cygnet::test {
namespace {

constexpr int32_t kBatch = 2, kSteps = 7, kChannels = 5, kCells = 6;

/// A network of one LSTM.
struct Form {
  const char* name = "plain";
  bool coupled = false, peepholes = false, normalized = false, time_major = false;
  int32_t projected = 0;  ///< results, 0: no projection
  float cell_clip = 0, projection_clip = 0;
  schema::ActivationFunctionType activation = schema::ActivationFunctionType::TANH;
  float weights = 1, bias = 0.5f;  ///< largest
  int32_t steps = kSteps;

  int32_t outputs() const { return projected > 0 ? projected : kCells; }

  void operator()(Editor& e) const {
    const Shape shape =
        time_major ? Shape{steps, kBatch, kChannels} : Shape{kBatch, steps, kChannels};
    std::vector<int32_t> inputs(24, kAbsent);
    inputs[0] = e.input("x", Type::float32, std::span(shape.begin(), shape.end()));
    const auto random = [&](size_t k, const Shape& dims, float most) {
      inputs[k] = random_constant(e, dims, 100 + static_cast<uint32_t>(k), "w" + std::to_string(k),
                                  -most, most);
    };
    for (size_t g = coupled ? 1 : 0; g < 4; ++g) {
      random(1 + g, {kCells, kChannels}, weights);
      random(5 + g, {kCells, outputs()}, weights);
      random(12 + g, {kCells}, bias);
      if (peepholes && g != 2) random(g == 3 ? 11 : 9 + g, {kCells}, 1);
      if (normalized) random(20 + g, {kCells}, 1);
    }
    if (projected > 0) {
      random(16, {projected, kCells}, 1);
      random(17, {projected}, 0.2f);
    }
    inputs[18] = e.variable(Type::float32, {kBatch, outputs()}, "h");
    inputs[19] = e.variable(Type::float32, {kBatch, kCells}, "c");
    schema::UnidirectionalSequenceLSTMOptionsT options;
    options.fused_activation_function = activation;
    options.cell_clip = cell_clip;
    options.proj_clip = projection_clip;
    options.time_major = time_major;
    e.set_outputs({e.add(Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, options, "y")});
  }
};

Form form(const char* name, const std::function<void(Form&)>& change) {
  Form f;
  f.name = name;
  change(f);
  return f;
}

const std::vector<Form>& forms() {
  static const std::vector<Form> list = {
      Form{},
      form("coupled", [](Form& f) { f.coupled = true; }),
      form("peepholes", [](Form& f) { f.peepholes = true; }),
      form("coupled_peepholes", [](Form& f) { f.coupled = f.peepholes = true; }),
      form("projection", [](Form& f) { f.projected = 4; }),
      form("wide_projection", [](Form& f) { f.projected = 9; }),
      form("normalized", [](Form& f) { f.normalized = true; }),
      form("time_major", [](Form& f) { f.time_major = true; }),
      form("cell_clip", [](Form& f) { f.cell_clip = 0.3f; }),
      form("nearly_everything",
           [](Form& f) {
             f.normalized = f.time_major = true;
             f.projected = 4;
             f.cell_clip = 0.7f;
             f.projection_clip = 0.5f;
           }),
  };
  return list;
}

Sample sample_of(const Form& f, uint32_t seed, int32_t steps) {
  const std::vector<float> all = random_floats(kBatch * kSteps * kChannels, seed, -2, 2);
  std::vector<float> values;
  for (int32_t i = 0; i < kBatch * steps; ++i) {
    const int32_t t = f.time_major ? i / kBatch : i % steps,
                  b = f.time_major ? i % kBatch : i / steps;
    const auto first = all.begin() + (t * kBatch + b) * kChannels;
    values.insert(values.end(), first, first + kChannels);
  }
  Sample sample;
  sample.name = "sample " + std::to_string(seed);
  SampleArray array{
      Type::float32,
      f.time_major ? Shape{steps, kBatch, kChannels} : Shape{kBatch, steps, kChannels},
      {}};
  array.bytes.resize(values.size() * sizeof(float));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  sample.inputs.push_back(std::move(array));
  return sample;
}

Draft draft_of(const Build& build) {
  Draft draft;
  draft.source = "network";
  draft.add_subgraph("main");
  Editor e(draft, builtin_ops());
  build(e);
  return draft;
}

/// What the variable "c" holds after the run of a network that ends after `steps` steps.
std::vector<double> cells_after(Form f, uint32_t seed, int32_t steps) {
  f.steps = steps;
  const Draft draft = draft_of(f);
  Graph copy = draft.graph;
  Model model;
  Interpreter interpreter;
  EXPECT_TRUE(Model::from_graph(std::move(copy), "n", Limits::standard(), &model).ok());
  EXPECT_TRUE(interpreter.create(model, {.reference = true}).ok());
  const Sample sample = sample_of(f, seed, steps);
  EXPECT_TRUE(interpreter.allocate().ok());
  EXPECT_TRUE(
      interpreter.write_input(0, sample.inputs[0].bytes.data(), sample.inputs[0].bytes.size())
          .ok());
  EXPECT_TRUE(interpreter.invoke().ok());
  const auto& tensors = model.graph().subgraphs[0].tensors;
  for (size_t i = 0; i < tensors.size(); ++i)
    if (tensors[i].name == "c") return values_of(interpreter.plan().tensors[i]);
  ADD_FAILURE() << "no state c";
  return {};
}

class Forms : public testing::TestWithParam<size_t> {
 protected:
  const Form& f() const { return forms()[GetParam()]; }
};
INSTANTIATE_TEST_SUITE_P(Lstm, Forms, testing::Range(size_t{0}, forms().size()),
                         [](const auto& made) { return forms()[made.param].name; });

TEST_P(Forms, calibration_sees_the_cell_state_after_each_step) {
  double min = 1e9, max = -1e9, sum = 0;
  for (uint32_t seed : {1u, 2u, 3u})
    for (int32_t steps = 1; steps <= kSteps; ++steps)
      for (double v : cells_after(f(), seed, steps)) {
        min = std::min(min, v);
        max = std::max(max, v);
        sum += v;
      }
  const SampleList samples(
      {sample_of(f(), 1, kSteps), sample_of(f(), 2, kSteps), sample_of(f(), 3, kSteps)});
  const Statistics seen = calibrate(draft_of(f()), samples, {});
  const TensorStatistics& c = seen.tensors.at("c");
  EXPECT_EQ(c.elements, 3 * kSteps * kBatch * kCells);
  EXPECT_NEAR(c.min, min, 1e-5);
  EXPECT_NEAR(c.max, max, 1e-5);
  double sums = 0;
  for (double v : c.channel_sums) sums += v;
  EXPECT_NEAR(sums, sum, 1e-3);
  EXPECT_EQ(seen.tensors.at("h").min, 0);
  EXPECT_EQ(seen.tensors.at("h").max, 0);
}

/// A network with what calibration saw of it.
struct Calibrated : Network {
  explicit Calibrated(const Build& build, const std::vector<Sample>& samples) : Network(build) {
    const Statistics seen = calibrate(draft, SampleList(samples), {});
    const std::vector<std::string> names = statistics_names(draft.graph.subgraphs[0]);
    findings.seen.clear();
    for (size_t i = 0; i < names.size(); ++i)
      if (const auto s = seen.tensors.find(names[i]); s != seen.tensors.end())
        findings.seen[static_cast<int32_t>(i)] = choose_range(s->second, {});
  }
};

/// A sample with the values that run_draft feeds.
std::vector<Sample> fed(const Form& f) {
  Sample sample = sample_of(f, 1, kSteps);
  const std::vector<float> x = random_floats(kBatch * kSteps * kChannels, 1, -2, 2);
  std::memcpy(sample.inputs[0].bytes.data(), x.data(), x.size() * sizeof(float));
  return {sample};
}

TEST_P(Forms, the_integer_operator_is_close_to_the_float_one) {
  Calibrated network(f(), fed(f()));
  const auto before = run_draft(network.draft);
  const IntegerReport report = network.quantize();
  EXPECT_TRUE(report.left.empty());
  EXPECT_EQ(operators(network.draft),
            (Names{"QUANTIZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "DEQUANTIZE"}));
  EXPECT_GE(sqnr(before, run_draft(network.draft)), f().normalized ? 25 : 32);
}

TEST_P(Forms, types_are_those_of_the_specification) {
  Calibrated network(f(), fed(f()));
  network.quantize();
  const Subgraph& graph = network.draft.graph.subgraphs[0];
  const Node& node = graph.nodes[1];
  const auto tensor = [&](int32_t i) { return graph.tensors[static_cast<size_t>(i)]; };
  const auto scale = [&](size_t k) { return tensor(node.inputs[k]).quantization.scale(); };
  const GraphTensor x = tensor(node.inputs[0]), y = tensor(node.outputs[0]),
                    h = tensor(node.inputs[18]), c = tensor(node.inputs[19]);
  EXPECT_EQ(h.type, Type::int8);
  EXPECT_EQ(h.quantization.scale(), y.quantization.scale());
  EXPECT_EQ(h.quantization.zero_point(), y.quantization.zero_point());
  EXPECT_EQ(c.type, Type::int16);
  EXPECT_TRUE(h.variable && c.variable);
  int exponent = 0;
  EXPECT_EQ(std::frexp(c.quantization.scale(), &exponent), 0.5f);
  EXPECT_GE(exponent - 1, -15);
  ASSERT_EQ(node.intermediates.size(), 5u);
  const GraphTensor hidden = tensor(node.intermediates[4]);
  EXPECT_EQ(hidden.type, Type::int8);
  if (f().projected == 0) {
    EXPECT_EQ(hidden.quantization.scale(), y.quantization.scale());
    EXPECT_EQ(hidden.quantization.zero_point(), y.quantization.zero_point());
  } else {
    EXPECT_EQ(hidden.quantization.zero_point(), 0);
    EXPECT_FLOAT_EQ(scale(17), hidden.quantization.scale() * scale(16));
  }
  for (size_t g = f().coupled ? 1 : 0; g < 4; ++g) {
    EXPECT_EQ(tensor(node.inputs[1 + g]).type, Type::int8);
    EXPECT_EQ(tensor(node.inputs[5 + g]).quantization.count, 1);
    EXPECT_EQ(tensor(node.inputs[12 + g]).type, Type::int32);
    EXPECT_FLOAT_EQ(scale(12 + g),
                    f().normalized ? scale(20 + g) / 1024 : x.quantization.scale() * scale(1 + g));
  }
}

IntegerReport left_of(const Form& f, const std::function<void(Network&)>& change = {}) {
  Calibrated network(f, fed(f));
  if (change) change(network);
  const auto before = run_draft(network.draft);
  IntegerReport report = network.quantize();
  EXPECT_GE(sqnr(before, run_draft(network.draft)), 100);
  EXPECT_EQ(report.left.size(), 1u);
  return report;
}

TEST(Lstm, what_the_integer_operator_lacks_stays_float) {
  const Form relu =
      form("relu", [](Form& f) { f.activation = schema::ActivationFunctionType::RELU; });
  EXPECT_EQ(left_of(relu).left[0].reason, "its activation is not TANH");
  const Form grows;
  Calibrated network(grows, fed(grows));
  for (auto& [i, interval] : network.findings.seen)
    if (network.draft.graph.subgraphs[0].tensors[static_cast<size_t>(i)].name == "c")
      interval.max = 64.1;
  EXPECT_EQ(network.quantize().left[0].reason, "its cell state leaves [-64, 64]");
  EXPECT_EQ(left_of(Form{},
                    [](Network& n) {
                      n.see();
                      n.findings.seen.clear();
                    })
                .left[0]
                .reason,
            "nothing is known of its cell state");
}

TEST(Lstm, what_another_runtime_computes_otherwise_stays_float) {
  const Form norm = form("norm", [](Form& f) { f.coupled = f.normalized = true; });
  EXPECT_EQ(left_of(norm).left[0].reason, "normalizes coupled gates");
  const Form peepholes = form("peepholes", [](Form& f) {
    f.peepholes = true;
    f.projected = 4;
  });
  EXPECT_EQ(left_of(peepholes).left[0].reason, "has peepholes and a projection");
}

TEST(Lstm, sixteen_bit_activations_leave_it_float) {
  Calibrated network(Form{}, fed(Form{}));
  const IntegerReport report = network.quantize({.activations = Type::int16});
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].reason, "has no 16-bit form");
}

// As converters of Keras models make them: operators set the states, the batch is free.
void converted(Editor& e, bool given_state) {
  const int32_t x = e.input("x", Type::float32, {-1, kSteps, kChannels});
  LstmWeights w;
  for (uint32_t g = 0; g < 4; ++g) {
    w.input[g] = random_constant(e, {kCells, kChannels}, 10 + g);
    w.recurrent[g] = random_constant(e, {kCells, kCells}, 20 + g);
    w.bias[g] = random_constant(e, {kCells}, 30 + g);
  }
  std::array<int32_t, 2> state = {kAbsent, kAbsent};
  if (given_state)
    for (size_t k = 0; k < 2; ++k) {
      schema::StridedSliceOptionsT o;
      o.begin_mask = o.end_mask = 0b101;
      o.shrink_axis_mask = 0b010;
      const int32_t first = e.add(Builtin::STRIDED_SLICE,
                                  {x, e.list({0, 0, 0}), e.list({0, 1, 0}), e.list({1, 1, 1})}, o);
      schema::FullyConnectedOptionsT dense;
      state[k] =
          e.add(Builtin::FULLY_CONNECTED,
                {first, random_constant(e, {kCells, kChannels}, 40 + static_cast<uint32_t>(k))},
                dense, "state" + std::to_string(k));
    }
  e.set_outputs({add_sequence_lstm(e, x, w, "y", state)});
}

TEST(Lstm, states_that_operators_set) {
  for (bool given : {false, true}) {
    const std::vector<float> x = random_floats(3 * kSteps * kChannels, 1, -2, 2);
    Sample sample{"s", {{Type::float32, {3, kSteps, kChannels}, {}}}, -1, {}};
    sample.inputs[0].bytes.resize(x.size() * sizeof(float));
    std::memcpy(sample.inputs[0].bytes.data(), x.data(), x.size() * sizeof(float));
    Calibrated network([&](Editor& e) { converted(e, given); }, {sample});
    const auto before = run_draft(network.draft, 3);
    network.quantize();
    const Names names = operators(network.draft);
    EXPECT_EQ(std::count(names.begin(), names.end(), "UNIDIRECTIONAL_SEQUENCE_LSTM"), 1);
    const GraphTensor& c = network.named("y/cell_state_quantized");
    EXPECT_EQ(c.type, Type::int16);
    EXPECT_TRUE(c.variable);
    EXPECT_GE(sqnr(before, run_draft(network.draft, 3)), 32) << (given ? "given" : "zeros");
  }
}

}  // namespace
}  // namespace cygnet::test
