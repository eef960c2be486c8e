// SPDX-License-Identifier: Apache-2.0
// The int8 cell of LSTM and UNIDIRECTIONAL_SEQUENCE_LSTM.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/lstm_reference.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

constexpr float kGate = 1.0f / 4096;  // scale of the gates' biases: that of x times that of weights

struct Spec {
  std::string name = {};
  int cells = 2;
  bool coupled = false, peephole = false, projection = false, norm = false;
  float cell_clip = 0, proj_clip = 0;
  int cell_scale = -11;  // log2
};

// All weights are 0: gates are their biases, which are 1 for the update and 0 for the others.
void add_cell(ModelBuilder& b, const Spec& s) {
  const int n = s.cells;
  const Quant weight = per_tensor(1.0f / 64), h = per_tensor(1.0f / 128, -5);
  std::vector<int> in(24, -1);
  in[0] = b.input({1, 1, 3}, Type::int8, per_tensor(1.0f / 64, 3));
  for (size_t g = s.coupled ? 1 : 0; g < 4; ++g) {
    const auto cells = static_cast<size_t>(n);
    in[1 + g] = b.constant<int8_t>({n, 3}, std::vector<int8_t>(3 * cells), weight);
    in[5 + g] = b.constant<int8_t>({n, n}, std::vector<int8_t>(cells * cells), weight);
    in[12 + g] = b.constant<int32_t>({n},
                                     std::vector<int32_t>(cells, g != 2   ? 0
                                                                 : s.norm ? 1024 * 256
                                                                          : 4096),
                                     per_tensor(kGate));
    const Quant vector = per_tensor(1.0f / 256);
    if (s.norm) in[20 + g] = b.constant<int16_t>({n}, std::vector<int16_t>(cells, 256), vector);
    if (s.peephole && g != 2)
      in[g == 3 ? 11 : 9 + g] = b.constant<int16_t>({n}, std::vector<int16_t>(cells, 256), vector);
  }
  if (s.projection) {
    std::vector<int8_t> diagonal(static_cast<size_t>(n * n));
    for (int i = 0; i < n; ++i) diagonal[static_cast<size_t>(i * n + i)] = 64;
    in[16] = b.constant<int8_t>({n, n}, diagonal, weight);
  }
  in[18] = b.variable({1, n}, Type::int8, h);
  in[19] = b.variable({1, n}, Type::int16, per_tensor(std::ldexp(1.0f, s.cell_scale)));
  OpRecord& op = b.op(Op::UNIDIRECTIONAL_SEQUENCE_LSTM, in, {b.output({1, 1, n}, Type::int8, h)},
                      schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(), Activation::TANH,
                                                                      s.cell_clip, s.proj_clip));
  std::vector<int> scales;
  for (int i = 0; i < 4; ++i) scales.push_back(b.add_tensor({}, Type::int16, per_tensor(kGate)));
  scales.push_back(b.add_tensor({}, Type::int8, s.projection ? per_tensor(1.0f / 200, 17) : h));
  op.intermediates = scales;
}

OpCase cell_case(const Spec& s) {
  double c = 0.5 * std::tanh(1.0);
  c = std::min(c, std::ldexp(32767.0, s.cell_scale));
  if (s.cell_clip > 0) c = std::min(c, static_cast<double>(s.cell_clip));
  const double h = (s.peephole ? sigmoid(c) : 0.5) * std::tanh(c);
  double code = std::round(128 * h) - 5;
  if (s.proj_clip > 0) code = std::min(code, static_cast<double>(s.proj_clip) * 128);
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_cell(b, s); },
          .inputs = {values<int8_t>({1, 2, 3})},
          .outputs = {values(
              std::vector<int8_t>(static_cast<size_t>(s.cells), static_cast<int8_t>(code)))},
          .plain_steps = 1};
}

TEST(LstmInteger, Cases) {
  run_op_cases({
      cell_case({.name = "plain"}),
      cell_case({.name = "coupled gates", .coupled = true}),
      cell_case({.name = "peepholes", .peephole = true}),
      cell_case({.name = "projection", .projection = true}),
      cell_case({.name = "clips", .projection = true, .cell_clip = 0.25f, .proj_clip = 0.0625f}),
      cell_case({.name = "normalization", .norm = true}),
      cell_case({.name = "cell state below 1", .cell_scale = -15}),
      cell_case({.name = "cell state below 1/2", .cell_scale = -16}),
      cell_case({.name = "saturated cell state below 1/8", .cell_scale = -18}),
      cell_case({.name = "wide", .cells = 70, .peephole = true, .projection = true}),
  });
}

TEST(LstmInteger, Refuses) {
  const auto broken = [](std::function<void(ModelBuilder&)> edit) {
    return [=](ModelBuilder& b) {
      add_cell(b, {.peephole = true, .projection = true, .norm = true});
      edit(b);
    };
  };
  const auto unscaled = [&](size_t operand) {
    return broken(
        [=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).quantization.reset(); });
  };
  const auto intermediates = [&](size_t n) {
    return broken([=](ModelBuilder& b) {
      b.last_op().intermediates.resize(n, b.last_op().intermediates[0]);
    });
  };
  const auto retyped = [&](size_t operand, Type type) {
    return broken([=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).type = type; });
  };
  const auto scaled = [&](size_t operand, float scale, int zero) {
    return broken([=](ModelBuilder& b) {
      b.tensor(b.last_op().inputs[operand]).quantization = per_tensor(scale, zero);
    });
  };
  refuse_op_cases({
      {.name = "no intermediates", .model = intermediates(0), .message = "expected 5 intermediate"},
      {.name = "8-bit gates", .model = intermediates(12), .message = "8-bit gates"},
      {.name = "no intermediate 4",
       .model = broken([](ModelBuilder& b) { b.last_op().intermediates[4] = -1; }),
       .message = "intermediate 4: expected to be given"},
      {.name = "intermediate without a scale",
       .model = broken(
           [](ModelBuilder& b) { b.tensor(b.last_op().intermediates[1]).quantization.reset(); }),
       .message = "intermediate 1: expected quantization parameters"},
      {.name = "x without a scale",
       .model = unscaled(0),
       .message = "input 0: expected quantization"},
      {.name = "weights without a scale",
       .model = unscaled(3),
       .message = "weights: expected quant"},
      {.name = "peephole without a scale",
       .model = unscaled(9),
       .message = "peephole weights: expected quantization"},
      {.name = "projection without a scale",
       .model = unscaled(16),
       .message = "projection weights: expected quantization"},
      {.name = "coefficients without a scale",
       .model = unscaled(21),
       .message = "normalization coefficients: expected quantization"},
      {.name = "output state without a scale",
       .model = unscaled(18),
       .message = "(output state): expected q"},
      {.name = "cell state without a scale",
       .model = unscaled(19),
       .message = "(cell state): expected q"},
      {.name = "weights with a zero point",
       .model = scaled(6, 0.1f, 4),
       .message = "weights: expected zero point 0, got 4"},
      {.name = "cell state's scale",
       .model = scaled(19, 0.001f, 0),
       .message = "(cell state): expected a scale of 2^-30 to 2^-9"},
      {.name = "cell state of int8",
       .model = retyped(19, Type::int8),
       .message = "(cell state): expected type INT16"},
      {.name = "output state of int16",
       .model = retyped(18, Type::int16),
       .message = "(output state): expected type INT8"},
      {.name = "float bias",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[13] = b.constant<float>({2}, {0, 0});
       }),
       .message = "gate bias: expected type INT32"},
      {.name = "int8 peephole",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[10] = b.constant<int8_t>({2}, {0, 0}, per_tensor(0.1f));
       }),
       .message = "peephole weights: expected type INT16"},
      {.name = "weights that are not constant",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.input({2, 3}, Type::int8, per_tensor(0.1f));
       }),
       .message = "that are not constant are not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
