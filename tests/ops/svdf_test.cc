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
  int batch = 2, in = 4, units = 3, rank = 2, memory = 5;
  bool hybrid = false, bias = true;
  Activation activation = Activation::NONE;
  int filters() const { return units * rank; }
};

constexpr float kScale = 1.0f / 64;

// Multiples of kScale.
std::vector<float> numbers(int n, uint32_t seed) {
  std::vector<float> v;
  for (int x : random_elements<int>(static_cast<size_t>(n), seed, -40, 40))
    v.push_back(static_cast<float>(x) * kScale);
  return v;
}

// Multiples of 1/127 with a 1 in each row: hybrid codes hold them exactly.
std::vector<float> rows_of(const Spec& s) {
  std::vector<float> x;
  for (int i = 0; i < s.batch * s.in; ++i)
    x.push_back(i % s.in == 0 ? 1.0f : static_cast<float>(i * 53 % 127 - 60) / 127.0f);
  return x;
}

int add_matrix(ModelBuilder& b, const Spec& s, int n, int k, const std::vector<float>& v) {
  if (!s.hybrid) return b.constant<float>({n, k}, v);
  std::vector<int8_t> codes;
  for (float x : v) codes.push_back(static_cast<int8_t>(std::lround(x / kScale)));
  return b.constant<int8_t>({n, k}, codes, per_tensor(kScale));
}

void add_operator(ModelBuilder& b, const Spec& s) {
  const int f = s.filters();
  const int x = b.input({s.batch, s.in});
  const int feature = add_matrix(b, s, f, s.in, numbers(f * s.in, 3));
  const int time = add_matrix(b, s, f, s.memory, numbers(f * s.memory, 4));
  const int bias = s.bias ? b.constant<float>({s.units}, numbers(s.units, 5)) : -1;
  b.op(Op::SVDF, {x, feature, time, bias, b.variable({s.batch, f * s.memory})},
       {b.output({s.batch, s.units})}, schema::CreateSVDFOptions(b.fbb(), s.rank, s.activation));
}

// The first run: all memories but the last are 0.
OpCase first_run(const Spec& s) {
  const int f = s.filters();
  const auto x = rows_of(s), feature = numbers(f * s.in, 3), time = numbers(f * s.memory, 4),
             bias = numbers(s.units, 5);
  std::vector<float> y;
  for (int n = 0; n < s.batch; ++n)
    for (int u = 0; u < s.units; ++u) {
      double sum = s.bias ? static_cast<double>(bias[static_cast<size_t>(u)]) : 0;
      for (int i = u * s.rank; i < (u + 1) * s.rank; ++i) {
        double product = 0;
        for (int k = 0; k < s.in; ++k)
          product += static_cast<double>(feature[static_cast<size_t>(i * s.in + k)]) *
                     static_cast<double>(x[static_cast<size_t>(n * s.in + k)]);
        sum += product * static_cast<double>(time[static_cast<size_t>((i + 1) * s.memory - 1)]);
      }
      if (s.activation == Activation::RELU) sum = std::max(sum, 0.0);
      if (s.activation == Activation::TANH) sum = std::tanh(sum);
      y.push_back(static_cast<float>(sum));
    }
  return {.name = s.name,
          .model = [=](ModelBuilder& b) { add_operator(b, s); },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.batch, s.units}},
          .tolerance = 1e-5};
}

TEST(Svdf, FirstRun) {
  std::vector<OpCase> cases;
  for (const Spec& s : std::vector<Spec>{
           {.name = "plain"},
           {.name = "no bias", .bias = false},
           {.name = "rank 1", .rank = 1},
           {.name = "memory of one step", .memory = 1},
           {.name = "relu", .activation = Activation::RELU},
           {.name = "tanh", .activation = Activation::TANH},
           {.name = "wide", .in = 70, .units = 33},
           {.name = "hybrid", .hybrid = true},
           {.name = "hybrid, wide", .in = 70, .units = 33, .hybrid = true},
       })
    cases.push_back(first_run(s));
  run_op_cases(cases);
}

// The same state is pushed on by each operator that shares it: features 2 and then 3 times 1.
TEST(Svdf, Remembers) {
  run_op_cases({{.name = "two steps",
                 .model =
                     [](ModelBuilder& b) {
                       const int one = b.constant<float>({1, 1}, {1}),
                                 time = b.constant<float>({1, 3}, {5, 7, 11}),
                                 state = b.variable({1, 3});
                       const auto options = [&] { return schema::CreateSVDFOptions(b.fbb(), 1); };
                       const int x = b.input({1, 1}), z = b.input({1, 1});
                       b.op(Op::SVDF, {x, one, time, -1, state}, {b.output({1, 1})}, options());
                       b.op(Op::SVDF, {z, one, time, -1, state}, {b.output({1, 1})}, options());
                     },
                 .inputs = {values<float>({2}), values<float>({3})},
                 .outputs = {values<float>({22}), values<float>({2 * 7 + 3 * 11})}}});
}

// x at scale 1/2, zero point 1; features at 1/4; state at 1/16, time at 1/8, output at 1/2.
TEST(Svdf, Integers) {
  const auto model = [](ModelBuilder& b) {
    const int x = b.input({1, 2}, Type::int8, per_tensor(0.5f, 1));
    const int feature = b.constant<int8_t>({2, 2}, {4, 8, -12, 2}, per_tensor(0.25f));
    const int time = b.constant<int16_t>({2, 2}, {9, 16, 7, 24}, per_tensor(0.125f));
    const int bias = b.constant<int32_t>({1}, {64});
    const int state = b.variable({1, 4}, Type::int16, per_tensor(0.0625f));
    b.op(Op::SVDF, {x, feature, time, bias, state},
         {b.output({1, 1}, Type::int8, per_tensor(0.5f, -3))},
         schema::CreateSVDFOptions(b.fbb(), 2, Activation::RELU));
  };
  // Features (1, 2)·(1, 3/2)/… : x = (2, 3)/2 − 1/2 = (0.5, 1) → 2.5 and −1; times 2 and 3, plus
  // 0.5.
  run_op_cases({{.name = "rank 2",
                 .model = model,
                 .inputs = {values<int8_t>({2, 3})},
                 .outputs = {values<int8_t>({2})},
                 .kernel_steps = 0}});
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    add_operator(b, {.name = "broken"});
    edit(b);
  };
}

TEST(Svdf, Refuses) {
  const auto rank = [](int r) {
    return broken([=](ModelBuilder& b) {
      b.last_op().options = schema::CreateSVDFOptions(b.fbb(), r).Union();
    });
  };
  const auto replace = [](size_t operand, std::vector<int32_t> shape) {
    return broken([=](ModelBuilder& b) {
      int n = 1;
      for (int d : shape) n *= d;
      b.last_op().inputs[operand] =
          b.constant<float>(shape, std::vector<float>(static_cast<size_t>(n)));
    });
  };
  refuse_op_cases({
      {.name = "rank 0", .model = rank(0), .message = "rank: expected a divisor of the 6 filters"},
      {.name = "rank −1", .model = rank(-1), .message = "rank: expected a divisor"},
      {.name = "rank 4",
       .model = rank(4),
       .message = "rank: expected a divisor of the 6 filters, got 4"},
      {.name = "features",
       .model = replace(1, {6, 3}),
       .message = "input 1 (feature weights): expected shape [6,4], got [6,3]"},
      {.name = "features' rank",
       .model = replace(1, {24}),
       .message = "input 1 (feature weights): expected rank 2"},
      {.name = "time",
       .model = replace(2, {5, 5}),
       .message = "input 2 (time weights): expected shape [6,5], got [5,5]"},
      {.name = "no time",
       .model = replace(2, {6, 0}),
       .message = "input 2 (time weights): expected at least one step"},
      {.name = "bias",
       .model = replace(3, {6}),
       .message = "input 3 (bias): expected shape [3], got [6]"},
      {.name = "state",
       .model = broken([](ModelBuilder& b) {
         b.tensor(b.last_op().inputs[4]).shape = {2, 29};
       }),
       .message = "input 4 (state): expected shape [2,30], got [2,29]"},
      {.name = "state of another type",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[4]).type = Type::int16; }),
       .message = "input 4 (state): expected type FLOAT32"},
      {.name = "state that is no variable",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[4]).variable = false; }),
       .message = "G"},
      {.name = "rank of x",
       .model = broken([](ModelBuilder& b) { b.tensor(b.last_op().inputs[0]).shape = {8}; }),
       .message = "input 0: expected rank 2"},
      {.name = "int8 without scales",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({1, 2}, Type::int8);
             const int feature = b.constant<int8_t>({1, 2}, {1, 1});
             const int time = b.constant<int16_t>({1, 2}, {1, 1});
             const int state = b.variable({1, 2}, Type::int16);
             b.op(Op::SVDF, {x, feature, time, -1, state}, {b.output({1, 1}, Type::int8)},
                  schema::CreateSVDFOptions(b.fbb(), 1, Activation::RELU));
           },
       .message = "input 0: expected quantization parameters"},
  });
}

}  // namespace
}  // namespace cygnet::test
