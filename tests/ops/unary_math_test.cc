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

TEST(UnaryMath, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  std::vector<BadOpCase> cases;
  for (Op code : {Op::EXP, Op::LOG, Op::SIN, Op::COS, Op::RSQRT, Op::SQUARE, Op::FLOOR, Op::CEIL,
                  Op::ROUND, Op::ELU, Op::LEAKY_RELU, Op::GELU})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code),
                     .model = bare_model(code, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}),
                     .message = "input 0: expected type FLOAT32, got INT8"});
  for (Op code : {Op::ABS, Op::SIGN, Op::NEG, Op::ZEROS_LIKE})
    cases.push_back({.name = schema::EnumNameBuiltinOperator(code),
                     .model = bare_model(code, {{{2}, Type::int8, q}}, {{2}, Type::int8, q}),
                     .message = "input 0: type INT8 is not supported"});
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
