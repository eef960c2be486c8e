// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> model(int32_t n, schema::TensorType code, Type places,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({n}, type);
    const int y = b.output({1}, type), at = b.output({n}, places);
    b.op(schema::BuiltinOperator::UNIQUE, {x}, {y, at}, schema::CreateUniqueOptions(b.fbb(), code));
  };
}

TEST(Unique, KeepsTheOrder) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  run_op_cases({
      {.name = "floats",
       .model = model(6, schema::TensorType::INT32, Type::int32),
       .inputs = {values<float>({3, -0.0f, 3, 0.0f, nan, nan})},
       .outputs = {values<float>({3, -0.0f, nan}), values<int32_t>({0, 1, 0, 1, 2, 2})},
       .shapes = {{3}, {6}}},
      {.name = "int64",
       .model = model(4, schema::TensorType::INT64, Type::int64, Type::int64),
       .inputs = {values<int64_t>({int64_t{1} << 40, 7, 0, 7})},
       .outputs = {values<int64_t>({int64_t{1} << 40, 7, 0}), values<int64_t>({0, 1, 2, 1})},
       .shapes = {{3}, {4}}},
      {.name = "none",
       .model = model(0, schema::TensorType::INT32, Type::int32),
       .inputs = {values<float>({})},
       .outputs = {values<float>({}), values<int32_t>({})},
       .shapes = {{0}, {0}}},
  });
}

TEST(Unique, Refuses) {
  refuse_op_cases({
      {.name = "places",
       .model = model(4, schema::TensorType::INT64, Type::int32),
       .message = "output 1: expected type INT64"},
      {.name = "type",
       .model = model(4, schema::TensorType::INT32, Type::int32, Type::boolean),
       .message = "input 0: type BOOL"},
      {.name = "rank",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2, 2});
             b.op(schema::BuiltinOperator::UNIQUE, {x}, {b.output({1}), b.output({2}, Type::int32)},
                  schema::CreateUniqueOptions(b.fbb(), schema::TensorType::INT32));
           },
       .message = "input 0: expected rank 1, got 2"},
  });
}

}  // namespace
}  // namespace cygnet::test
