// SPDX-License-Identifier: Apache-2.0
// ADD and SUB.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Activation = schema::ActivationFunctionType;

double clamped(double x, Activation activation) {
  switch (activation) {
    case Activation::RELU:
      return std::max(x, 0.0);
    case Activation::RELU6:
      return std::clamp(x, 0.0, 6.0);
    case Activation::RELU_N1_TO_1:
      return std::clamp(x, -1.0, 1.0);
    default:
      return x;
  }
}

Formula sum(const Index& a, const Index& b, const Index& out,
            Activation activation = Activation::NONE, bool subtract = false) {
  return {.name = std::string(subtract ? "a - b, " : "a + b, ") +
                  schema::EnumNameActivationFunctionType(activation) + " " +
                  std::to_string(a.size()) + "x" + std::to_string(b.size()),
          .in = {a, b},
          .out = out,
          .add =
              [=](ModelBuilder& m, const std::vector<int>& x, int y) {
                if (subtract)
                  m.op(Op::SUB, x, {y}, schema::CreateSubOptions(m.fbb(), activation));
                else
                  m.op(Op::ADD, x, {y}, schema::CreateAddOptions(m.fbb(), activation));
              },
          .f =
              [=](const std::vector<double>& x) {
                return clamped(subtract ? x[0] - x[1] : x[0] + x[1], activation);
              },
          .range = {{-3, 5}, {-2, 4}},
          .out_range = {-4, 7}};
}

const std::vector<Formula> kBroadcasts = {
    sum({2, 3, 5}, {2, 3, 5}, {2, 3, 5}),
    sum({1, 300, 70}, {1, 300, 70}, {1, 300, 70}, Activation::RELU),
    sum({2, 3, 5}, {}, {2, 3, 5}, Activation::RELU6),
    sum({1}, {4, 67}, {4, 67}),
    sum({2, 4, 4, 35}, {35}, {2, 4, 4, 35}, Activation::RELU_N1_TO_1),
    sum({2, 4, 3, 5}, {2, 1, 1, 5}, {2, 4, 3, 5}),
    sum({3, 1, 5}, {1, 4, 1}, {3, 4, 5}),
    sum({2, 1, 3, 1, 2, 1, 2, 1}, {1, 2, 1, 2, 1, 2, 1, 2}, {2, 2, 3, 2, 2, 2, 2, 2}),
    sum({}, {}, {}),
    sum({35}, {2, 90, 35}, {2, 90, 35}),
    sum({3, 300, 20}, {3, 300, 1}, {3, 300, 20}, Activation::RELU),
    sum({3, 1, 20}, {3, 300, 20}, {3, 300, 20}),
    sum({3, 300, 1}, {3, 300, 20}, {3, 300, 20}, Activation::NONE, true),
    sum({2, 0, 3}, {2, 1, 3}, {2, 0, 3}),
    sum({2, 3, 40}, {2, 3, 40}, {2, 3, 40}, Activation::NONE, true),
    sum({4, 1, 7}, {5, 1}, {4, 5, 7}, Activation::RELU, true),
};

TEST(Add, RealNumbers) {
  run_formulas<float, int8_t, uint8_t, int16_t>(kBroadcasts);
}

template <class T>
OpCase integers(Op code, const std::vector<T>& a, const std::vector<T>& b,
                const std::vector<T>& out) {
  return {
      .name = type_name(type_of<T>()),
      .model =
          [=](ModelBuilder& m) {
            const Index shape = {static_cast<int32_t>(a.size())};
            const std::vector<int> x = {m.input(shape, type_of<T>()), m.input(shape, type_of<T>())};
            m.op(code, x, {m.output(shape, type_of<T>())});
          },
      .inputs = {values(a), values(b)},
      .outputs = {values(out)},
      .kernel_steps = 0};
}

TEST(Add, IntegersWrap) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max(),
                    kLeast = std::numeric_limits<int32_t>::min();
  constexpr int64_t kMost64 = std::numeric_limits<int64_t>::max(),
                    kLeast64 = std::numeric_limits<int64_t>::min();
  run_op_cases({
      integers<int32_t>(Op::ADD, {1, kMost, kLeast}, {-5, 1, -1}, {-4, kLeast, kMost}),
      integers<int32_t>(Op::SUB, {1, kLeast}, {5, 1}, {-4, kMost}),
      integers<int64_t>(Op::ADD, {int64_t{1} << 40, kMost64}, {1, 1},
                        {(int64_t{1} << 40) + 1, kLeast64}),
      integers<int64_t>(Op::SUB, {0, kLeast64}, {7, 1}, {-7, kMost64}),
      integers<int16_t>(Op::ADD, {32767, -5}, {1, 3}, {-32768, -2}),
  });
}

// Both operands are the same tensor, which the result may overwrite.
TEST(Add, ToItself) {
  run_op_cases({{.name = "x + x",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({3});
                       const int y = b.add_tensor({3}, Type::float32);
                       b.op(Op::ADD, {x, x}, {y});
                       b.op(Op::SUB, {y, x}, {b.output({3})});
                     },
                 .inputs = {values<float>({1, -2, 0.5f})},
                 .outputs = {values<float>({1, -2, 0.5f})}}});
}

TEST(Add, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  refuse_op_cases({
      {.name = "shapes",
       .model = bare_model(Op::ADD, {{{2, 3}}, {{2, 4}}}, {{2, 3}}),
       .message = "shapes [2,3] and [2,4] do not broadcast"},
      {.name = "types differ",
       .model = bare_model(Op::ADD, {{}, {{2}, Type::int32}}, {}),
       .message = "input 1: expected type FLOAT32"},
      {.name = "output type",
       .model = bare_model(Op::ADD, {{}, {}}, {{2}, Type::int32}),
       .message = "output 0: expected type FLOAT32"},
      {.name = "bool",
       .model =
           bare_model(Op::SUB, {{{2}, Type::boolean}, {{2}, Type::boolean}}, {{2}, Type::boolean}),
       .message = "type BOOL is not supported"},
      {.name = "no quantization",
       .model =
           bare_model(Op::ADD, {{{2}, Type::int8, q}, {{2}, Type::int8}}, {{2}, Type::int8, q}),
       .message = "input 1: expected quantization parameters"},
      {.name = "int16 quantized in part",
       .model =
           bare_model(Op::ADD, {{{2}, Type::int16, q}, {{2}, Type::int16}}, {{2}, Type::int16}),
       .message = "input 1: expected quantization parameters"},
      {.name = "difference of int16 without quantization",
       .model = bare_model(Op::SUB, {{{2}, Type::int16}, {{2}, Type::int16}}, {{2}, Type::int16}),
       .message = "input 0: expected quantization parameters"},
      {.name = "two scales",
       .model =
           bare_model(Op::ADD, {{{2}, Type::int8, q}, {{2}, Type::int8, per_channel({1, 2}, 0)}},
                      {{2}, Type::int8, q}),
       .message = "input 1: expected one scale for the tensor, got 2"},
      {.name = "int16 zero point",
       .model = bare_model(Op::ADD, {{{2}, Type::int16, q}, {{2}, Type::int16, per_tensor(1)}},
                           {{2}, Type::int16, per_tensor(1)}),
       .message = "expected zero points 0"},
      {.name = "scale of the result",
       .model = bare_model(Op::ADD, {{{2}, Type::int8, per_tensor(1e9f)}, {{2}, Type::int8, q}},
                           {{2}, Type::int8, per_tensor(1e-9f)}),
       .message = "T9"},
      {.name = "one operand", .model = bare_model(Op::ADD, {{}}, {}), .message = "G2"},
      {.name = "activation",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::ADD, {x, x}, {b.output({2})},
                  schema::CreateAddOptions(b.fbb(), Activation::TANH));
           },
       .message = "fused activation"},
  });
}

}  // namespace
}  // namespace cygnet::test
