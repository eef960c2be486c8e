// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Shape = std::vector<int32_t>;

std::function<void(ModelBuilder&)> diag(const Shape& shape, Type type = Type::int8) {
  return [=](ModelBuilder& b) {
    b.op(schema::BuiltinOperator::MATRIX_DIAG, {b.input(shape, type)}, {b.output({1}, type)},
         schema::CreateMatrixDiagOptions(b.fbb()));
  };
}

std::function<void(ModelBuilder&)> set_diag(const Shape& shape, const Shape& diagonals,
                                            Type type = Type::int64) {
  return [=](ModelBuilder& b) {
    const int x = b.input(shape, Type::int64), d = b.input(diagonals, type);
    b.op(schema::BuiltinOperator::MATRIX_SET_DIAG, {x, d}, {b.output(shape, Type::int64)},
         schema::CreateMatrixSetDiagOptions(b.fbb()));
  };
}

TEST(MatrixDiag, Cases) {
  run_op_cases({
      {.name = "diag",
       .model = diag({2, 2}),
       .inputs = {values<int8_t>({1, 2, 3, 4})},
       .outputs = {values<int8_t>({1, 0, 0, 2, 3, 0, 0, 4})},
       .shapes = {{2, 2, 2}}},
      {.name = "empty",
       .model = diag({0}),
       .inputs = {values<int8_t>({})},
       .outputs = {values<int8_t>({})},
       .shapes = {{0, 0}}},
      {.name = "wide",
       .model = set_diag({2, 3}, {2}),
       .inputs = {values<int64_t>({1, 2, 3, 4, 5, 6}), values<int64_t>({8, 9})},
       .outputs = {values<int64_t>({8, 2, 3, 4, 9, 6})}},
      {.name = "high",
       .model = set_diag({3, 1}, {1}),
       .inputs = {values<int64_t>({1, 2, 3}), values<int64_t>({9})},
       .outputs = {values<int64_t>({9, 2, 3})}},
  });
}

TEST(MatrixDiag, Refuses) {
  refuse_op_cases({
      {.name = "scalar", .model = diag({}), .message = "input 0: expected rank 1 to 7, got 0"},
      {.name = "type", .model = diag({2}, Type::boolean), .message = "type BOOL is not supported"},
      {.name = "vector", .model = set_diag({3}, {1}), .message = "input 0: expected rank 2 to 8"},
      {.name = "length",
       .model = set_diag({2, 3}, {3}),
       .message = "input 1: expected shape [2], got [3]"},
      {.name = "types",
       .model = set_diag({2, 3}, {2}, Type::int32),
       .message = "input 1: expected type INT64"},
  });
}

}  // namespace
}  // namespace cygnet::test
