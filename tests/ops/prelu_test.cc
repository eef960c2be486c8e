// SPDX-License-Identifier: Apache-2.0
// PRELU.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

Formula prelu(const Index& x, const Index& alpha) {
  return {
      .name = "PRELU",
      .in = {x, alpha},
      .out = x,
      .add = [=](ModelBuilder& m, const std::vector<int>& in, int y) { m.op(Op::PRELU, in, {y}); },
      .f = [=](const std::vector<double>& in) { return in[0] >= 0 ? in[0] : in[0] * in[1]; },
      .range = {{-4, 3}, {-0.5, 0.9}},
      .out_range = {-3.7, 3}};
}

TEST(Prelu, RealNumbers) {
  run_formulas<float, int8_t, uint8_t>({
      prelu({2, 5, 4, 19}, {19}),
      prelu({2, 5, 4, 19}, {1, 1, 19}),
      prelu({2, 5, 19}, {1}),
      prelu({2, 5, 19}, {2, 5, 19}),
      prelu({2, 5, 19}, {5, 1}),
  });
}

TEST(Prelu, Int16) {
  run_op_cases({{.name = "alpha of int8",
                 .model = bare_model(Op::PRELU,
                                     {{{2, 2}, Type::int16, per_tensor(0.5f)},
                                      {{2}, Type::int8, per_tensor(0.25f, 3)}},
                                     {{2, 2}, Type::int16, per_tensor(0.125f)}),
                 .inputs = {values<int16_t>({-1000, 1000, 300, -31}), values<int8_t>({5, -1})},
                 .outputs = {values<int16_t>({-2000, 4000, 1200, 124})}}});
}

TEST(Prelu, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  refuse_op_cases({
      {.name = "alpha is larger",
       .model = bare_model(Op::PRELU, {{{5}}, {{2, 5}}}, {{2, 5}}),
       .message = "alpha [2,5] does not broadcast to [5]"},
      {.name = "alpha does not fit",
       .model = bare_model(Op::PRELU, {{{5}}, {{3}}}, {{5}}),
       .message = "do not broadcast"},
      {.name = "no quantization",
       .model = bare_model(Op::PRELU, {{{5}, Type::int16}, {{5}, Type::int8}}, {{5}, Type::int16}),
       .message = "input 0: expected quantization parameters, got none"},
      {.name = "alpha of int16",
       .model = bare_model(Op::PRELU, {{{5}, Type::int16, q}, {{5}, Type::int16, q}},
                           {{5}, Type::int16, q}),
       .message = "input 1: expected type INT8, got INT16"},
      {.name = "alpha's type",
       .model = bare_model(Op::PRELU, {{{5}}, {{5}, Type::int8, q}}, {{5}}),
       .message = "input 1: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
