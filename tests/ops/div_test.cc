// SPDX-License-Identifier: Apache-2.0
// DIV and FLOOR_DIV.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();

Formula quotient(Op code, const Index& a, const Index& b, const Index& out) {
  return {.name = schema::EnumNameBuiltinOperator(code),
          .in = {a, b},
          .out = out,
          .add = [=](ModelBuilder& m, const std::vector<int>& x, int y) { m.op(code, x, {y}); },
          .f =
              [=](const std::vector<double>& x) {
                return code == Op::DIV
                           ? x[0] / x[1]
                           : std::floor(static_cast<float>(x[0]) / static_cast<float>(x[1]));
              },
          .range = {{-3, 5}, {0.5, 4}}};
}

TEST(Div, Floats) {
  run_formulas<float>({
      quotient(Op::DIV, {2, 3, 50}, {2, 3, 50}, {2, 3, 50}),
      quotient(Op::DIV, {7, 33}, {33}, {7, 33}),
      quotient(Op::DIV, {1}, {7, 33}, {7, 33}),
      quotient(Op::FLOOR_DIV, {7, 33}, {7, 1}, {7, 33}),
      quotient(Op::FLOOR_DIV, {0, 3}, {3}, {0, 3}),
  });
}

TEST(Div, Quantized) {
  for (Type type : {Type::int8, Type::uint8}) {
    const bool is_signed = type == Type::int8;
    const Quant a = per_tensor(0.5f, is_signed ? 0 : 128),
                b = per_tensor(0.25f, is_signed ? -10 : 118),
                y = per_tensor(0.1f, is_signed ? 5 : 133);
    // a = 10, −10, 64, 0; b = 2.5, 5, −2, 1: quotients 4, −2, −32 (saturates), 0
    std::vector<int> codes_a = {20, -20, 127, 0}, codes_b = {0, 10, -18, -6},
                     codes_y = {45, -15, -128, 5};
    const auto bytes = [&](const std::vector<int>& codes) {
      Values v{type, {}};
      for (int c : codes) v.bytes.push_back(static_cast<uint8_t>(is_signed ? c : c + 128));
      return v;
    };
    run_op_cases(
        {{.name = type_name(type),
          .model = bare_model(Op::DIV, {{{4}, type, a}, {{4}, type, b}}, {{4}, type, y}, 2),
          .inputs = {bytes(codes_a), bytes(codes_b)},
          .outputs = {bytes(codes_y)},
          .kernel_steps = 0}});
  }
}

TEST(Div, Integers) {
  run_op_cases({
      {.name = "DIV rounds towards zero",
       .model = bare_model(Op::DIV, {{{5}, Type::int32}, {{5}, Type::int32}}, {{5}, Type::int32}),
       .inputs = {values<int32_t>({7, -7, 7, -7, kLeast}), values<int32_t>({2, 2, -2, -2, -1})},
       .outputs = {values<int32_t>({3, -3, -3, 3, kLeast})}},
      {.name = "FLOOR_DIV rounds down",
       .model =
           bare_model(Op::FLOOR_DIV, {{{6}, Type::int32}, {{6}, Type::int32}}, {{6}, Type::int32}),
       .inputs = {values<int32_t>({7, -7, 7, -7, kLeast, -8}),
                  values<int32_t>({2, 2, -2, -2, -1, 4})},
       .outputs = {values<int32_t>({3, -4, -4, 3, kLeast, -2})}},
      {.name = "FLOOR_DIV of bytes",
       .model =
           bare_model(Op::FLOOR_DIV, {{{3}, Type::int8}, {{}, Type::int8}}, {{3}, Type::int8}, 3),
       .inputs = {values<int8_t>({100, -100, -128}), values<int8_t>({-3})},
       .outputs = {values<int8_t>({-34, 33, 42})},
       .kernel_steps = 0},
  });
}

TEST(Div, Refuses) {
  const Quant q = per_tensor(0.5f, 4);
  refuse_op_cases({
      {.name = "division by 0",
       .model = bare_model(Op::DIV, {{{2}, Type::int32}, {{2}, Type::int32}}, {{2}, Type::int32}),
       .message = "division by zero: element 1",
       .inputs = {values<int32_t>({1, 2}), values<int32_t>({1, 0})}},
      {.name = "floor division by 0",
       .model =
           bare_model(Op::FLOOR_DIV, {{{2}, Type::int16}, {{1}, Type::int16}}, {{2}, Type::int16}),
       .message = "division by zero: element 0"},
      {.name = "division by what stands for 0",
       .model = bare_model(Op::DIV, {{{2}, Type::uint8, q}, {{2}, Type::uint8, q}},
                           {{2}, Type::uint8, q}, 2),
       .message = "division by zero: element 1",
       .inputs = {values<uint8_t>({1, 2}), values<uint8_t>({0, 4})}},
      {.name = "type",
       .model = bare_model(Op::DIV, {{{2}, Type::int64}, {{2}, Type::int64}}, {{2}, Type::int64}),
       .message = "type INT64 is not supported"},
      {.name = "floor type",
       .model =
           bare_model(Op::FLOOR_DIV, {{{2}, Type::uint8}, {{2}, Type::uint8}}, {{2}, Type::uint8}),
       .message = "type UINT8 is not supported"},
      {.name = "floor shapes",
       .model = bare_model(Op::FLOOR_DIV, {{{2}}, {{3}}}, {{2}}),
       .message = "do not broadcast"},
      {.name = "floor output",
       .model = bare_model(Op::FLOOR_DIV, {{}, {}}, {{2}, Type::int32}),
       .message = "output 0: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
