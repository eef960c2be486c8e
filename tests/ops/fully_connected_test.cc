// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

struct DenseSpec {
  std::string name;
  std::vector<int32_t> x;
  int n = 4, k = 3;
  bool keep = false, bias = true, constant_weights = true, per_channel = true, loud = false;
  Activation activation = Activation::NONE;
  std::vector<int32_t> y;
};

template <class X, class B = std::conditional_t<std::is_same_v<X, float>, float, int32_t>>
OpCase dense_case(const DenseSpec& s) {
  using W = WeightOf<X>;
  size_t elements = 1;
  for (int32_t d : s.x) elements *= static_cast<size_t>(d);
  const auto d =
      make_data<X, W, B>(elements, static_cast<size_t>(s.n * s.k), s.n, s.per_channel, s.loud, 5);
  OpCase c{.name = s.name + " " + type_name(type_of<X>()),
           .model = {},
           .inputs = {values(d.x)},
           .outputs = {},
           .shapes = {s.y},
           .tolerance = 1e-5,
           .plain_steps = 1,
           .kernel_steps = 1};
  c.model = [=](ModelBuilder& b) {
    const int x = b.input(s.x, type_of<X>(), quant_of<X>(d.q.x_scale, d.q.x_zero));
    const auto wq = filter_quant<X>(d.q, 0);
    const int w = s.constant_weights ? b.constant<W>({s.n, s.k}, d.w, wq)
                                     : b.input({s.n, s.k}, type_of<W>(), wq);
    std::vector<int> in = {x, w, s.bias ? add_bias_tensor<B, X>(b, d) : -1};
    const int y = b.output(s.y, type_of<X>(), quant_of<X>(d.q.y_scale, d.q.y_zero));
    b.op(Op::FULLY_CONNECTED, in, {y},
         schema::CreateFullyConnectedOptions(
             b.fbb(), s.activation, schema::FullyConnectedOptionsWeightsFormat::DEFAULT, s.keep));
  };
  if (!s.constant_weights) c.inputs.push_back(values(d.w));
  std::vector<double> sums;
  for (size_t i = 0; i < elements; i += static_cast<size_t>(s.k))
    for (int j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int k = 0; k < s.k; ++k)
        sum += (static_cast<double>(d.x[i + static_cast<size_t>(k)]) - d.q.x_zero) *
               (static_cast<double>(d.w[static_cast<size_t>(j * s.k + k)]) - d.q.w_zero);
      sums.push_back(sum);
    }
  c.outputs = {values(expected(sums, d, s.n, s.bias, s.activation))};
  return c;
}

TEST(FullyConnected, Cases) {
  std::vector<OpCase> cases;
  for (const DenseSpec& s : std::vector<DenseSpec>{
           {.name = "row", .x = {1, 3}, .y = {1, 4}},
           {.name = "five rows", .x = {5, 3}, .y = {5, 4}},
           {.name = "flattened", .x = {2, 3, 2}, .n = 5, .k = 6, .y = {2, 5}},
           {.name = "kept dimensions",
           .x = {2, 2, 6},
           .n = 5,
           .k = 6,
           .keep = true,
           .y = {2, 2, 5}},
           {.name = "vector", .x = {6}, .n = 2, .k = 6, .y = {1, 2}},
           {.name = "deep", .x = {3, 129}, .n = 65, .k = 129, .y = {3, 65}},
           {.name = "shallow", .x = {13, 1}, .n = 33, .k = 1, .y = {13, 33}},
           {.name = "no bias", .x = {2, 3}, .bias = false, .y = {2, 4}},
           {.name = "weights of the run", .x = {2, 3}, .constant_weights = false, .y = {2, 4}},
           {.name = "one scale", .x = {2, 3}, .per_channel = false, .y = {2, 4}},
           {.name = "relu6", .x = {2, 30}, .k = 30, .activation = Activation::RELU6, .y = {2, 4}},
           {.name = "saturation", .x = {2, 64}, .k = 64, .loud = true, .y = {2, 4}},
           {.name = "no rows", .x = {0, 3}, .y = {0, 4}},
       }) {
    cases.push_back(dense_case<float>(s));
    cases.push_back(dense_case<int8_t>(s));
    cases.push_back(dense_case<uint8_t>(s));
    cases.push_back(dense_case<int16_t, int64_t>(s));
    cases.push_back(dense_case<int16_t, int32_t>(s));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}, Type::int8, per_tensor(0.1f));
    const int w = b.constant<int8_t>({4, 3}, std::vector<int8_t>(12, 1), per_tensor(0.1f));
    const int y = b.output({2, 4}, Type::int8, per_tensor(0.1f));
    b.op(Op::FULLY_CONNECTED, {x, w}, {y}, schema::CreateFullyConnectedOptions(b.fbb()));
    edit(b);
  };
}

TEST(FullyConnected, Refuses) {
  refuse_op_cases({
      {.name = "weights of rank 3",
       .model = broken([](ModelBuilder& b) {
         b.tensor(1).shape = {2, 2, 3};
       }),
       .message = "input 1: expected rank 2, got 3"},
      {.name = "elements",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {2, 2};
       }),
       .message = "expected a multiple of 3 elements"},
      {.name = "last dimension",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {3, 2};
         b.last_op().options = schema::CreateFullyConnectedOptions(
                                   b.fbb(), Activation::NONE,
                                   schema::FullyConnectedOptionsWeightsFormat::DEFAULT, true)
                                   .Union();
       }),
       .message = "expected a last dimension of 3"},
      {.name = "no depth",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[1] = b.constant<int8_t>({4, 0}, {}, per_tensor(0.1f));
       }),
       .message = "expected a matrix of at least 1 x 1"},
      {.name = "bias",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs.push_back(b.constant<int32_t>({3}, {1, 2, 3}));
       }),
       .message = "input 2: expected 4 elements"},
      {.name = "weights_format",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options = schema::CreateFullyConnectedOptions(
                                   b.fbb(), Activation::NONE,
                                   static_cast<schema::FullyConnectedOptionsWeightsFormat>(2))
                                   .Union();
       }),
       .message = "weights_format: expected 0 to 1, got 2"},
      {.name = "activation",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateFullyConnectedOptions(b.fbb(), Activation::TANH).Union();
       }),
       .message = "fused activation 4 is not supported"},
      {.name = "scalar",
       .model = broken([](ModelBuilder& b) { b.tensor(0).shape = {}; }),
       .message = "input 0"},
  });
}

// The weights 1 … in rows, shuffled into tiles of 4 × 16 and their sign bits flipped.
std::function<void(ModelBuilder&)> shuffled(int m, int n, int k,
                                            std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    std::vector<uint8_t> weights;
    for (int row = 0; row < n; row += 4)
      for (int column = 0; column < k; column += 16)
        for (int i = 0; i < 4; ++i)
          for (int j = 0; j < 16; ++j)
            weights.push_back(static_cast<uint8_t>((row + i) * 3 + (column + j) % 5 - 7));
    const int x = b.input({m, k}, Type::uint8, per_tensor(0.5f, 128));
    const int w = b.constant<uint8_t>({n, k}, weights, per_tensor(0.5f, 128));
    const int bias = b.constant<int32_t>({n}, std::vector<int32_t>(static_cast<size_t>(n), 40));
    const int y = b.output({m, n}, Type::int16, per_tensor(0.25f));
    b.op(Op::FULLY_CONNECTED, {x, w, bias}, {y, b.add_tensor({m, k}, Type::uint8)},
         schema::CreateFullyConnectedOptions(
             b.fbb(), Activation::NONE,
             schema::FullyConnectedOptionsWeightsFormat::SHUFFLED4x16INT8));
    edit(b);
  };
}

TEST(FullyConnected, ShuffledWeights) {
  std::vector<OpCase> cases;
  for (int m : {1, 4}) {
    constexpr int kN = 8, kK = 32;
    const auto x = random_elements<uint8_t>(static_cast<size_t>(m * kK), 2, 0, 255);
    std::vector<int16_t> y;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < kN; ++j) {
        int sum = 40;
        for (int k = 0; k < kK; ++k)
          sum += (x[static_cast<size_t>(i * kK + k)] - 128) * (j * 3 + k % 5 - 7);
        y.push_back(static_cast<int16_t>(sum));  // 0.5 · 0.5 / 0.25 = 1
      }
    cases.push_back({.name = std::to_string(m) + " rows",
                     .model = shuffled(m, kN, kK, [](ModelBuilder&) {}),
                     .inputs = {values(x)},
                     .outputs = {values(y)},
                     .kernel_steps = 0});
  }
  run_op_cases(cases);
  refuse_op_cases({
      {.name = "tiles",
       .model = shuffled(1, 4, 16,
                         [](ModelBuilder& b) {
                           b.tensor(1).shape = {2, 32};
                         }),
       .message = "expected a matrix of tiles of 4 x 16, got [2,32]"},
      {.name = "rows",
       .model = shuffled(1, 4, 16,
                         [](ModelBuilder& b) {
                           b.tensor(0).shape = {2, 16};
                         }),
       .message = "input 0: expected 1 or 4 rows of 16 elements"},
      {.name = "zero point",
       .model = shuffled(1, 4, 16,
                         [](ModelBuilder& b) { b.tensor(1).quantization = per_tensor(0.5f, 3); }),
       .message = "input 1: expected zero point 128, got 3"},
      {.name = "no workspace",
       .model = shuffled(1, 4, 16, [](ModelBuilder& b) { b.last_op().outputs.pop_back(); }),
       .message = "expected a result and a workspace, got 1"},
      {.name = "type",
       .model = shuffled(1, 4, 16, [](ModelBuilder& b) { b.tensor(0).type = Type::int16; }),
       .message = "input 0: expected type UINT8"},
  });
}

}  // namespace
}  // namespace cygnet::test
