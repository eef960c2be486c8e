// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Activation = schema::ActivationFunctionType;

struct LstmSpec {
  std::string name;
  int batch = 1, steps = 3, in = 4, cells = 5, out = 5;
  bool coupled = false, peephole = false, projection = false, norm = false, time_major = false;
  float cell_clip = 0, proj_clip = 0;
  Activation activation = Activation::TANH;
};

constexpr int kOperands = 24;

// Every operand of a float case by its index; empty: absent.
std::vector<std::vector<float>> operands_of(const LstmSpec& s) {
  std::vector<std::vector<float>> v(kOperands);
  const auto fill = [&](int i, int n) {
    v[static_cast<size_t>(i)] =
        random_elements<float>(static_cast<size_t>(n), static_cast<uint32_t>(20 + i), -0.7, 0.7);
  };
  for (int g = s.coupled ? 1 : 0; g < 4; ++g) {
    fill(1 + g, s.cells * s.in);
    fill(5 + g, s.cells * s.out);
    fill(12 + g, s.cells);
    if (s.norm) fill(20 + g, s.cells);
    if (s.peephole && g != 2) fill(g == 3 ? 11 : 9 + g, s.cells);
  }
  if (s.projection) fill(16, s.out * s.cells), fill(17, s.out);
  return v;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

double activate(Activation a, double x) {
  switch (a) {
    case Activation::TANH:
      return std::tanh(x);
    case Activation::RELU:
      return std::max(x, 0.0);
    case Activation::RELU6:
      return std::clamp(x, 0.0, 6.0);
    default:
      return x;
  }
}

// One step of one sequence, by the definition.
class Cell {
 public:
  Cell(const LstmSpec& s, const std::vector<std::vector<float>>& v)
      : s_(s), v_(v), h_(static_cast<size_t>(s.out)), c_(static_cast<size_t>(s.cells)) {}

  const std::vector<double>& step(const float* x) {
    const auto forget = gate(1, x, c_);
    std::vector<double> input = s_.coupled ? forget : gate(0, x, c_);
    const auto update = gate(2, x, c_);
    std::vector<double> next(c_.size());
    for (size_t i = 0; i < c_.size(); ++i) {
      const double in = s_.coupled ? 1 - sigmoid(forget[i]) : sigmoid(input[i]);
      next[i] = sigmoid(forget[i]) * c_[i] + in * activate(s_.activation, update[i]);
      if (s_.cell_clip > 0)
        next[i] = std::clamp(next[i], -static_cast<double>(s_.cell_clip),
                             static_cast<double>(s_.cell_clip));
    }
    const auto out = gate(3, x, next);
    c_ = next;
    std::vector<double> hidden(c_.size());
    for (size_t i = 0; i < c_.size(); ++i)
      hidden[i] = sigmoid(out[i]) * activate(s_.activation, c_[i]);
    if (!s_.projection) return h_ = hidden;
    for (size_t o = 0; o < h_.size(); ++o) {
      h_[o] = static_cast<double>(v_[17][o]);
      for (size_t i = 0; i < hidden.size(); ++i)
        h_[o] += static_cast<double>(v_[16][o * hidden.size() + i]) * hidden[i];
      if (s_.proj_clip > 0)
        h_[o] = std::clamp(h_[o], -static_cast<double>(s_.proj_clip),
                           static_cast<double>(s_.proj_clip));
    }
    return h_;
  }

 private:
  std::vector<double> gate(size_t g, const float* x, const std::vector<double>& cell) const {
    const size_t n = c_.size();
    std::vector<double> sums(n);
    for (size_t i = 0; i < n; ++i) {
      for (int k = 0; k < s_.in; ++k)
        sums[i] += static_cast<double>(
                       v_[1 + g][i * static_cast<size_t>(s_.in) + static_cast<size_t>(k)]) *
                   static_cast<double>(x[k]);
      for (size_t k = 0; k < h_.size(); ++k)
        sums[i] += static_cast<double>(v_[5 + g][i * h_.size() + k]) * h_[k];
      if (s_.peephole && g != 2)
        sums[i] += static_cast<double>(v_[g == 3 ? 11 : 9 + g][i]) * cell[i];
    }
    if (s_.norm) {
      double mean = 0, variance = 0;
      for (double v : sums) mean += v / static_cast<double>(n);
      for (double v : sums) variance += (v - mean) * (v - mean) / static_cast<double>(n);
      for (size_t i = 0; i < n; ++i)
        sums[i] =
            (sums[i] - mean) / std::sqrt(variance + 1e-8) * static_cast<double>(v_[20 + g][i]);
    }
    for (size_t i = 0; i < n; ++i) sums[i] += static_cast<double>(v_[12 + g][i]);
    return sums;
  }

  const LstmSpec& s_;
  const std::vector<std::vector<float>>& v_;
  std::vector<double> h_, c_;
};

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
      {.name = "activation",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateUnidirectionalSequenceLSTMOptions(b.fbb(), Activation::SIGN_BIT).Union();
       }),
       .message = "fused activation"},
      {.name = "hybrid",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] =
             b.constant<int8_t>({5, 4}, std::vector<int8_t>(20), per_tensor(0.1f));
       }),
       .message = "float activations with INT8 weights are not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
