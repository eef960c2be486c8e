// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/lstm_reference.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// ---- The full kernel

std::vector<int> add_operands(ModelBuilder& b, const LstmSpec& s, size_t count) {
  const auto v = operands_of(s);
  std::vector<int> in(count, -1);
  in[0] = b.input({s.batch, s.in});
  for (size_t i = 1; i < count; ++i) {
    if (v[i].empty()) continue;
    const int columns = i <= 4 ? s.in : i <= 8 ? s.out : i == 16 ? s.cells : 0;
    const int n = static_cast<int>(v[i].size());
    in[i] = b.constant<float>(
        columns == 0 ? std::vector<int32_t>{n} : std::vector<int32_t>{n / columns, columns}, v[i]);
  }
  in[18] = b.variable({s.batch, s.out});
  in[19] = b.variable({s.batch, s.cells});
  return in;
}

void add_full(ModelBuilder& b, const LstmSpec& s, size_t count = kOperands) {
  b.op(Op::LSTM, add_operands(b, s, count), {b.output({s.batch, s.out})},
       schema::CreateLSTMOptions(b.fbb(), s.activation, s.cell_clip, s.proj_clip));
}

OpCase full_case(const LstmSpec& s, size_t count = kOperands) {
  const auto x = random_elements<float>(static_cast<size_t>(s.batch * s.in), 7, -1, 1);
  const auto v = operands_of(s);
  std::vector<float> y;
  for (int n = 0; n < s.batch; ++n) {
    Cell cell(s, v);
    for (double h : cell.step(x.data() + n * s.in)) y.push_back(static_cast<float>(h));
  }
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_full(b, s, count); },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.batch, s.out}},
          .tolerance = 2e-5};
}

TEST(Lstm, Cases) {
  run_op_cases({
      full_case({.name = "plain", .batch = 2}),
      full_case({.name = "20 operands"}, 20),
      full_case({.name = "coupled gates", .coupled = true}),
      full_case({.name = "relu6", .activation = Activation::RELU6}),
      full_case({.name = "everything",
                 .batch = 3,
                 .cells = 7,
                 .out = 4,
                 .peephole = true,
                 .projection = true,
                 .norm = true,
                 .cell_clip = 0.3f,
                 .proj_clip = 0.2f}),
  });
}

// ---- The basic kernel

struct BasicSpec {
  int batch = 2, in = 3, cells = 4;
};

std::vector<float> basic_weights(const BasicSpec& s) {
  return random_elements<float>(static_cast<size_t>(4 * s.cells * (s.in + s.cells)), 3, -0.7, 0.7);
}

std::vector<float> basic_bias(const BasicSpec& s) {
  return random_elements<float>(static_cast<size_t>(4 * s.cells), 4, -0.5, 0.5);
}

// `kept`: the state is of variables; else the caller gives it.
void add_basic(ModelBuilder& b, const BasicSpec& s, bool kept) {
  const std::vector<int32_t> h{s.batch, s.cells};
  const int gates = 4 * s.cells, joined = s.in + s.cells;
  const int x = b.input({s.batch, s.in});
  const int old = kept ? b.variable(h) : b.input(h), cell = kept ? b.variable(h) : b.input(h);
  const int weights = b.constant<float>({gates, joined}, basic_weights(s));
  const int bias = b.constant<float>({gates}, basic_bias(s));
  b.op(Op::LSTM, {x, old, weights, bias, cell},
       {b.output(h), b.output(h), b.output({s.batch, joined}), b.output({s.batch, gates})},
       schema::CreateLSTMOptions(b.fbb(), Activation::TANH, 0, 0, schema::LSTMKernelType::BASIC),
       2);
}

OpCase basic_case(bool kept) {
  const BasicSpec s;
  const auto elements = [](int n, uint32_t seed) {
    return random_elements<float>(static_cast<size_t>(n), seed, -1, 1);
  };
  const auto x = elements(s.batch * s.in, 7);
  std::vector<float> h(static_cast<size_t>(s.batch * s.cells)), c = h;
  if (!kept) h = elements(s.batch * s.cells, 8), c = elements(s.batch * s.cells, 9);
  const auto w = basic_weights(s), bias = basic_bias(s);
  std::vector<float> y, next, joined, sums;
  for (int n = 0; n < s.batch; ++n) {
    std::vector<double> row, gates;
    for (int i = 0; i < s.in; ++i)
      row.push_back(static_cast<double>(x[static_cast<size_t>(n * s.in + i)]));
    for (int i = 0; i < s.cells; ++i)
      row.push_back(static_cast<double>(h[static_cast<size_t>(n * s.cells + i)]));
    for (double v : row) joined.push_back(static_cast<float>(v));
    for (size_t j = 0; j < bias.size(); ++j) {
      double sum = static_cast<double>(bias[j]);
      for (size_t k = 0; k < row.size(); ++k)
        sum += static_cast<double>(w[j * row.size() + k]) * row[k];
      gates.push_back(sum);
      sums.push_back(static_cast<float>(sum));
    }
    const auto cells = static_cast<size_t>(s.cells);
    for (size_t i = 0; i < cells; ++i) {
      const double kept_part = sigmoid(gates[2 * cells + i]) *
                               static_cast<double>(c[static_cast<size_t>(n) * cells + i]);
      const double cell = sigmoid(gates[i]) * std::tanh(gates[cells + i]) + kept_part;
      next.push_back(static_cast<float>(cell));
      y.push_back(static_cast<float>(sigmoid(gates[3 * cells + i]) * std::tanh(cell)));
    }
  }
  OpCase result{.name = kept ? "kept state" : "given state",
                .model = [=](ModelBuilder& b) { add_basic(b, s, kept); },
                .inputs = {values(x)},
                .outputs = {values(y), values(next), values(joined), values(sums)},
                .tolerance = 1e-5};
  if (!kept) result.inputs = {values(x), values(h), values(c)};
  return result;
}

TEST(Lstm, Basic) {
  run_op_cases({basic_case(true), basic_case(false)});
}

void add_basic_q8(ModelBuilder& b) {
  const Quant activations = per_tensor(1.0f / 128, 128);
  const Quant state = per_tensor(1.0f / 2048);
  const int x = b.input({1, 1}, Type::uint8, activations);
  const int h = b.input({1, 1}, Type::uint8, activations), c = b.input({1, 1}, Type::int16, state);
  const int weights = b.constant<uint8_t>({4, 2}, {128, 128, 192, 128, 128, 128, 128, 128},
                                          per_tensor(1.0f / 32, 128));
  const int bias = b.constant<int32_t>({4}, {0, 0, 0, 0}, per_tensor(1.0f / 4096));
  b.op(Op::LSTM, {x, h, weights, bias, c},
       {b.output({1, 1}, Type::uint8, activations), b.output({1, 1}, Type::int16, state),
        b.output({1, 2}, Type::uint8, activations),
        b.output({1, 4}, Type::int16, per_tensor(1.0f / 4096))},
       schema::CreateLSTMOptions(b.fbb(), Activation::TANH, 0, 0, schema::LSTMKernelType::BASIC),
       2);
}

// x = 1/2 and update weight 2: tanh(1) = 0.762; all gates 1/2: c = 0.381 + 1/2·1 = 0.881,
// h = 1/2·tanh(0.881) = 0.353.
TEST(Lstm, BasicUint8) {
  run_op_cases(
      {{.name = "uint8",
        .model = add_basic_q8,
        .inputs = {values<uint8_t>({192}), values<uint8_t>({128}), values<int16_t>({2048})},
        .outputs = {values<uint8_t>({173}), values<int16_t>({1804}), values<uint8_t>({192, 128}),
                    values<int16_t>({0, 4096, 0, 0})},
        .plain_steps = 1}});
}

// ---- Refused

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    add_full(b, {.name = "broken"});
    edit(b);
  };
}

std::function<void(ModelBuilder&)> broken_basic(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    add_basic(b, {}, true);
    edit(b);
  };
}

TEST(Lstm, Refuses) {
  const auto reshape = [](size_t operand, std::vector<int32_t> shape) {
    return broken([=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).shape = shape; });
  };
  refuse_op_cases({
      {.name = "21 operands",
       .model = broken([](ModelBuilder& b) { b.last_op().inputs.resize(21); }),
       .message = "expected 20 or 24 inputs, got 21"},
      {.name = "two results",
       .model = broken([](ModelBuilder& b) {
         b.last_op().outputs.push_back(b.output({1, 5}));
       }),
       .message = "expected 1 output, got 2"},
      {.name = "rank", .model = reshape(0, {1, 1, 4}), .message = "input 0: expected rank 2"},
      {.name = "diagonal",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[6] = b.constant<float>({5}, std::vector<float>(5));
       }),
       .message = "(recurrent to forget gate): expected rank 2"},
      {.name = "output state",
       .model = reshape(18, {1, 6}),
       .message = "output state): expected 5"},
      {.name = "state of another type",
       .model =
           broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[19]).type = Type::int16; }),
       .message = "(cell state): expected type FLOAT32"},
      {.name = "weights that are a variable",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.variable({5, 4});
       }),
       .message = "G5"},
      {.name = "basic with 20 operands",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options = schema::CreateLSTMOptions(b.fbb(), Activation::TANH, 0, 0,
                                                         schema::LSTMKernelType::BASIC)
                                   .Union();
       }),
       .message = "expected 5 inputs, got 24"},
  });
}

TEST(Lstm, RefusesBasic) {
  const auto replace = [](size_t operand, std::vector<int32_t> shape) {
    return broken_basic([=](ModelBuilder& b) {
      int n = 1;
      for (int d : shape) n *= d;
      b.last_op().inputs[operand] =
          b.constant<float>(shape, std::vector<float>(static_cast<size_t>(n)));
    });
  };
  refuse_op_cases({
      {.name = "full with 5 operands",
       .model = broken_basic([](ModelBuilder& b) {
         b.last_op().options = schema::CreateLSTMOptions(b.fbb()).Union();
       }),
       .message = "expected 20 or 24 inputs, got 5"},
      {.name = "results",
       .model = broken_basic([](ModelBuilder& b) {
         b.last_op().outputs.pop_back();
         b.graph().outputs.pop_back();
       }),
       .message = "expected 4 outputs, got 3"},
      {.name = "no state",
       .model = broken_basic([](ModelBuilder& b) { b.last_op().inputs[1] = -1; }),
       .message = "input 1 (activations): expected to be given"},
      {.name = "weights",
       .model = replace(2, {16, 6}),
       .message = "input 2 (weights): expected shape [16,7], got [16,6]"},
      {.name = "bias", .model = replace(3, {4}), .message = "input 3 (bias): expected shape [16]"},
      {.name = "state",
       .model = broken_basic([](ModelBuilder& b) {
         b.tensor(b.last_op().inputs[4]).shape = {2, 5};
       }),
       .message = "input 4 (state): expected shape [2,4], got [2,5]"},
      {.name = "state's scale",
       .model =
           [](ModelBuilder& b) {
             add_basic_q8(b);
             b.tensor(b.last_op().outputs[1]).quantization = per_tensor(1.0f / 1024);
           },
       .message = "output 1: expected a scale of 2^-11"},
      {.name = "uint8 without scales",
       .model =
           [](ModelBuilder& b) {
             add_basic_q8(b);
             b.tensor(b.last_op().inputs[3]).quantization.reset();
           },
       .message = "input 3 (bias): expected quantization parameters"},
  });
}

}  // namespace
}  // namespace cygnet::test
