// SPDX-License-Identifier: Apache-2.0
// EXP, LOG, SIN, COS, RSQRT, SQUARE, FLOOR, CEIL, ROUND, ELU, LEAKY_RELU, GELU, ABS, SIGN, NEG,
// ZEROS_LIKE, RELU_0_TO_1.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double square(double x) {
  return x * x;
}
double rsqrt(double x) {
  return 1 / std::sqrt(x);
}
double elu(double x) {
  return x < 0 ? std::expm1(x) : x;
}
double zero_to_one(double x) {
  return std::clamp(x, 0.0, 1.0);
}

TEST(UnaryMath, RealNumbers) {
  run_formulas<float>({
      unary(Op::EXP, std::exp, {3, 301}, {-5, 3}),
      unary(Op::EXP, std::exp, {20000}, {-80, 0}),
      unary(Op::LOG, std::log, {3, 301}, {0.001, 50}),
      unary(Op::SIN, std::sin, {7, 33}, {-30, 30}),
      unary(Op::COS, std::cos, {7, 33}, {-30, 30}),
      unary(Op::RSQRT, rsqrt, {7, 33}, {0.01, 50}),
      unary(Op::SQUARE, square, {7, 33}, {-9, 9}),
      unary(Op::FLOOR, std::floor, {7, 33}, {-9, 9}),
      unary(Op::CEIL, std::ceil, {7, 33}, {-9, 9}),
      unary(Op::ROUND, std::nearbyint, {7, 33}, {-9, 9}),
      unary(Op::ELU, elu, {7, 33}, {-9, 9}),
      unary(Op::ABS, std::fabs, {7, 33}, {-9, 9}),
      unary(Op::RELU_0_TO_1, zero_to_one, {7, 33}, {-2, 2}),
      unary(Op::EXP, std::exp, {0}, {-5, 3}),
      unary(Op::LOG, std::log, {}, {1, 2}),
  });
}

TEST(UnaryMath, EndsOfTheRange) {
  run_op_cases({
      floats(Op::EXP, {kInfinity, -kInfinity, 1000, -1000, 0, kNan},
             {kInfinity, 0, kInfinity, 0, 1, kNan}),
      floats(Op::LOG, {kInfinity, 0, -1, 1, kNan}, {kInfinity, -kInfinity, kNan, 0, kNan}),
      floats(Op::RSQRT, {kInfinity, 0, -1, 4, kNan}, {0, kInfinity, kNan, 0.5f, kNan}),
      floats(Op::ROUND, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 8388609, kInfinity},
             {0, 2, 2, 0, -2, 8388609, kInfinity}),
      floats(Op::SIGN, {0, -0.0f, 3, -1e-40f, kInfinity, -kInfinity}, {0, 0, 1, -1, 1, -1}),
      floats(Op::ELU, {-1000, -kInfinity, kInfinity, 0}, {-1, -1, kInfinity, 0}),
      floats(Op::NEG, {1, -2, kInfinity}, {-1, 2, -kInfinity}),
      floats(Op::ZEROS_LIKE, {1, kNan, kInfinity}, {0, 0, 0}),
  });
}

TEST(UnaryMath, Integers) {
  const auto minus = [](auto x) { return -x; };
  const auto zero = [](auto) { return 0; };
  run_op_cases({
      each_case<int32_t>(Op::ABS, {5, 41}, [](int x) { return std::abs(x); }, {-1e6, 1e6}),
      each_case<int32_t>(Op::SIGN, {5, 41}, [](int x) { return (x > 0) - (x < 0); }, {-2, 2}),
      each_case<int32_t>(Op::NEG, {5, 41}, minus),
      each_case<int64_t>(Op::NEG, {20000}, minus, {-1e15, 1e15}),
      each_case<int32_t>(Op::ZEROS_LIKE, {5, 41}, zero),
      each_case<int64_t>(Op::ZEROS_LIKE, {0, 4}, zero),
  });
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
  for (Op code : {Op::ABS, Op::NEG})
    run_op_cases({{.name = "wraps",
                   .model = bare_model(code, {{{1}, Type::int32}}, {{1}, Type::int32}),
                   .inputs = {values<int32_t>({kLeast})},
                   .outputs = {values<int32_t>({kLeast})}}});
}

Formula leaky_relu(float alpha) {
  Formula f = unary(Op::LEAKY_RELU, nullptr, {3, 301}, {-5, 6});
  f.add = [=](ModelBuilder& m, const std::vector<int>& x, int y) {
    m.op(Op::LEAKY_RELU, x, {y}, schema::CreateLeakyReluOptions(m.fbb(), alpha));
  };
  f.f = [=](const std::vector<double>& x) {
    return x[0] < 0 ? x[0] * static_cast<double>(alpha) : x[0];
  };
  return f;
}

Formula gelu(bool approximate, Range range) {
  Formula f = unary(Op::GELU, nullptr, {3, 301}, range);
  f.add = [=](ModelBuilder& m, const std::vector<int>& x, int y) {
    m.op(Op::GELU, x, {y}, schema::CreateGeluOptions(m.fbb(), approximate));
  };
  f.f = [=](const std::vector<double>& in) {
    const double x = in[0], pi = std::acos(-1.0);
    return approximate ? x / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (x + 0.044715 * x * x * x)))
                       : x / 2 * std::erfc(-x / std::sqrt(2.0));
  };
  return f;
}

TEST(UnaryMath, Activations) {
  run_formulas<float>({leaky_relu(0.2f), leaky_relu(-1.5f), leaky_relu(3), gelu(false, {-6, 6}),
                       gelu(false, {-30, 30}), gelu(true, {-6, 6}), gelu(true, {-30, 30})});
  run_formulas<int8_t, uint8_t>({unary(Op::RELU_0_TO_1, zero_to_one, {7, 33}, {-2, 2}, {-1, 2})});
}

// The two ways of GELU differ: an option that is not read shows.
TEST(UnaryMath, GeluReadsItsOption) {
  for (bool approximate : {false, true})
    run_op_cases({{.name = "at -2.5",
                   .model =
                       [=](ModelBuilder& m) {
                         const int x = m.input({1});
                         m.op(Op::GELU, {x}, {m.output({1})},
                              schema::CreateGeluOptions(m.fbb(), approximate));
                       },
                   .inputs = {values<float>({-2.5f})},
                   .outputs = {values<float>({approximate ? -0.01508433f : -0.01552416f})}}});
}

TEST(UnaryMath, EightBits) {
  run_formulas<int8_t>({
      unary(Op::EXP, std::exp, {7, 33}, {-4, 1}, {0, 3}),
      unary(Op::ELU, elu, {7, 33}, {-4, 4}, {-1, 4}),
      unary(Op::ABS, std::fabs, {7, 33}, {-4, 3}, {-1, 4}),
      unary(Op::ABS, std::fabs, {0, 3}, {-4, 3}, {-1, 4}),
      unary(Op::RSQRT, rsqrt, {7, 33}, {0, 9}, {-1, 5}),
  });
  run_formulas<int8_t, uint8_t>({leaky_relu(0.2f), leaky_relu(-1.5f), leaky_relu(3),
                                 gelu(false, {-3, 3}), gelu(true, {-3, 3})});
  run_formulas<int16_t>(
      {leaky_relu(0.2f), leaky_relu(-0.5f), unary(Op::ABS, std::fabs, {7, 33}, {-4, 4}, {-3, 3})});
  const Quant x = per_tensor(0.25f, -100), y = per_tensor(0.03125f, 0);
  run_op_cases({codes<int8_t>(Op::LOG, x, {-128, -100, -99, -96, -92, 127}, y,
                              {-128, -128, -44, 0, 22, 127})});
}

// 16 bits, by interpolation: the function at some codes.
TEST(UnaryMath, SixteenBits) {
  Formula e = unary(Op::EXP, std::exp, {3, 301}, {-4, 1}, {0, 60});
  std::vector<OpCase> cases;
  for (const Formula& f : {e, gelu(false, {-3, 3}), gelu(true, {-3, 3})}) {
    cases.push_back(formula_case<int16_t>(f));
    cases.back().plain_steps = cases.back().kernel_steps = 4;
  }
  const Quant x = per_tensor(0x1p-12f), y = per_tensor(0x1p-13f);
  const std::vector<int16_t> in = {4096, 8192, 16384, 32767};
  std::vector<int16_t> logs, roots;
  for (int16_t q : in) {
    logs.push_back(code_of<int16_t>(std::log(real_of(q, x)), y));
    roots.push_back(code_of<int16_t>(rsqrt(real_of(q, x)), y));
  }
  cases.push_back(codes<int16_t>(Op::LOG, x, in, y, logs));
  cases.push_back(codes<int16_t>(Op::RSQRT, x, in, y, roots, 3));
  for (size_t i = 3; i < 5; ++i) cases[i].plain_steps = cases[i].kernel_steps = 2;
  run_op_cases(cases);
}

TEST(UnaryMath, ShortFloats) {
  for (Type type : {Type::float16, Type::bfloat16})
    run_op_cases({
        short_case(Op::FLOOR, type, {-1.5f, 2.75f, 3, kInfinity}, {-2, 2, 3, kInfinity}),
        short_case(Op::ROUND, type, {0.5f, 1.5f, -2.5f, 3.25f}, {0, 2, -2, 3}),
        short_case(Op::NEG, type, {1, -2, 0, kInfinity}, {-1, 2, -0.0f, -kInfinity}),
    });
  run_op_cases({
      short_case(Op::SIN, Type::float16, {0, 1, -3}, {0, 0.841471f, -0.14112f}),
      short_case(Op::COS, Type::float16, {0, 1, -3}, {1, 0.540302f, -0.989992f}),
      short_case(Op::GELU, Type::float16, {0, 1, -3}, {0, 0.841345f, -0.00404969f}),
  });
}

TEST(UnaryMath, PlainIntegers) {
  const auto minus = [](auto x) { return -x; };
  run_op_cases({
      each_case<int16_t>(Op::ABS, {5, 41}, [](int x) { return std::abs(x); }, {-3e4, 3e4}),
      each_case<int8_t>(Op::NEG, {5, 41}, minus, {-128, 127}),
      each_case<int16_t>(Op::NEG, {5, 41}, minus, {-32768, 32767}),
      each_case<double>(Op::SIGN, {5, 41}, [](double x) { return (x > 0) - (x < 0); }, {-2, 2}),
      codes<int8_t>(Op::NEG, per_tensor(0.5f), {5, -7}, per_tensor(0.5f), {-5, 7}, 1),
  });
}

TEST(UnaryMath, Refuses) {
  const Quant q = per_tensor(0.1f, 3), wide = per_tensor(0.1f);
  std::vector<BadOpCase> cases;
  for (Op code : {Op::SQUARE, Op::CEIL})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code),
                     .model = bare_model(code, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}),
                     .message = "input 0: expected type FLOAT32, got INT8"});
  for (Op code : {Op::EXP, Op::LOG, Op::SIN, Op::COS, Op::RSQRT, Op::FLOOR, Op::ROUND, Op::ELU,
                  Op::LEAKY_RELU, Op::GELU, Op::ABS, Op::SIGN, Op::NEG, Op::ZEROS_LIKE})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code),
                     .model = bare_model(code, {{{2}, Type::uint32}}, {{2}, Type::uint32}),
                     .message = "input 0: type UINT32 is not supported"});
  for (Op code : {Op::EXP, Op::LOG, Op::RSQRT, Op::ELU, Op::LEAKY_RELU, Op::GELU, Op::ABS})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code) + std::string(" without scale"),
                     .model = bare_model(code, {{{2}, Type::int8}}, {{2}, Type::int8, q}),
                     .message = "input 0: expected quantization parameters, got none"});
  for (Op code : {Op::EXP, Op::LOG, Op::RSQRT, Op::LEAKY_RELU, Op::GELU, Op::ABS})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code) + std::string(" of 16 bits"),
                     .model = bare_model(code, {{{2}, Type::int16, q}}, {{2}, Type::int16, wide}),
                     .message = "INT16: expected zero points 0"});
  cases.push_back({.name = "codes that are no numbers",
                   .model = bare_model(Op::NEG, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}),
                   .message = "input 0: expected zero point 0, got 3"});
  cases.push_back(
      {.name = "another scale",
       .model = bare_model(Op::NEG, {{{2}, Type::int8, wide}}, {{2}, Type::int8, per_tensor(0.2f)}),
       .message = "output 0: expected scale 0.1"});
  cases.push_back({.name = "roots below 0",
                   .model = bare_model(Op::RSQRT, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}, 2),
                   .message = "element 1 is below 0",
                   .inputs = {values<int8_t>({4, 2})}});
  cases.push_back({.name = "output type",
                   .model = bare_model(Op::NEG, {{{2}}}, {{2}, Type::int32}),
                   .message = "output 0: expected type FLOAT32"});
  cases.push_back({.name = "alpha",
                   .model =
                       [](ModelBuilder& m) {
                         const int x = m.input({1});
                         m.op(Op::LEAKY_RELU, {x}, {m.output({1})},
                              schema::CreateLeakyReluOptions(m.fbb(), kNan));
                       },
                   .message = "alpha: expected a finite number"});
  refuse_op_cases(cases);
}

}  // namespace
}  // namespace cygnet::test
