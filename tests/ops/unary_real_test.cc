// SPDX-License-Identifier: Apache-2.0
// LOGISTIC, TANH, SQRT.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST(Unary, RealNumbers) {
  run_formulas<float, int8_t, uint8_t>({
      unary(Op::LOGISTIC, logistic, {3, 301}, {-5, 6}, {0, 1}),
      unary(Op::LOGISTIC, logistic, {20000}, {-30, 30}, {0, 1}),
      unary(Op::TANH, std::tanh, {3, 301}, {-3, 2}),
      unary(Op::TANH, std::tanh, {0}, {-3, 2}),
  });
  run_formulas<float>({unary(Op::SQRT, std::sqrt, {7, 33}, {0, 9})});
}

TEST(Unary, EndsOfTheRange) {
  run_op_cases({
      floats(Op::LOGISTIC, {kInfinity, -kInfinity, 1000, -1000, 0, kNan}, {1, 0, 1, 0, 0.5f, kNan}),
      floats(Op::TANH, {kInfinity, -kInfinity, 1000, -1000, 0, kNan}, {1, -1, 1, -1, 0, kNan}),
      floats(Op::SQRT, {kInfinity, 0, 1e30f, -1, kNan}, {kInfinity, 0, 1e15f, kNan, kNan}),
  });
}

TEST(Unary, ShortFloats) {
  for (Type type : {Type::float16, Type::bfloat16})
    run_op_cases({
        short_case(Op::LOGISTIC, type, {0, 1, -4, kInfinity}, {0.5f, 0.7310586f, 0.01798621f, 1}),
        short_case(Op::TANH, type, {0, 1, -0.25f, kNan}, {0, 0.7615942f, -0.2449187f, kNan}),
    });
}

// 16 bits: results within 2 of 2^15 of the function, over the whole input range.
OpCase sixteen_bits(Op code, double (*f)(double), float scale) {
  std::vector<int16_t> x, y;
  for (int q = -32768; q < 32768; q += 91) {
    x.push_back(static_cast<int16_t>(q));
    y.push_back(code_of<int16_t>(f(q * static_cast<double>(scale)), per_tensor(0x1p-15f)));
  }
  const Index shape = {static_cast<int32_t>(x.size())};
  return {.name = schema::EnumNameBuiltinOperator(code),
          .model = bare_model(code, {{shape, Type::int16, per_tensor(scale)}},
                              {shape, Type::int16, per_tensor(0x1p-15f)}, 3),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .plain_steps = 2,
          .kernel_steps = 2};
}

TEST(Unary, SixteenBits) {
  run_op_cases(
      {sixteen_bits(Op::LOGISTIC, logistic, 0x1p-12f),
       sixteen_bits(Op::LOGISTIC, logistic, 0.0005f), sixteen_bits(Op::TANH, std::tanh, 0x1p-12f),
       sixteen_bits(Op::TANH, std::tanh, 0x1p-11f), sixteen_bits(Op::TANH, std::tanh, 0.00003f)});
}

TEST(Unary, QuantizedSqrtRoundsDown) {
  run_op_cases({{.name = "int8",
                 .model = bare_model(Op::SQRT, {{{6}, Type::int8, per_tensor(0.5f, -100)}},
                                     {{6}, Type::int8, per_tensor(0.1f, -128)}, 2),
                 .inputs = {values<int8_t>({-100, -98, -92, -93, -128, 127})},
                 .outputs = {values<int8_t>({-128, -118, -108, -110, -128, -22})},
                 .kernel_steps = 0},
                {.name = "int16",
                 .model = bare_model(Op::SQRT, {{{4}, Type::int16, per_tensor(1)}},
                                     {{4}, Type::int16, per_tensor(0.001f)}, 2),
                 .inputs = {values<int16_t>({0, 2, -5, 32767})},
                 .outputs = {values<int16_t>({0, 1414, 0, 32767})},
                 .kernel_steps = 0}});
}

TEST(Unary, Refuses) {
  const Quant q = per_tensor(0.1f, 3), sixteenth = per_tensor(0x1p-15f);
  refuse_op_cases({
      {.name = "type",
       .model = bare_model(Op::LOGISTIC, {{{2}, Type::int32}}, {{2}, Type::int32}),
       .message = "type INT32 is not supported"},
      {.name = "output type",
       .model = bare_model(Op::TANH, {{{2}}}, {{2}, Type::int8, q}),
       .message = "output 0: expected type FLOAT32"},
      {.name = "quantization",
       .model = bare_model(Op::TANH, {{{2}, Type::uint8}}, {{2}, Type::uint8, q}),
       .message = "input 0: expected quantization"},
      {.name = "16-bit zero point",
       .model = bare_model(Op::TANH, {{{2}, Type::int16, q}}, {{2}, Type::int16, sixteenth}, 3),
       .message = "zero point"},
      {.name = "16-bit scale",
       .model = bare_model(Op::LOGISTIC, {{{2}, Type::int16, sixteenth}},
                           {{2}, Type::int16, per_tensor(1)}, 3),
       .message = "expected scale 1/32768"},
  });
}

// Scales at the ends of float's range give no undefined arithmetic.
TEST(Unary, ExtremeScales) {
  const float least = std::numeric_limits<float>::denorm_min(),
              most = std::numeric_limits<float>::max();
  for (Op code : {Op::LOGISTIC, Op::TANH}) {
    run_op_cases({{.name = "smallest scale of the result",
                   .model = bare_model(code, {{{2}, Type::int8, per_tensor(1)}},
                                       {{2}, Type::int8, per_tensor(least)}),
                   .inputs = {values<int8_t>({127, 127})},
                   .outputs = {values<int8_t>({127, 127})}},
                  {.name = "largest scale of the operand",
                   .model = bare_model(code, {{{2}, Type::int8, per_tensor(most)}},
                                       {{2}, Type::int8, per_tensor(1)}),
                   .inputs = {values<int8_t>({127, 127})},
                   .outputs = {values<int8_t>({1, 1})}}});
  }
}

}  // namespace
}  // namespace cygnet::test
