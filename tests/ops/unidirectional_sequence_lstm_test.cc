// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/lstm_reference.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Adds the operands to a model: x, the weights that there are, the two states.
std::vector<int> add_operands(ModelBuilder& b, const LstmSpec& s,
                              const std::vector<std::vector<float>>& v,
                              const std::vector<int32_t>& x_shape) {
  std::vector<int> in(kOperands, -1);
  in[0] = b.input(x_shape);
  for (size_t i = 1; i < kOperands; ++i) {
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

OpCase lstm_case(const LstmSpec& s) {
  const auto v = operands_of(s);
  const auto x = random_elements<float>(static_cast<size_t>(s.batch * s.steps * s.in), 7, -1, 1);
  const auto row = [&](int n, int t, int width) {
    return static_cast<size_t>((s.time_major ? t * s.batch + n : n * s.steps + t) * width);
  };
  std::vector<float> y(static_cast<size_t>(s.batch * s.steps * s.out));
  for (int n = 0; n < s.batch; ++n) {
    Cell cell(s, v);
    for (int t = 0; t < s.steps; ++t) {
      const auto& h = cell.step(x.data() + row(n, t, s.in));
      for (size_t o = 0; o < h.size(); ++o) y[row(n, t, s.out) + o] = static_cast<float>(h[o]);
    }
  }
  const auto shape = [s](int width) {
    return s.time_major ? std::vector<int32_t>{s.steps, s.batch, width}
                        : std::vector<int32_t>{s.batch, s.steps, width};
  };
  return {.name = s.name,
          .model =
              [=](ModelBuilder& b) {
                const auto in = add_operands(b, s, v, shape(s.in));
                const int out = b.output(shape(s.out));
                b.op(Op::UNIDIRECTIONAL_SEQUENCE_LSTM, in, {out},
                     schema::CreateUnidirectionalSequenceLSTMOptions(
                         b.fbb(), s.activation, s.cell_clip, s.proj_clip, s.time_major));
              },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {shape(s.out)},
          .tolerance = 2e-5};
}

TEST(UnidirectionalSequenceLstm, Cases) {
  std::vector<OpCase> cases;
  for (const LstmSpec& s : std::vector<LstmSpec>{
           {.name = "plain"},
           {.name = "one step", .steps = 1},
           {.name = "batch 2", .batch = 2},
           {.name = "time major", .batch = 3, .time_major = true},
           {.name = "coupled gates", .coupled = true},
           {.name = "peepholes", .peephole = true},
           {.name = "peepholes, coupled", .coupled = true, .peephole = true},
           {.name = "projection", .out = 3, .projection = true},
           {.name = "normalization", .norm = true},
           {.name = "everything",
           .batch = 2,
           .cells = 7,
           .out = 4,
           .peephole = true,
           .projection = true,
           .norm = true,
           .cell_clip = 0.3f,
           .proj_clip = 0.2f},
           {.name = "relu", .activation = Activation::RELU},
           {.name = "no activation", .activation = Activation::NONE},
           {.name = "wide", .steps = 5, .in = 33, .cells = 65, .out = 65},
       })
    cases.push_back(lstm_case(s));
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const LstmSpec s;
    const auto in = add_operands(b, s, operands_of(s), {1, 3, 4});
    const int out = b.output({1, 3, 5});
    b.op(Op::UNIDIRECTIONAL_SEQUENCE_LSTM, in, {out},
         schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(), Activation::TANH));
    edit(b);
  };
}

TEST(UnidirectionalSequenceLstm, Refuses) {
  const auto drop = [](size_t operand) {
    return broken([=](ModelBuilder& b) { b.last_op().inputs[operand] = -1; });
  };
  const auto reshape = [](size_t operand, std::vector<int32_t> shape) {
    return broken([=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).shape = shape; });
  };
  const auto clip = [](float cell) {
    return broken([=](ModelBuilder& b) {
      b.last_op().options =
          schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(), Activation::TANH, cell).Union();
    });
  };
  refuse_op_cases({
      {.name = "half an input gate",
       .model = drop(1),
       .message = "recurrent to input gate): expected to be absent"},
      {.name = "no recurrent weights of the input gate",
       .model = drop(5),
       .message = "recurrent to input gate): expected to be given"},
      {.name = "no bias of the input gate",
       .model = drop(12),
       .message = "input gate bias): expected to be given"},
      {.name = "no forget gate", .model = drop(2), .message = "G1"},
      {.name = "rank", .model = reshape(0, {3, 4}), .message = "input 0: expected rank 3"},
      {.name = "input width",
       .model = reshape(0, {1, 3, 5}),
       .message = "input weights: expected shape"},
      {.name = "weights transposed",
       .model = reshape(3, {4, 5}),
       .message = "input weights: expected shape [5,4], got [4,5]"},
      {.name = "output state",
       .model = reshape(18, {1, 6}),
       .message = "output state): expected 5 elements"},
      {.name = "cell state",
       .model = reshape(19, {2, 5}),
       .message = "cell state): expected 5 elements"},
      {.name = "state that is no variable",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[18]).variable = false; }),
       .message = "G"},
      {.name = "state that is set after it is read",
       .model = broken([](ModelBuilder& b) {
         const int zeros = b.constant<float>({1, 5}, std::vector<float>(5));
         const int state = b.last_op().inputs[18];
         b.op(Op::ADD, {zeros, zeros}, {state}, schema::CreateAddOptions(b.fbb()));
       }),
       .message = "G3"},
      {.name = "clip", .model = clip(-1), .message = "clip: expected a finite number >= 0"},
      {.name = "clip NaN", .model = clip(NAN), .message = "clip: expected a finite number >= 0"},
      {.name = "clip of the projection",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(), Activation::TANH, 0, INFINITY)
                 .Union();
       }),
       .message = "clip: expected a finite number >= 0"},
      {.name = "projection",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[16] = b.constant<float>({5, 4}, std::vector<float>(20));
       }),
       .message = "projection weights: expected shape [5,5], got [5,4]"},
      {.name = "bias",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[13] = b.constant<float>({4}, std::vector<float>(4));
       }),
       .message = "gate bias: expected shape [5], got [4]"},
      {.name = "one normalization",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[21] = b.constant<float>({5}, std::vector<float>(5));
       }),
       .message = "forget gate normalization): expected to be absent"},
      {.name = "projection bias alone",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[17] = b.constant<float>({5}, std::vector<float>(5));
       }),
       .message = "projection bias): expected to be absent"},
      {.name = "one peephole",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[11] = b.constant<float>({5}, std::vector<float>(5));
       }),
       .message = "cell to input gate): expected to be given"},
      {.name = "weights of two types",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] =
             b.constant<int8_t>({5, 4}, std::vector<int8_t>(20), per_tensor(0.1f));
       }),
       .message = "input weights: expected type INT8, got FLOAT32"},
      {.name = "hybrid without a scale",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.constant<int8_t>({5, 4}, std::vector<int8_t>(20));
       }),
       .message = "(input to forget gate): expected quantization parameters"},
      {.name = "hybrid with a zero point",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] =
             b.constant<int8_t>({5, 4}, std::vector<int8_t>(20), per_tensor(0.1f, 3));
       }),
       .message = "(input to forget gate): expected zero point 0, got 3"},
      {.name = "diagonal of another size",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[7] = b.constant<float>({4}, std::vector<float>(4));
       }),
       .message = "recurrent weights: expected shape [5], got [4]"},
  });
}

}  // namespace
}  // namespace cygnet::test
