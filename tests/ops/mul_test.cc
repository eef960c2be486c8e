// SPDX-License-Identifier: Apache-2.0
// MUL.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

Formula product(const Index& a, const Index& b, const Index& out, bool relu6 = false) {
  return {.name = relu6 ? "relu6(a * b)" : "a * b",
          .in = {a, b},
          .out = out,
          .add =
              [=](ModelBuilder& m, const std::vector<int>& x, int y) {
                using enum schema::ActivationFunctionType;
                m.op(Op::MUL, x, {y}, schema::CreateMulOptions(m.fbb(), relu6 ? RELU6 : NONE));
              },
          .f =
              [=](const std::vector<double>& x) {
                return relu6 ? std::clamp(x[0] * x[1], 0.0, 6.0) : x[0] * x[1];
              },
          .range = {{-3, 5}, {-2, 4}},
          .out_range = {-9, 14}};
}

TEST(Mul, RealNumbers) {
  run_formulas<float, int8_t, uint8_t, int16_t>({
      product({2, 3, 5}, {2, 3, 5}, {2, 3, 5}),
      product({1, 9, 40, 24}, {1, 1, 1, 24}, {1, 9, 40, 24}),
      product({2, 9, 5, 24}, {2, 1, 1, 24}, {2, 9, 5, 24}, true),
      product({7, 33}, {}, {7, 33}),
      product({1, 1}, {7, 33}, {7, 33}, true),
      product({3, 1, 5}, {4, 1}, {3, 4, 5}),
      product({0}, {1}, {0}),
  });
}

TEST(Mul, IntegersWrap) {
  run_op_cases(
      {{.name = "int32",
        .model = bare_model(Op::MUL, {{{3}, Type::int32}, {{3}, Type::int32}}, {{3}, Type::int32}),
        .inputs = {values<int32_t>({3, 65536, -2147483647 - 1}), values<int32_t>({-5, 65536, -1})},
        .outputs = {values<int32_t>({-15, 0, -2147483647 - 1})},
        .kernel_steps = 0},
       {.name = "int16",
        .model = bare_model(Op::MUL, {{{2}, Type::int16}, {{2}, Type::int16}}, {{2}, Type::int16}),
        .inputs = {values<int16_t>({32767, -5}), values<int16_t>({2, 3})},
        .outputs = {values<int16_t>({-2, -15})},
        .kernel_steps = 0},
       {.name = "uint32",
        .model =
            bare_model(Op::MUL, {{{2}, Type::uint32}, {{}, Type::uint32}}, {{2}, Type::uint32}),
        .inputs = {values<uint32_t>({4000000000u, 5}), values<uint32_t>({3})},
        .outputs = {values<uint32_t>({3410065408u, 15})},
        .kernel_steps = 0},
       {.name = "int64",
        .model = bare_model(Op::MUL, {{{2}, Type::int64}, {{}, Type::int64}}, {{2}, Type::int64}),
        .inputs = {values<int64_t>({int64_t{1} << 40, -3}), values<int64_t>({1000})},
        .outputs = {values<int64_t>({1000 * (int64_t{1} << 40), -3000})},
        .kernel_steps = 0}});
}

TEST(Mul, RefusesAnActivationOfComplexNumbers) {
  refuse_op_cases(
      {{.name = "activation",
        .model =
            [=](ModelBuilder& b) {
              const int in = b.input({2}, Type::complex64);
              b.op(Op::MUL, {in, in}, {b.output({2}, Type::complex64)},
                   schema::CreateMulOptions(b.fbb(), schema::ActivationFunctionType::RELU));
            },
        .message = "fused activation 1 of complex numbers"}});
}

// Products far beyond the result's range saturate.
TEST(Mul, Saturates) {
  const Quant wide = per_tensor(1000), narrow = per_tensor(0.01f);
  run_op_cases(
      {{.name = "int8",
        .model = bare_model(Op::MUL, {{{4}, Type::int8, wide}, {{4}, Type::int8, per_tensor(1)}},
                            {{4}, Type::int8, narrow}),
        .inputs = {values<int8_t>({127, -128, 1, 0}), values<int8_t>({1, 1, -1, 5})},
        .outputs = {values<int8_t>({127, -128, -128, 0})}}});
}

TEST(Mul, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  refuse_op_cases({
      {.name = "shapes",
       .model = bare_model(Op::MUL, {{{2, 3}}, {{2}}}, {{2, 3}}),
       .message = "do not broadcast"},
      {.name = "types",
       .model = bare_model(Op::MUL, {{}, {{2}, Type::int32}}, {}),
       .message = "input 1: expected type FLOAT32"},
      {.name = "ratio",
       .model = bare_model(Op::MUL, {{{2}, Type::int8, per_tensor(1e20f)}, {{2}, Type::int8, q}},
                           {{2}, Type::int8, per_tensor(1e-20f)}),
       .message = "T9: scale ratio"},
      {.name = "output quantization",
       .model =
           bare_model(Op::MUL, {{{2}, Type::uint8, q}, {{2}, Type::uint8, q}}, {{2}, Type::uint8}),
       .message = "output 0: expected quantization"},
  });
}

}  // namespace
}  // namespace cygnet::test
