// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Shape = std::vector<int32_t>;

std::function<void(ModelBuilder&)> model(const Shape& indices, const std::vector<int32_t>& shape,
                                         const Shape& values, Type type = Type::int32,
                                         Type other = Type::int32) {
  return [=](ModelBuilder& b) {
    const int i = b.input(indices, Type::int32);
    const int s = b.constant<int32_t>({static_cast<int32_t>(shape.size())}, shape);
    const int v = b.input(values, type), d = b.input({}, other);
    b.op(schema::BuiltinOperator::SPARSE_TO_DENSE, {i, s, v, d}, {b.output({1}, type)},
         schema::CreateSparseToDenseOptions(b.fbb()));
  };
}

TEST(SparseToDense, Cases) {
  const Values seven = values<int32_t>({7});
  run_op_cases({
      {.name = "pairs, the last counts",
       .model = model({3, 2}, {2, 3}, {3}),
       .inputs = {values<int32_t>({0, 1, 1, 2, 0, 1}), values<int32_t>({1, 2, 3}), seven},
       .outputs = {values<int32_t>({7, 3, 7, 7, 7, 2})},
       .shapes = {{2, 3}}},
      {.name = "one value",
       .model = model({2}, {4}, {}),
       .inputs = {values<int32_t>({0, 3}), values<int32_t>({1}), seven},
       .outputs = {values<int32_t>({1, 7, 7, 1})}},
      {.name = "one index",
       .model = model({}, {3}, {}),
       .inputs = {values<int32_t>({1}), values<int32_t>({1}), seven},
       .outputs = {values<int32_t>({7, 1, 7})}},
  });
}

TEST(SparseToDense, Refuses) {
  const auto run = [](int32_t index, const std::string& message) {
    return BadOpCase{
        .name = message,
        .model = model({2}, {4}, {}),
        .message = message,
        .inputs = {values<int32_t>({0, index}), values<int32_t>({1}), values<int32_t>({7})}};
  };
  refuse_op_cases({
      run(4, "index 4 at position 1 is not in dimension 0 of output 0 [4]"),
      run(-1, "index -1 at position 1"),
      {.name = "rank",
       .model = model({1, 1, 1}, {4}, {}),
       .message = "input 0: expected rank 0 to 2"},
      {.name = "values", .model = model({2}, {4}, {3}), .message = "input 2: expected shape [2]"},
      {.name = "depth", .model = model({2, 2}, {4}, {2}), .message = "input 1: expected shape [2]"},
      {.name = "negative", .model = model({2}, {-4}, {2}), .message = "dimension 0 is -4"},
      {.name = "type",
       .model = model({2}, {4}, {2}, Type::int16),
       .message = "input 2: type INT16 is not supported"},
      {.name = "default",
       .model = model({2}, {4}, {2}, Type::int32, Type::int64),
       .message = "input 3: expected type INT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
