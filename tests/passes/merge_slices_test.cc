// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

struct Cut {
  int32_t first, count;
};

// Slices of the last of x's dimensions, [N, 2, 6].
Names left(const std::vector<Cut>& cuts, bool strided) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = add(e, e.input("x", Type::float32, {-1, 2, 6}), number(e, 1));
  std::vector<int32_t> outputs;
  for (const Cut& c : cuts) {
    int32_t y = kAbsent;
    if (strided) {
      schema::StridedSliceOptionsT o;
      o.begin_mask = c.first == 0 ? 0b111 : 0b011;
      o.end_mask = c.first + c.count == 6 ? 0b111 : 0b011;
      y = e.add(Builtin::STRIDED_SLICE,
                {x, e.list({0, 0, c.first}), e.list({0, 0, c.first + c.count}), e.list({1, 1, 1})},
                o);
    } else {
      y = e.add(Builtin::SLICE, {x, e.list({0, 0, c.first}), e.list({-1, 2, c.count})},
                schema::SliceOptionsT());
    }
    outputs.push_back(e.add(Builtin::TANH, {y}, NoOptions(), text("y", outputs.size())));
  }
  e.set_outputs(outputs);
  optimize(draft, {"merge-slices"});
  Names names = operators(draft);
  std::erase(names, "TANH");
  std::erase(names, "ADD");
  return names;
}

TEST(MergeSlices, EqualParts) {
  for (const bool strided : {false, true}) {
    EXPECT_EQ(left({{0, 2}, {2, 2}, {4, 2}}, strided), Names{"SPLIT"});
    EXPECT_EQ(left({{3, 3}, {0, 3}}, strided), Names{"SPLIT"});
  }
}

TEST(MergeSlices, TypesThatSplitTakes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::int64, {-1, 4});
  std::vector<int32_t> outputs;
  for (const int32_t first : {0, 2})
    outputs.push_back(e.add(Builtin::SLICE, {x, e.list({0, first}), e.list({-1, 2})},
                            schema::SliceOptionsT(), text("y", first)));
  e.set_outputs(outputs);
  EXPECT_EQ(optimize(draft, {"merge-slices"}), 0);
}

TEST(MergeSlices, OtherSlicesStay) {
  EXPECT_EQ(left({{0, 2}, {2, 2}}, false), (Names{"SLICE", "SLICE"}));
  EXPECT_EQ(left({{0, 2}, {2, 4}}, false), (Names{"SLICE", "SLICE"}));
  EXPECT_EQ(left({{0, 3}, {2, 3}}, false), (Names{"SLICE", "SLICE"}));
  EXPECT_EQ(left({{0, 3}, {0, 3}}, false), (Names{"SLICE", "SLICE"}));
}

}  // namespace
}  // namespace cygnet::test
