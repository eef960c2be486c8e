// SPDX-License-Identifier: Apache-2.0
// MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW, ATAN2, FLOOR_MOD, comparisons, LOGICAL_AND, _OR, _NOT,
// BITWISE_XOR, RIGHT_SHIFT.
#include <gtest/gtest.h>

#include "base/number.h"
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

// Elements of the type without one in C++.
template <class T>
OpCase small_floats(Op code, Type type, const std::vector<float>& a, const std::vector<float>& b,
                    const std::vector<float>& y, double tolerance = 0) {
  const auto bits = [type](const std::vector<float>& list) {
    Values v{type, std::vector<uint8_t>(list.size() * sizeof(T))};
    for (size_t i = 0; i < list.size(); ++i) {
      const T element(list[i]);
      std::memcpy(v.bytes.data() + i * sizeof(T), &element, sizeof(T));
    }
    return v;
  };
  const Bare x = {{static_cast<int32_t>(a.size())}, type};
  return {.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " + type_name(type),
          .model = bare_model(code, {x, x}, x, 4),
          .inputs = {bits(a), bits(b)},
          .outputs = {bits(y)},
          .tolerance = tolerance,
          .kernel_steps = 0};
}

TEST(BinaryMath, HalfAndBFloat16) {
  run_op_cases({
      small_floats<Half>(Op::MAXIMUM, Type::float16, {1, -2, 0.5f}, {2, -3, 0.25f}, {2, -2, 0.5f}),
      small_floats<BFloat16>(Op::MINIMUM, Type::bfloat16, {1, -2}, {2, -3}, {1, -3}),
      small_floats<Half>(Op::ADD, Type::float16, {1, 2048}, {0.5f, 1}, {1.5f, 2048}),
      small_floats<Half>(Op::MUL, Type::float16, {3, -0.5f}, {0.5f, 8}, {1.5f, -4}),
  });
}

TEST(BinaryMath, QuantizedMaximum) {
  const Bare x = {{4}, Type::int8, per_tensor(0.5f, 3)};
  const Bare plain = {{4}, Type::int16};
  run_op_cases({{.name = "int8",
                 .model = bare_model(Op::MAXIMUM, {x, x}, x, 2),
                 .inputs = {values<int8_t>({-128, 3, 0, 127}), values<int8_t>({127, 2, 0, -128})},
                 .outputs = {values<int8_t>({127, 3, 0, 127})},
                 .kernel_steps = 0},
                {.name = "int16 without quantization",
                 .model = bare_model(Op::MINIMUM, {plain, plain}, plain, 4),
                 .inputs = {values<int16_t>({-9, 3, 0, 7}), values<int16_t>({9, 2, 0, -7})},
                 .outputs = {values<int16_t>({-9, 2, 0, -7})},
                 .kernel_steps = 0}});
}

// (a − b)² in real numbers, rounded.
TEST(BinaryMath, QuantizedSquaredDifference) {
  const std::vector<int8_t> a = {-128, 127, 3, 50, 0}, b = {127, 127, -4, 7, 100};
  std::vector<int8_t> y;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = 0.02 * (a[i] - 5) - 0.03 * (b[i] + 7);
    y.push_back(static_cast<int8_t>(
        std::clamp(std::round(difference * difference / 0.125) - 100, -128.0, 127.0)));
  }
  run_op_cases({{.name = "int8",
                 .model = bare_model(Op::SQUARED_DIFFERENCE,
                                     {{{5}, Type::int8, per_tensor(0.02f, 5)},
                                      {{5}, Type::int8, per_tensor(0.03f, -7)}},
                                     {{5}, Type::int8, per_tensor(0.125f, -100)}, 2),
                 .inputs = {values(a), values(b)},
                 .outputs = {values(y)},
                 .plain_steps = 1}});
}

TEST(BinaryMath, Bits) {
  const auto exclusive_or = [](auto a, auto b) { return a ^ b; };
  run_op_cases(pair_cases<int8_t>(Op::BITWISE_XOR, exclusive_or, {-128, 127}));
  run_op_cases(pair_cases<uint16_t>(Op::BITWISE_XOR, exclusive_or, {0, 65535}));
  run_op_cases(pair_cases<int32_t>(Op::BITWISE_XOR, exclusive_or, {-1e9, 1e9}));
  const auto shift = [](auto a, auto b) { return a >> b; };
  run_op_cases(pair_cases<int8_t>(Op::RIGHT_SHIFT, shift, {-128, 127, 0, 7}));
  run_op_cases(pair_cases<uint16_t>(Op::RIGHT_SHIFT, shift, {0, 65535, 0, 15}));
  run_op_cases(pair_cases<uint32_t>(Op::RIGHT_SHIFT, shift, {0, 4e9, 0, 31}));
  run_op_cases(
      {two<int8_t>(Op::RIGHT_SHIFT, {-128, 100, 100, -100}, {100, -1, 8, 127}, {-1, 100, 0, -1}),
       two<uint8_t>(Op::RIGHT_SHIFT, {255, 255}, {200, 8}, {1, 1})});
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
  run_op_cases(pair_cases<int8_t>(Op::FLOOR_MOD, integers, {-128, 127, 1, 9}));
  run_op_cases(pair_cases<int16_t>(Op::FLOOR_MOD, integers, {-3000, 3000, -9, -1}));
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
  run_op_cases(pair_cases<int16_t, Bool>(code, f, {-2, 2}));
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

// Codes of two scales. What differs by less than half of 2^-8 counts as equal.
TEST(BinaryMath, QuantizedComparisons) {
  const Bare a = {{4}, Type::uint8, per_tensor(0.5f, 10)},
             b = {{4}, Type::uint8, per_tensor(0.25f)};
  const Bare wide = {{4}, Type::uint8, per_tensor(2.0f, 10)}, y = {{4}, Type::boolean};
  const std::vector<Values> x = {values<uint8_t>({10, 14, 20, 12}),
                                 values<uint8_t>({0, 8, 10, 40})};  // 0 2 5 1 and 0 2 2.5 10
  const auto one = [&](Op code, const Bare& left, const std::vector<bool>& holds) {
    return OpCase{.name = schema::EnumNameBuiltinOperator(code),
                  .model = bare_model(code, {left, b}, y, 2),
                  .inputs = x,
                  .outputs = {bools(holds)},
                  .kernel_steps = 0};
  };
  run_op_cases({one(Op::EQUAL, a, {true, true, false, false}),
                one(Op::NOT_EQUAL, a, {false, false, true, true}),
                one(Op::LESS, a, {false, false, false, true}),
                one(Op::LESS_EQUAL, a, {true, true, false, true}),
                one(Op::GREATER, a, {false, false, true, false}),
                one(Op::GREATER_EQUAL, a, {true, true, true, false}),
                one(Op::GREATER, wide, {false, true, true, false}),
                one(Op::EQUAL, wide, {true, false, false, false})});
  const Bare c = {{2}, Type::int16, per_tensor(0.5f)}, d = {{2}, Type::int16, per_tensor(0.25f)};
  const Bare fine = {{3}, Type::int8, per_tensor(0.001f)};
  run_op_cases({{.name = "small steps",
                 .model = bare_model(Op::EQUAL, {fine, fine}, {{3}, Type::boolean}, 2),
                 .inputs = {values<int8_t>({1, 2, -4}), values<int8_t>({0, 0, -5})},
                 .outputs = {bools({true, false, true})},
                 .kernel_steps = 0}});
  run_op_cases({{.name = "int16 of two scales",
                 .model = bare_model(Op::LESS, {c, d}, {{2}, Type::boolean}, 3),
                 .inputs = {values<int16_t>({100, 100}), values<int16_t>({150, 201})},
                 .outputs = {bools({false, true})},
                 .kernel_steps = 0}});
}

TEST(BinaryMath, Logic) {
  run_op_cases(pair_cases<Bool>(Op::LOGICAL_AND, [](bool a, bool b) { return a && b; }));
  run_op_cases(pair_cases<Bool>(Op::LOGICAL_OR, [](bool a, bool b) { return a || b; }));
  run_op_cases({each_case<Bool>(Op::LOGICAL_NOT, {3, 7}, [](bool a) { return !a; }),
                each_case<Bool>(Op::LOGICAL_NOT, {0}, [](bool a) { return !a; })});
}

TEST(BinaryMath, Refuses) {
  const Bare f = {}, i = {{2}, Type::int32}, l = {{2}, Type::int64}, b = {{2}, Type::boolean};
  const Bare q = {{2}, Type::int8, per_tensor(0.5f)}, codes = {{2}, Type::int8};
  refuse_op_cases({
      {.name = "quantized differently",
       .model = bare_model(Op::MAXIMUM, {q, {{2}, Type::int8, per_tensor(0.25f)}}, q),
       .message = "input 1: expected scale 0.5 and zero point 0 as input 0 has"},
      {.name = "a result without quantization",
       .model = bare_model(Op::MINIMUM, {q, q}, codes),
       .message = "output 0: expected quantization parameters, got none"},
      {.name = "comparison without quantization",
       .model = bare_model(Op::EQUAL, {codes, codes}, b, 2),
       .message = "input 0: expected quantization parameters, got none"},
      {.name = "two scales",
       .model = bare_model(Op::LESS, {q, {{2}, Type::int8, per_channel({1, 2}, 0)}}, b, 2),
       .message = "input 1: expected one scale for the tensor, got 2"},
      {.name = "square without quantization",
       .model = bare_model(Op::SQUARED_DIFFERENCE, {codes, codes}, codes, 2),
       .message = "input 0: expected quantization parameters, got none"},
      {.name = "square of a small scale",
       .model = bare_model(Op::SQUARED_DIFFERENCE, {q, q}, {{2}, Type::int8, per_tensor(1e-9f)}, 2),
       .message = "T9: output 0"},
      {.name = "exclusive or of real numbers",
       .model = bare_model(Op::BITWISE_XOR, {f, f}, f),
       .message = "input 0: type FLOAT32 is not supported"},
      {.name = "shift of int64",
       .model = bare_model(Op::RIGHT_SHIFT, {l, l}, l),
       .message = "input 0: type INT64 is not supported"},
      {.name = "shift by another type",
       .model = bare_model(Op::RIGHT_SHIFT, {i, codes}, i),
       .message = "input 1: expected type INT32 as input 0 has"},
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
