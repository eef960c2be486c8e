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

std::function<void(ModelBuilder&)> hybrid(Type type, const std::vector<uint8_t>& bytes,
                                          std::optional<Quant> quant, Type out = Type::float32) {
  return [=](ModelBuilder& b) {
    const int i = b.input({3}, Type::int32),
              x = b.constant_bytes({2, 3}, type, bytes, std::move(quant));
    b.op(Op::EMBEDDING_LOOKUP, {i, x}, {b.output({3, 3}, out)});
  };
}

TEST(EmbeddingLookup, Hybrid) {
  const Values numbers = values<int32_t>({1, 0, 1});
  const std::vector<uint8_t> int8 = {1, 2, 0xfd, 4, 5, 6};
  run_op_cases({
      {.name = "one scale",
       .model = hybrid(Type::int8, int8, per_tensor(0.5f)),
       .inputs = {numbers},
       .outputs = {values<float>({2, 2.5, 3, 0.5, 1, -1.5, 2, 2.5, 3})}},
      {.name = "a scale for each row, to halves",
       .model = hybrid(Type::int8, int8, per_channel({1, 2}, 0), Type::float16),
       .inputs = {numbers},
       .outputs = {halves(
           {0x4800, 0x4900, 0x4a00, 0x3c00, 0x4000, 0xc200, 0x4800, 0x4900, 0x4a00})}},
      {.name = "uint8",
       .model = hybrid(Type::uint8, {0, 0, 0, 255, 1, 2}, per_tensor(1)),
       .inputs = {numbers},
       .outputs = {values<float>({255, 1, 2, 0, 0, 0, 255, 1, 2})}},
      {.name = "rows of int4 that begin in a byte",
       .model = hybrid(Type::int4, {0x21, 0xf3, 0x87}, per_tensor(2)),
       .inputs = {numbers},
       .outputs = {values<float>({-2, 14, -16, 2, 4, 6, -2, 14, -16})}},
      {.name = "int2",
       .model = hybrid(Type::int2, {0b11100100, 0b00000001}, per_tensor(1)),
       .inputs = {numbers},
       .outputs = {values<float>({-1, 1, 0, 0, 1, -2, -1, 1, 0})}},
      {.name = "int4 as it is",
       .model = hybrid(Type::int4, {0x21, 0xf3, 0x87}, {}, Type::int4),
       .inputs = {numbers},
       .outputs = {{Type::int4, {0x7f, 0x18, 0x32, 0x7f, 0x08}}}},
  });
  refuse_op_cases({
      {.name = "no scale",
       .model = hybrid(Type::int8, int8, {}),
       .message = "input 1: expected quantization parameters, got none"},
      {.name = "zero point",
       .model = hybrid(Type::int8, int8, per_tensor(1, 3)),
       .message = "input 1: expected zero points of 0, got 3"},
      {.name = "axis",
       .model = hybrid(Type::int8, int8, per_channel({1, 2, 3}, 1)),
       .message = "input 1: expected scales along axis 0, got axis 1"},
      {.name = "other",
       .model = hybrid(Type::int4, {1, 2, 3}, per_tensor(1), Type::int8),
       .message = "output 0: expected type INT4"},
  });
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
      {.name = "no rows",
       .model = model({2}, {0, 1}),
       .message = "input 0: number 0 at position 0 is not in [0, 0)"},
      {.name = "negative",
       .model = model({2}, {3, 1}),
       .message = "input 0: number -1 at position 0 is not in [0, 3)",
       .inputs = {values<int32_t>({-1, 0}), values<float>({1, 2, 3})}},
  });
}

}  // namespace
}  // namespace cygnet::test
