// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// The table is the moved input.
Move lookup(const Index& table, const std::vector<int32_t>& numbers) {
  Index out = table;
  out[0] = static_cast<int32_t>(numbers.size());
  return {.name = "embedding_lookup",
          .in = table,
          .out = out,
          .add =
              [=](ModelBuilder& b, int x, int y) {
                const int i = b.input({static_cast<int32_t>(numbers.size())}, Type::int32);
                b.op(Op::EMBEDDING_LOOKUP, {i, x}, {y});
              },
          .source =
              [=](Index index) {
                index[0] = numbers[static_cast<size_t>(index[0])];
                return index;
              },
          .more_inputs = {values(numbers)}};
}

TEST(EmbeddingLookup, Cases) {
  run_moves({
      lookup({4, 3}, {2, 0, 3, 3}),
      lookup({2, 3, 2}, {1}),
      lookup({2, 3}, {}),
      lookup({2, 0}, {1, 0}),
      lookup({5, 300}, {4, 4, 0, 1, 2, 3, 4, 0}),
  });
}

std::function<void(ModelBuilder&)> model(const Index& numbers, const Index& table,
                                         Type out = Type::float32) {
  return [=](ModelBuilder& b) {
    const int i = b.input(numbers, Type::int32), x = b.input(table);
    b.op(Op::EMBEDDING_LOOKUP, {i, x}, {b.output({1, 1}, out)});
  };
}

TEST(EmbeddingLookup, Refuses) {
  refuse_op_cases({
      {.name = "rank", .model = model({2}, {3}), .message = "input 1: expected rank 2 to 8, got 1"},
      {.name = "numbers",
       .model = model({2, 1}, {3, 2}),
       .message = "input 0: expected rank 1, got 2"},
      {.name = "type",
       .model = model({2}, {3, 2}, Type::int8),
       .message = "output 0: expected type FLOAT32 as input 1 has, got INT8"},
      {.name = "beyond",
       .model = model({2}, {3, 1}),
       .message = "input 0: number 3 at position 1 is not in [0, 3)",
       .inputs = {values<int32_t>({2, 3}), values<float>({1, 2, 3})}},
      {.name = "negative",
       .model = model({2}, {3, 1}),
       .message = "input 0: number -1 at position 0 is not in [0, 3)",
       .inputs = {values<int32_t>({-1, 0}), values<float>({1, 2, 3})}},
  });
}

}  // namespace
}  // namespace cygnet::test
