// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> model(const std::vector<int32_t>& ids, bool known = true,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({3, 2}, type);
    const int i = known ? b.constant<int32_t>({static_cast<int32_t>(ids.size())}, ids)
                        : b.input({static_cast<int32_t>(ids.size())}, Type::int32);
    b.op(schema::BuiltinOperator::SEGMENT_SUM, {x, i}, {b.output({1, 2}, type)},
         schema::CreateSegmentSumOptions(b.fbb()));
  };
}

TEST(SegmentSum, AddsRows) {
  const Values x = values<float>({1, 2, 3, 4, 5, 6}), ids = values<int32_t>({0, 0, 2});
  run_op_cases({{.name = "known",
                 .model = model({0, 0, 2}),
                 .inputs = {x},
                 .outputs = {values<float>({4, 6, 0, 0, 5, 6})},
                 .shapes = {{3, 2}}},
                {.name = "fed",
                 .model = model({0, 0, 2}, false),
                 .inputs = {x, ids},
                 .outputs = {values<float>({4, 6, 0, 0, 5, 6})},
                 .shapes = {{3, 2}}}});
}

TEST(SegmentSum, Refuses) {
  refuse_op_cases({
      {.name = "falling", .model = model({1, 0, 2}), .message = "got 0 behind 1"},
      {.name = "negative", .model = model({-1, 0, 2}), .message = "got -1 behind 0"},
      {.name = "too many",
       .model = model({0, 0, 2147483647}),
       .message = "got 2147483647 behind 0"},
      {.name = "large",
       .model = model({0, 0, 2147483646}),
       .message = "has more than 2147483647 elements"},
      {.name = "count", .model = model({0, 0}), .message = "input 1: expected shape [3], got [2]"},
      {.name = "type",
       .model = model({0, 0, 1}, true, Type::int64),
       .message = "input 0: type INT64"},
      {.name = "fed",
       .model = model({0, 0, 0}, false),
       .message = "got -5 behind 0",
       .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({0, -5, 1})}},
  });
}

}  // namespace
}  // namespace cygnet::test
