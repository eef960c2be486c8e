// SPDX-License-Identifier: Apache-2.0
// MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW, ATAN2, FLOOR_MOD, comparisons, LOGICAL_AND, _OR, _NOT.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
constexpr int64_t kLeast64 = std::numeric_limits<int64_t>::min();

template <class T>
OpCase two(Op code, const std::vector<T>& a, const std::vector<T>& b, const std::vector<T>& y) {
  const Index shape = {static_cast<int32_t>(a.size())};
  const Bare x = {shape, type_of<T>()};
  return {.name = schema::EnumNameBuiltinOperator(code),
          .model = bare_model(code, {x, x}, x),
          .inputs = {values(a), values(b)},
          .outputs = {values(y)},
          .kernel_steps = 0};
}

TEST(BinaryMath, MaximumMinimum) {
  const auto most = [](auto a, auto b) { return a > b ? a : b; };
  const auto least = [](auto a, auto b) { return a < b ? a : b; };
  run_op_cases(pair_cases<float>(Op::MAXIMUM, most));
  run_op_cases(pair_cases<int32_t>(Op::MAXIMUM, most));
  run_op_cases(pair_cases<int64_t>(Op::MAXIMUM, most, {-1e15, 1e15}));
  run_op_cases(pair_cases<float>(Op::MINIMUM, least));
  run_op_cases(pair_cases<int32_t>(Op::MINIMUM, least));
  run_op_cases(pair_cases<int64_t>(Op::MINIMUM, least, {-1e15, 1e15}));
}

TEST(BinaryMath, SquaredDifference) {
  const auto f = [](auto a, auto b) { return (a - b) * (a - b); };
  run_op_cases(pair_cases<float>(Op::SQUARED_DIFFERENCE, f));
  run_op_cases(pair_cases<int32_t>(Op::SQUARED_DIFFERENCE, f, {-1000, 1000}));
  run_op_cases({two<int32_t>(Op::SQUARED_DIFFERENCE, {kLeast, 1 << 20}, {1, 0}, {1, 0})});
}

TEST(BinaryMath, Power) {
  const auto real = [](float a, float b) {
    return std::pow(static_cast<double>(a), static_cast<double>(b));
  };
  run_op_cases(pair_cases<float>(Op::POW, real, {0.1, 4, -3, 3}));
  run_op_cases({two<float>(Op::POW, {-2, -2, 0, 0, 4}, {3, -1, 0, 2, 0.5f}, {-8, -0.5f, 1, 0, 2}),
                two<int32_t>(Op::POW, {3, -2, 0, 0, 7, 65536, -1}, {4, 5, 0, 3, 1, 2, 2147483647},
                             {81, -32, 1, 0, 7, 0, -1})});
}

TEST(BinaryMath, Angle) {
  run_op_cases(pair_cases<float>(Op::ATAN2, [](float a, float b) {
    return std::atan2(static_cast<double>(a), static_cast<double>(b));
  }));
}

TEST(BinaryMath, FloorMod) {
  const auto integers = [](auto a, auto b) { return ((a % b) + b) % b; };
  run_op_cases(pair_cases<int32_t>(Op::FLOOR_MOD, integers, {-50, 50, 1, 9}));
  run_op_cases(pair_cases<int64_t>(Op::FLOOR_MOD, integers, {-1e15, 1e15, -9, -1}));
  run_op_cases(
      {two<int32_t>(Op::FLOOR_MOD, {kLeast, 7, -7, 7, -7}, {-1, 3, 3, -3, -3}, {0, 1, 2, -2, -1}),
       two<int64_t>(Op::FLOOR_MOD, {kLeast64, kLeast64}, {-1, 3}, {0, 1}),
       two<float>(Op::FLOOR_MOD, {5.5f, -5.5f, 5.5f, -5.5f, 4}, {2, 2, -2, -2, -2},
                  {1.5f, 0.5f, -0.5f, -1.5f, 0})});
}

template <class F>
void compare(Op code, F f, bool booleans) {
  run_op_cases(pair_cases<float, Bool>(code, f, {-1, 1}));
  run_op_cases(pair_cases<int32_t, Bool>(code, f, {-1, 1}));
  run_op_cases(pair_cases<int64_t, Bool>(code, f, {-2, 2}));
  if (booleans) run_op_cases(pair_cases<Bool, Bool>(code, f));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  run_op_cases({{.name = "NaN",
                 .model = bare_model(code, {{{3}}, {{3}}}, {{3}, Type::boolean}),
                 .inputs = {values<float>({nan, 1, nan}), values<float>({1, nan, nan})},
                 .outputs = {bools(std::vector<bool>(3, code == Op::NOT_EQUAL))},
                 .kernel_steps = 0}});
}

TEST(BinaryMath, Comparisons) {
  compare(
      Op::EQUAL, [](auto a, auto b) { return a == b; }, true);
  compare(
      Op::NOT_EQUAL, [](auto a, auto b) { return a != b; }, true);
  compare(
      Op::LESS, [](auto a, auto b) { return a < b; }, false);
  compare(
      Op::LESS_EQUAL, [](auto a, auto b) { return a <= b; }, false);
  compare(
      Op::GREATER, [](auto a, auto b) { return a > b; }, false);
  compare(
      Op::GREATER_EQUAL, [](auto a, auto b) { return a >= b; }, false);
}

TEST(BinaryMath, Logic) {
  run_op_cases(pair_cases<Bool>(Op::LOGICAL_AND, [](bool a, bool b) { return a && b; }));
  run_op_cases(pair_cases<Bool>(Op::LOGICAL_OR, [](bool a, bool b) { return a || b; }));
  run_op_cases({each_case<Bool>(Op::LOGICAL_NOT, {3, 7}, [](bool a) { return !a; }),
                each_case<Bool>(Op::LOGICAL_NOT, {0}, [](bool a) { return !a; })});
}

TEST(BinaryMath, Refuses) {
  const Bare f = {}, i = {{2}, Type::int32}, l = {{2}, Type::int64}, b = {{2}, Type::boolean};
  const Bare q = {{2}, Type::int8, per_tensor(0.5f)};
  refuse_op_cases({
      {.name = "quantized",
       .model = bare_model(Op::MAXIMUM, {q, q}, q),
       .message = "input 0: type INT8 is not supported"},
      {.name = "quantized comparison",
       .model = bare_model(Op::EQUAL, {q, q}, b, 2),
       .message = "input 0: type INT8 is not supported"},
      {.name = "two types",
       .model = bare_model(Op::MINIMUM, {f, i}, f),
       .message = "input 1: expected type FLOAT32 as input 0 has"},
      {.name = "output type",
       .model = bare_model(Op::POW, {i, i}, f),
       .message = "output 0: expected type INT32"},
      {.name = "shapes",
       .model = bare_model(Op::LESS, {{{2}}, {{3}}}, b),
       .message = "do not broadcast"},
      {.name = "result of a comparison",
       .model = bare_model(Op::GREATER, {f, f}, f),
       .message = "output 0: expected type BOOL"},
      {.name = "order of booleans",
       .model = bare_model(Op::LESS, {b, b}, b),
       .message = "input 0: type BOOL is not supported"},
      {.name = "int64 power", .model = bare_model(Op::POW, {l, l}, l), .message = "type INT64"},
      {.name = "negative exponent",
       .model = bare_model(Op::POW, {i, i}, i),
       .message = "expected integer exponents >= 0",
       .inputs = {values<int32_t>({1, 2}), values<int32_t>({1, -1})}},
      {.name = "remainder by 0",
       .model = bare_model(Op::FLOOR_MOD, {i, i}, i),
       .message = "division by zero"},
      {.name = "logic of numbers",
       .model = bare_model(Op::LOGICAL_OR, {i, i}, i),
       .message = "input 0: expected type BOOL, got INT32"},
      {.name = "negation of numbers",
       .model = bare_model(Op::LOGICAL_NOT, {i}, i),
       .message = "input 0: expected type BOOL, got INT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
