// SPDX-License-Identifier: Apache-2.0
// BITCAST, REAL, IMAG, COMPLEX_ABS.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

OpCase same_bytes(const Index& from, Type from_type, const Index& to, Type to_type,
                  std::vector<uint8_t> bytes) {
  return {.name = std::string(type_name(from_type)) + " to " + type_name(to_type),
          .model = bare_model(Op::BITCAST, {{from, from_type}}, {to, to_type}),
          .inputs = {{from_type, bytes}},
          .outputs = {{to_type, bytes}},
          .shapes = {to},
          .kernel_steps = 0};
}

TEST(Bitcast, Cases) {
  const std::vector<uint8_t> eight = {0, 0, 128, 63, 0, 0, 0, 64};
  run_op_cases({
      same_bytes({2}, Type::float32, {2}, Type::int32, eight),
      same_bytes({2}, Type::float32, {2, 2}, Type::bfloat16, eight),
      same_bytes({2, 4}, Type::uint8, {2}, Type::float32, eight),
      same_bytes({8}, Type::int8, {}, Type::complex64, eight),
      same_bytes({1}, Type::uint64, {1, 4}, Type::float16, eight),
      same_bytes({3}, Type::int4, {3}, Type::uint4, {0x21, 0x03}),
      same_bytes({0, 2}, Type::int32, {0}, Type::int64, {}),
  });
}

TEST(ComplexParts, Cases) {
  const auto of = [](Op code, const std::vector<float>& y) {
    return OpCase{.name = schema::EnumNameBuiltinOperator(code),
                  .model = bare_model(code, {{{2}, Type::complex64}}, {{2}}),
                  .inputs = {values<Complex64>({{3, -4}, {0, 1}})},
                  .outputs = {values(y)}};
  };
  run_op_cases({of(Op::REAL, {3, 0}), of(Op::IMAG, {-4, 1}), of(Op::COMPLEX_ABS, {5, 1})});
  run_op_cases(
      {{.name = "128 bits",
        .model = bare_model(Op::COMPLEX_ABS, {{{1}, Type::complex128}}, {{1}, Type::float64}),
        .inputs = {values<Complex128>({{-5, 12}})},
        .outputs = {values<double>({13})}}});
}

TEST(Bitcast, Refuses) {
  refuse_op_cases({
      {.name = "last dimension",
       .model = bare_model(Op::BITCAST, {{{3}, Type::uint8}}, {{}, Type::int32}),
       .message = "input 0: expected a last dimension of 4, got [3]"},
      {.name = "scalar",
       .model = bare_model(Op::BITCAST, {{{}, Type::int16}}, {{}, Type::int32}),
       .message = "input 0: expected a last dimension of 2"},
      {.name = "rank",
       .model = bare_model(Op::BITCAST, {{{1, 1, 1, 1, 1, 1, 1, 1}}}, {{1}, Type::int8}),
       .message = "input 0: expected rank < 8"},
      {.name = "bits",
       .model = bare_model(Op::BITCAST, {{{2}, Type::int4}}, {{2}, Type::int8}),
       .message = "from INT4 to INT8 is not supported"},
      {.name = "REAL of a real",
       .model = bare_model(Op::REAL, {{{2}}}, {{2}}),
       .message = "input 0: type FLOAT32 is not supported"},
      {.name = "width of the result",
       .model = bare_model(Op::IMAG, {{{2}, Type::complex64}}, {{2}, Type::float64}),
       .message = "output 0: expected type FLOAT32, got FLOAT64"},
  });
}

}  // namespace
}  // namespace cygnet::test
