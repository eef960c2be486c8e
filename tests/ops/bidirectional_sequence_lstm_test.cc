// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/lstm_reference.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Both directions: they share batch, steps, input and flags with `forward`.
struct Spec {
  LstmSpec forward;
  bool merge = true;
  int back_cells = 3, back_out = 3;

  LstmSpec backward() const {
    LstmSpec s = forward;
    s.cells = back_cells;
    s.out = back_out;
    return s;
  }
};

constexpr int kWeights = 17;  // operands of one direction
constexpr size_t kBothOperands = 48;

void add_weights(ModelBuilder& b, const LstmSpec& s, uint32_t seed, size_t first,
                 std::vector<int>* in) {
  const auto v = operands_of(s, seed);
  for (size_t i = 1; i <= kWeights; ++i) {
    if (v[i].empty()) continue;
    const int columns = i <= 4 ? s.in : i <= 8 ? s.out : i == 16 ? s.cells : 0;
    const int n = static_cast<int>(v[i].size());
    (*in)[first + i - 1] = b.constant<float>(
        columns == 0 ? std::vector<int32_t>{n} : std::vector<int32_t>{n / columns, columns}, v[i]);
  }
}

std::vector<int32_t> shape_of(const LstmSpec& s, int width) {
  return s.time_major ? std::vector<int32_t>{s.steps, s.batch, width}
                      : std::vector<int32_t>{s.batch, s.steps, width};
}

void add_operator(ModelBuilder& b, const Spec& spec) {
  const LstmSpec &s = spec.forward, back = spec.backward();
  std::vector<int> in(kBothOperands, -1);
  in[0] = b.input(shape_of(s, s.in));
  add_weights(b, s, 20, 1, &in);
  add_weights(b, back, 60, 1 + kWeights, &in);
  in[35] = b.variable({s.batch, s.out});
  in[36] = b.variable({s.batch, s.cells});
  in[37] = b.variable({s.batch, back.out});
  in[38] = b.variable({s.batch, back.cells});
  std::vector<int> out{b.output(shape_of(s, spec.merge ? s.out + back.out : s.out))};
  if (!spec.merge) out.push_back(b.output(shape_of(s, back.out)));
  b.op(Op::BIDIRECTIONAL_SEQUENCE_LSTM, in, out,
       schema::CreateBidirectionalSequenceLSTMOptions(b.fbb(), s.activation, s.cell_clip,
                                                      s.proj_clip, spec.merge, s.time_major));
}

OpCase both_case(const Spec& spec) {
  const LstmSpec &s = spec.forward, back = spec.backward();
  const auto x = random_elements<float>(static_cast<size_t>(s.batch * s.steps * s.in), 7, -1, 1);
  const auto row = [&](int n, int t, int width) {
    return static_cast<size_t>((s.time_major ? t * s.batch + n : n * s.steps + t) * width);
  };
  const int width = spec.merge ? s.out + back.out : s.out;
  std::vector<float> y(static_cast<size_t>(s.batch * s.steps * width));
  std::vector<float> z(static_cast<size_t>(spec.merge ? 0 : s.batch * s.steps * back.out));
  const auto v = operands_of(s, 20), w = operands_of(back, 60);
  for (int n = 0; n < s.batch; ++n) {
    Cell ahead(s, v), behind(back, w);
    for (int k = 0; k < s.steps; ++k) {
      const auto& h = ahead.step(x.data() + row(n, k, s.in));
      for (size_t o = 0; o < h.size(); ++o) y[row(n, k, width) + o] = static_cast<float>(h[o]);
      const int t = s.steps - 1 - k;
      const auto& g = behind.step(x.data() + row(n, t, s.in));
      float* to = spec.merge ? y.data() + row(n, t, width) + s.out : z.data() + row(n, t, back.out);
      for (size_t o = 0; o < g.size(); ++o) to[o] = static_cast<float>(g[o]);
    }
  }
  OpCase result{.name = s.name,
                .model = [=](ModelBuilder& b) { add_operator(b, spec); },
                .inputs = {values(x)},
                .outputs = {values(y)},
                .shapes = {shape_of(s, width)},
                .tolerance = 2e-5};
  if (!spec.merge) {
    result.outputs.push_back(values(z));
    result.shapes.push_back(shape_of(s, back.out));
  }
  return result;
}

TEST(BidirectionalSequenceLstm, Cases) {
  std::vector<OpCase> cases;
  for (const Spec& s : std::vector<Spec>{
           {{.name = "plain"}},
           {.forward = {.name = "two results"}, .merge = false},
           {{.name = "one step", .steps = 1}},
           {{.name = "batch 2", .batch = 2}},
           {{.name = "time major", .batch = 3, .time_major = true}},
           {.forward = {.name = "time major, two results", .batch = 2, .time_major = true},
           .merge = false},
           {{.name = "coupled gates", .coupled = true}},
           {{.name = "more cells backwards"}, true, 9, 9},
           {{.name = "everything",
           .batch = 2,
           .cells = 7,
           .out = 4,
           .peephole = true,
           .projection = true,
           .cell_clip = 0.3f,
           .proj_clip = 0.2f},
            true,
            5,
            2},
           {{.name = "relu", .activation = Activation::RELU}},
           {{.name = "wide", .steps = 5, .in = 33, .cells = 65, .out = 65}, true, 40, 40},
       })
    cases.push_back(both_case(s));
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    add_operator(b, {.forward = {.name = "broken"}, .merge = false});
    edit(b);
  };
}

TEST(BidirectionalSequenceLstm, Refuses) {
  const auto drop = [](size_t operand) {
    return broken([=](ModelBuilder& b) { b.last_op().inputs[operand] = -1; });
  };
  const auto reshape = [](size_t operand, std::vector<int32_t> shape) {
    return broken([=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).shape = shape; });
  };
  refuse_op_cases({
      {.name = "merged with two results",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateBidirectionalSequenceLSTMOptions(b.fbb(), Activation::TANH, 0, 0, true)
                 .Union();
       }),
       .message = "expected 1 outputs, got 2"},
      {.name = "no options: time major",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options_type = schema::BuiltinOptions::NONE;
         b.last_op().options = {};
       }),
       .message = "output state): expected 15 elements"},
      {.name = "half an input gate backwards",
       .model = drop(18),
       .message = "input 22 (recurrent to input gate): expected to be absent"},
      {.name = "no bias of the input gate",
       .model = drop(29),
       .message = "input 29 (input gate bias): expected to be given"},
      {.name = "no forget gate", .model = drop(19), .message = "G1"},
      {.name = "rank", .model = reshape(0, {3, 4}), .message = "input 0: expected rank 3"},
      {.name = "input width of one direction",
       .model = reshape(20, {4, 3}),
       .message = "input weights: expected shape [3,4], got [4,3]"},
      {.name = "output state",
       .model = reshape(37, {1, 6}),
       .message = "input 37 (output state): expected 3 elements"},
      {.name = "cell state",
       .model = reshape(36, {2, 5}),
       .message = "input 36 (cell state): expected 5 elements"},
      {.name = "state that is no variable",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[38]).variable = false; }),
       .message = "G"},
      {.name = "clip",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options = schema::CreateBidirectionalSequenceLSTMOptions(
                                   b.fbb(), Activation::TANH, -1, 0, false, false)
                                   .Union();
       }),
       .message = "clip: expected a finite number >= 0"},
      {.name = "auxiliary weights without their input",
       .model = broken([](ModelBuilder& b) {
         for (size_t i = 40; i < 48; ++i) b.last_op().inputs[i] = b.last_op().inputs[i % 4 + 1];
       }),
       .message = "input 39 (auxiliary input): expected to be given"},
      {.name = "auxiliary weights of one direction",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[39] = b.last_op().inputs[0];
         for (size_t i = 40; i < 44; ++i) b.last_op().inputs[i] = b.last_op().inputs[i % 4 + 1];
       }),
       .message = "input 44 (auxiliary to input gate): expected to be given"},
      {.name = "auxiliary input of another length",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[39] = b.input({1, 2, 4});
       }),
       .message = "input 39 (auxiliary input): expected shape [1,3,4], got [1,2,4]"},
      {.name = "auxiliary input without sequences",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[39] = b.input({});
         for (size_t i = 40; i < 48; ++i) b.last_op().inputs[i] = b.last_op().inputs[i % 4 + 1];
       }),
       .message = "(auxiliary input): expected rank 3, got 0"},
      {.name = "directions of two types",
       .model = broken([](ModelBuilder& b) {
         for (size_t i = 18; i < 26; ++i) {
           const std::vector<int32_t> shape{3, i < 22 ? 4 : 3};
           b.last_op().inputs[i] =
               b.constant<int8_t>(shape, std::vector<int8_t>(i < 22 ? 12 : 9), per_tensor(0.1f));
         }
       }),
       .message = "input 19: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
