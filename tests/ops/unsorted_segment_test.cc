// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T = float>
std::function<void(ModelBuilder&)> model(Op op, int32_t segments, int32_t rows = 4) {
  return [=](ModelBuilder& b) {
    const int x = b.input({4, 2}, type_of<T>()), i = b.input({rows}, Type::int32),
              n = b.constant<int32_t>({}, {segments});
    const int y = b.output({1}, type_of<T>());
    if (op == Op::UNSORTED_SEGMENT_SUM)
      b.op(op, {x, i, n}, {y}, schema::CreateUnsortedSegmentSumOptions(b.fbb()));
    else if (op == Op::UNSORTED_SEGMENT_PROD)
      b.op(op, {x, i, n}, {y}, schema::CreateUnsortedSegmentProdOptions(b.fbb()));
    else if (op == Op::UNSORTED_SEGMENT_MAX)
      b.op(op, {x, i, n}, {y}, schema::CreateUnsortedSegmentMaxOptions(b.fbb()));
    else
      b.op(op, {x, i, n}, {y}, schema::CreateUnsortedSegmentMinOptions(b.fbb()));
  };
}

TEST(UnsortedSegment, Cases) {
  const Values x = values<float>({1, 2, 3, 4, 5, -6, 7, 8}), ids = values<int32_t>({2, 0, 2, -1});
  const float low = std::numeric_limits<float>::lowest(), high = std::numeric_limits<float>::max();
  const auto expect = [&](Op op, const std::vector<float>& y) {
    return OpCase{.name = schema::EnumNameBuiltinOperator(op),
                  .model = model(op, 3),
                  .inputs = {x, ids},
                  .outputs = {values(y)},
                  .shapes = {{3, 2}}};
  };
  run_op_cases({
      expect(Op::UNSORTED_SEGMENT_SUM, {3, 4, 0, 0, 6, -4}),
      expect(Op::UNSORTED_SEGMENT_PROD, {3, 4, 1, 1, 5, -12}),
      expect(Op::UNSORTED_SEGMENT_MAX, {3, 4, low, low, 5, 2}),
      expect(Op::UNSORTED_SEGMENT_MIN, {3, 4, high, high, 1, -6}),
      {.name = "wraps around",
       .model = model<int32_t>(Op::UNSORTED_SEGMENT_SUM, 1),
       .inputs = {values<int32_t>({INT32_MAX, 1, 1, 2, 0, 0, 0, 0}), values<int32_t>({0, 0, 0, 0})},
       .outputs = {values<int32_t>({INT32_MIN, 3})}},
  });
}

TEST(UnsortedSegment, Refuses) {
  refuse_op_cases({
      {.name = "id",
       .model = model(Op::UNSORTED_SEGMENT_SUM, 2),
       .message = "input 1: id 2 at position 1 is not below 2",
       .inputs = {values<float>({1, 2, 3, 4, 5, 6, 7, 8}), values<int32_t>({1, 2, 0, 0})}},
      {.name = "segments",
       .model = model(Op::UNSORTED_SEGMENT_MAX, -1),
       .message = "input 2: expected 0 to 2147483647, got -1"},
      {.name = "count",
       .model = model(Op::UNSORTED_SEGMENT_MIN, 2, 3),
       .message = "input 1: expected shape [4], got [3]"},
      {.name = "type",
       .model = model<int64_t>(Op::UNSORTED_SEGMENT_PROD, 2),
       .message = "input 0: type INT64 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
