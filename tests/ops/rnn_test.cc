// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Activation = schema::ActivationFunctionType;

struct Spec {
  std::string name;
  int batch = 1, steps = 3, in = 4, units = 5;
  bool time_major = false, hybrid = false, asymmetric = false;
  Activation activation = Activation::TANH;
};

// Operands of one network: W, R, b.
struct Weights {
  std::vector<float> input, recurrent, bias;
};

constexpr float kScale = 1.0f / 64;

// Hybrid weights are multiples of kScale, so that both forms are the same numbers.
Weights weights_of(const Spec& s, uint32_t seed) {
  const auto fill = [&](int n) {
    std::vector<float> v;
    for (int x : random_elements<int>(static_cast<size_t>(n), ++seed, -40, 40))
      v.push_back(static_cast<float>(x) * kScale);
    return v;
  };
  return {fill(s.units * s.in), fill(s.units * s.units), fill(s.units)};
}

int add_matrix(ModelBuilder& b, const Spec& s, std::vector<int32_t> shape,
               const std::vector<float>& v) {
  if (!s.hybrid) return b.constant<float>(std::move(shape), v);
  std::vector<int8_t> codes;
  for (float x : v) codes.push_back(static_cast<int8_t>(std::lround(x / kScale)));
  return b.constant<int8_t>(std::move(shape), codes, per_tensor(kScale));
}

std::vector<int> add_network(ModelBuilder& b, const Spec& s, const Weights& w) {
  return {add_matrix(b, s, {s.units, s.in}, w.input),
          add_matrix(b, s, {s.units, s.units}, w.recurrent), b.constant<float>({s.units}, w.bias),
          b.variable({s.batch, s.units})};
}

double activate(Activation a, double x) {
  return a == Activation::TANH       ? std::tanh(x)
         : a == Activation::RELU     ? std::max(x, 0.0)
         : a == Activation::RELU6    ? std::clamp(x, 0.0, 6.0)
         : a == Activation::SIGN_BIT ? (std::signbit(x) ? 1.0 : 0.0)
                                     : x;
}

size_t row_of(const Spec& s, int n, int t, int width) {
  return static_cast<size_t>((s.time_major ? t * s.batch + n : n * s.steps + t) * width);
}

// y[row] of a network that reads x, and adds to rows of `width` elements from `column` on.
void run_network(const Spec& s, const Weights& w, const std::vector<float>& x, bool backwards,
                 int width, int column, std::vector<float>* y) {
  for (int n = 0; n < s.batch; ++n) {
    std::vector<double> h(static_cast<size_t>(s.units));
    for (int k = 0; k < s.steps; ++k) {
      const int t = backwards ? s.steps - 1 - k : k;
      std::vector<double> next(h.size());
      for (size_t u = 0; u < h.size(); ++u) {
        next[u] = static_cast<double>(w.bias[u]);
        for (size_t i = 0; i < static_cast<size_t>(s.in); ++i)
          next[u] += static_cast<double>(w.input[u * static_cast<size_t>(s.in) + i]) *
                     static_cast<double>(x[row_of(s, n, t, s.in) + i]);
        for (size_t i = 0; i < h.size(); ++i)
          next[u] += static_cast<double>(w.recurrent[u * h.size() + i]) * h[i];
        next[u] = activate(s.activation, next[u]);
      }
      h = next;
      for (size_t u = 0; u < h.size(); ++u)
        (*y)[row_of(s, n, t, width) + static_cast<size_t>(column) + u] = static_cast<float>(h[u]);
    }
  }
}

std::vector<int32_t> shape_of(const Spec& s, int width) {
  return s.time_major ? std::vector<int32_t>{s.steps, s.batch, width}
                      : std::vector<int32_t>{s.batch, s.steps, width};
}

// Multiples of 1/127 with a 1 among them: symmetric codes hold them exactly. With −1 and 1 and
// multiples of 2/255 asymmetric ones do.
std::vector<float> rows_of(const Spec& s) {
  std::vector<float> x;
  const int levels = s.asymmetric ? 255 : 127;
  for (int r = 0; r < s.batch * s.steps; ++r)
    for (int i = 0; i < s.in; ++i) {
      const int code = i == 0 ? levels : i == 1 && s.asymmetric ? 0 : (r * 37 + i * 53) % levels;
      x.push_back(s.asymmetric ? static_cast<float>(code - 128) / 127.5f
                               : static_cast<float>(i % 2 == 0 ? code : -code) / 127.0f);
    }
  return x;
}

void add_sequence(ModelBuilder& b, const Spec& s) {
  std::vector<int> in{b.input(shape_of(s, s.in))};
  for (int i : add_network(b, s, weights_of(s, 1))) in.push_back(i);
  b.op(Op::UNIDIRECTIONAL_SEQUENCE_RNN, in, {b.output(shape_of(s, s.units))},
       schema::CreateSequenceRNNOptions(b.fbb(), s.time_major, s.activation, s.asymmetric));
}

OpCase sequence_case(const Spec& s) {
  const auto x = rows_of(s);
  std::vector<float> y(static_cast<size_t>(s.batch * s.steps * s.units));
  run_network(s, weights_of(s, 1), x, false, s.units, 0, &y);
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_sequence(b, s); },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {shape_of(s, s.units)},
          // Hybrid states are rounded to codes.
          .tolerance = s.hybrid && s.steps > 1 ? 2e-2 : 2e-5};
}

TEST(UnidirectionalSequenceRnn, Cases) {
  std::vector<OpCase> cases;
  for (const Spec& s : std::vector<Spec>{
           {.name = "plain"},
           {.name = "batch", .batch = 3},
           {.name = "time major", .batch = 3, .time_major = true},
           {.name = "relu", .activation = Activation::RELU},
           {.name = "relu6", .activation = Activation::RELU6},
           {.name = "none", .activation = Activation::NONE},
           {.name = "sign bit", .activation = Activation::SIGN_BIT},
           {.name = "wide", .in = 33, .units = 65},
           {.name = "no steps", .steps = 0},
           {.name = "hybrid", .batch = 2, .steps = 1, .hybrid = true},
           {.name = "hybrid, more steps", .batch = 2, .steps = 4, .hybrid = true},
           {.name = "hybrid, wide", .steps = 1, .in = 70, .units = 33, .hybrid = true},
           {.name = "asymmetric",
           .batch = 2,
           .steps = 4,
           .in = 9,
           .hybrid = true,
           .asymmetric = true},
       })
    cases.push_back(sequence_case(s));
  run_op_cases(cases);
}

TEST(Rnn, OneStep) {
  const Spec s{.name = "RNN", .batch = 3, .steps = 1};
  const auto x = rows_of(s);
  std::vector<float> y(static_cast<size_t>(s.batch * s.units));
  run_network(s, weights_of(s, 1), x, false, s.units, 0, &y);
  run_op_cases({{.name = s.name,
                 .model =
                     [=](ModelBuilder& b) {
                       std::vector<int> in{b.input({s.batch, s.in})};
                       for (int i : add_network(b, s, weights_of(s, 1))) in.push_back(i);
                       b.op(Op::RNN, in, {b.output({s.batch, s.units})},
                            schema::CreateRNNOptions(b.fbb(), s.activation));
                     },
                 .inputs = {values(x)},
                 .outputs = {values(y)},
                 .shapes = {{s.batch, s.units}},
                 .tolerance = 2e-5}});
}

// How the second network and an auxiliary input are used.
enum class Aux { none, weights, second_input };

OpCase both_case(const Spec& s, bool merge, Aux aux) {
  const Weights ahead = weights_of(s, 1), behind = weights_of(s, 50), extra = weights_of(s, 90);
  const auto x = rows_of(s);
  std::vector<float> a = x, joined = x;
  for (float& v : a) v = -v * 0.5f;
  const int width = merge ? 2 * s.units : s.units;
  std::vector<float> y(static_cast<size_t>(s.batch * s.steps * width)),
      z(static_cast<size_t>(merge ? 0 : s.batch * s.steps * s.units));
  // With the same weights for both inputs the network reads their sum.
  if (aux == Aux::weights)
    for (size_t i = 0; i < x.size(); ++i) joined[i] += a[i];
  run_network(s, ahead, joined, false, width, 0, &y);
  run_network(s, behind, aux == Aux::second_input ? a : joined, true, width, merge ? s.units : 0,
              merge ? &y : &z);
  OpCase result{.name = s.name,
                .model =
                    [=](ModelBuilder& b) {
                      std::vector<int> in{b.input(shape_of(s, s.in))};
                      for (const Weights& w : {ahead, behind})
                        for (int i : add_network(b, s, w)) in.push_back(i);
                      in.resize(12, -1);
                      if (aux != Aux::none) in[9] = b.input(shape_of(s, s.in));
                      if (aux == Aux::weights) in[10] = in[1], in[11] = in[5];
                      std::vector<int> out{b.output(shape_of(s, width))};
                      if (!merge) out.push_back(b.output(shape_of(s, s.units)));
                      b.op(Op::BIDIRECTIONAL_SEQUENCE_RNN, in, out,
                           schema::CreateBidirectionalSequenceRNNOptions(b.fbb(), s.time_major,
                                                                         s.activation, merge));
                    },
                .inputs = {values(x)},
                .outputs = {values(y)},
                .shapes = {shape_of(s, width)},
                .tolerance = 2e-5};
  if (aux != Aux::none) result.inputs.push_back(values(a));
  if (!merge) {
    result.outputs.push_back(values(z));
    result.shapes.push_back(shape_of(s, s.units));
  }
  return result;
}

TEST(BidirectionalSequenceRnn, Cases) {
  run_op_cases({
      both_case({.name = "two results"}, false, Aux::none),
      both_case({.name = "merged", .batch = 2}, true, Aux::none),
      both_case({.name = "time major", .batch = 2, .time_major = true}, true, Aux::none),
      both_case({.name = "auxiliary weights", .batch = 2}, false, Aux::weights),
      both_case({.name = "auxiliary weights, time major", .batch = 2, .time_major = true}, true,
                Aux::weights),
      both_case({.name = "second input", .batch = 2}, true, Aux::second_input),
  });
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    add_sequence(b, {.name = "broken"});
    edit(b);
  };
}

TEST(UnidirectionalSequenceRnn, Refuses) {
  const auto reshape = [](size_t operand, std::vector<int32_t> shape) {
    return broken([=](ModelBuilder& b) { b.tensor(b.last_op().inputs[operand]).shape = shape; });
  };
  refuse_op_cases({
      {.name = "rank", .model = reshape(0, {3, 4}), .message = "input 0: expected rank 3"},
      {.name = "input width",
       .model = reshape(0, {1, 3, 5}),
       .message = "(weights): expected shape [5,5]"},
      {.name = "weights' rank", .model = reshape(1, {20}), .message = "(weights): expected rank 2"},
      {.name = "recurrent weights",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.constant<float>({5, 4}, std::vector<float>(20));
       }),
       .message = "input 2 (recurrent weights): expected shape [5,5], got [5,4]"},
      {.name = "bias",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[3] = b.constant<float>({4}, std::vector<float>(4));
       }),
       .message = "input 3 (bias): expected shape [5], got [4]"},
      {.name = "state",
       .model = reshape(4, {2, 5}),
       .message = "input 4 (state): expected shape [1,5]"},
      {.name = "state of another type",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[4]).type = Type::int16; }),
       .message = "input 4 (state): expected type FLOAT32"},
      {.name = "state that is no variable",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[4]).variable = false; }),
       .message = "G"},
      {.name = "hybrid in one matrix only",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[2] =
             b.constant<int8_t>({5, 5}, std::vector<int8_t>(25), per_tensor(0.1f));
       }),
       .message = "input 2 (recurrent weights): expected type FLOAT32"},
      {.name = "integers",
       .model = broken([](ModelBuilder& b) {
         TensorRecord& x = b.tensor(b.last_op().inputs[0]);
         x.type = Type::int8;
         x.quantization = per_tensor(0.1f);
       }),
       .message = "input 0: expected type FLOAT32"},
      {.name = "no state",
       .model = broken([](ModelBuilder& b) { b.last_op().inputs[4] = -1; }),
       .message = "G1"},
  });
}

TEST(BidirectionalSequenceRnn, Refuses) {
  const auto edited = [](std::function<void(ModelBuilder&)> edit) {
    return [=](ModelBuilder& b) {
      both_case({.name = "broken"}, true, Aux::weights).model(b);
      edit(b);
    };
  };
  refuse_op_cases({
      {.name = "auxiliary weights of one direction",
       .model = edited([](ModelBuilder& b) { b.last_op().inputs[11] = -1; }),
       .message = "input 11 (auxiliary weights): expected to be given"},
      {.name = "no auxiliary input",
       .model = edited([](ModelBuilder& b) { b.last_op().inputs[9] = -1; }),
       .message = "input 9 (auxiliary input): expected to be given"},
      {.name = "auxiliary input of another length",
       .model = edited([](ModelBuilder& b) {
         b.tensor(b.last_op().inputs[9]).shape = {1, 2, 4};
       }),
       .message = "input 9 (auxiliary input): expected shape [1,3,4], got [1,2,4]"},
      {.name = "auxiliary weights of another size",
       .model = edited([](ModelBuilder& b) {
         b.last_op().inputs[10] = b.constant<float>({5, 3}, std::vector<float>(15));
       }),
       .message = "input 10 (auxiliary weights): expected shape [5,4], got [5,3]"},
      {.name = "results",
       .model = edited([](ModelBuilder& b) {
         b.last_op().options = schema::CreateBidirectionalSequenceRNNOptions(b.fbb()).Union();
       }),
       .message = "expected 2 outputs, got 1"},
  });
}

}  // namespace
}  // namespace cygnet::test
