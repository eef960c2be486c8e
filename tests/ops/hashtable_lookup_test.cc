// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/string_values.h"

namespace cygnet::test {
namespace {

using Shape = std::vector<int32_t>;

std::function<void(ModelBuilder&)> model(const Shape& values, Type type = Type::int64,
                                         Type hits = Type::uint8) {
  return [=](ModelBuilder& b) {
    const int k = b.input({4}, Type::int32), t = b.constant<int32_t>({3}, {-5, 0, 9});
    const int v =
        type == Type::string ? b.constant_strings({3}, {"a", "bc", ""}) : b.input(values, type);
    b.op(schema::BuiltinOperator::HASHTABLE_LOOKUP, {k, t, v},
         {b.output({1}, type), b.output({1}, hits)});
  };
}

TEST(HashtableLookup, Cases) {
  const Values keys = values<int32_t>({9, 1, -5, INT32_MAX});
  run_op_cases({
      {.name = "rows",
       .model = model({3, 2}),
       .inputs = {keys, values<int64_t>({1, 2, 3, 4, 5, 6})},
       .outputs = {values<int64_t>({5, 6, 0, 0, 1, 2, 0, 0}), values<uint8_t>({1, 0, 1, 0})},
       .shapes = {{4, 2}, {4}}},
      {.name = "strings",
       .model = model({}, Type::string),
       .inputs = {values<int32_t>({0, 1, -5, 0})},
       .outputs = {string_values({"bc", "", "a", "bc"}), values<uint8_t>({1, 0, 1, 1})}},
  });
}

// Keys 1, 3, `last`, constant or of the run.
BadOpCase falling(int32_t last, bool known) {
  return {.name = known ? "falling keys" : "falling keys of the run",
          .model =
              [=](ModelBuilder& b) {
                const int k = b.input({1}, Type::int32);
                const int t =
                    known ? b.constant<int32_t>({3}, {1, 3, last}) : b.input({3}, Type::int32);
                b.op(schema::BuiltinOperator::HASHTABLE_LOOKUP, {k, t, b.input({3})},
                     {b.output({1}), b.output({1}, Type::uint8)});
              },
          .message = "input 1: expected rising keys, got 2 after 3",
          .inputs = known ? std::vector<Values>{}
                          : std::vector<Values>{values<int32_t>({1}), values<int32_t>({1, 3, last}),
                                                values<float>({1, 2, 3})}};
}

TEST(HashtableLookup, Refuses) {
  refuse_op_cases({
      {.name = "rows",
       .model = model({2, 2}),
       .message = "rows of input 2: expected 3 to 3, got 2"},
      {.name = "scalar", .model = model({}), .message = "input 2: expected rank 1 to 8"},
      {.name = "hits",
       .model = model({3}, Type::int64, Type::boolean),
       .message = "output 1: expected type UINT8"},
      falling(2, true),
      falling(2, false),
      {.name = "keys",
       .model =
           [](ModelBuilder& b) {
             const int k = b.input({2, 2}, Type::int32), t = b.input({3}, Type::int32);
             b.op(schema::BuiltinOperator::HASHTABLE_LOOKUP, {k, t, b.input({3})},
                  {b.output({1}), b.output({1}, Type::uint8)});
           },
       .message = "input 0: expected rank 1, got 2"},
      {.name = "small", .model = model({4}, Type::int4), .message = "type INT4 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
