// SPDX-License-Identifier: Apache-2.0
// HARD_SWISH.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

double hard_swish(double x) {
  return x * std::clamp(x + 3, 0.0, 6.0) / 6;
}

TEST(HardSwish, RealNumbers) {
  run_formulas<float, int8_t, uint8_t>({
      unary(Op::HARD_SWISH, hard_swish, {2, 5, 31}, {-5, 6}, {-0.5, 6}),
      unary(Op::HARD_SWISH, hard_swish, {}, {-1, 1}, {-0.4, 0.7}),
  });
}

TEST(HardSwish, EndsOfTheRange) {
  run_op_cases({
      floats(Op::HARD_SWISH, {kInfinity, 1e30f, -1e30f, 0, kNan}, {kInfinity, 1e30f, 0, 0, kNan}),
  });
}

TEST(HardSwish, Refuses) {
  const Quant q = per_tensor(0.1f, 3);
  refuse_op_cases({
      {.name = "hard swish scales",
       .model = bare_model(Op::HARD_SWISH, {{{2}, Type::int8, per_tensor(1e9f)}},
                           {{2}, Type::int8, per_tensor(1e-5f)}),
       .message = "T9"},
      {.name = "hard swish type",
       .model = bare_model(Op::HARD_SWISH, {{{2}, Type::int16, q}}, {{2}, Type::int16, q}),
       .message = "type INT16 is not supported"},
      {.name = "output type",
       .model = bare_model(Op::HARD_SWISH, {{{2}}}, {{2}, Type::int8, q}),
       .message = "output 0: expected type FLOAT32"},
      {.name = "quantization",
       .model = bare_model(Op::HARD_SWISH, {{{2}, Type::int8}}, {{2}, Type::int8, q}),
       .message = "input 0: expected quantization"},
  });
}

}  // namespace
}  // namespace cygnet::test
