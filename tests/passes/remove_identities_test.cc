// SPDX-License-Identifier: Apache-2.0
#include "support/draft_runner.h"

namespace cygnet::test {
namespace {

schema::ReshapeOptionsT shape_option(const std::vector<int32_t>& shape) {
  schema::ReshapeOptionsT options;
  options.new_shape = shape;
  return options;
}

TEST(RemoveIdentities, All) {
  Draft draft;
  Editor e(draft, builtin_ops());
  int32_t x = e.input("x", Type::float32, {-1, 2, 3});
  x = e.add(Builtin::RELU, {x});
  x = e.add(Builtin::RESHAPE, {x, e.list({-1, 2, 3})}, shape_option({-1, 2, 3}));
  x = e.add(Builtin::TRANSPOSE, {x, e.list({0, 1, 2})}, schema::TransposeOptionsT());
  x = e.add(Builtin::CAST, {x}, schema::CastOptionsT());
  schema::ConcatenationOptionsT axis;
  axis.axis = 1;
  x = e.add(Builtin::CONCATENATION, {x}, axis);
  x = e.add(Builtin::PAD, {x, e.constant<int32_t>({3, 2}, {0, 0, 0, 0, 0, 0})},
            schema::PadOptionsT());
  schema::StridedSliceOptionsT slice;
  slice.begin_mask = slice.end_mask = 7;
  x = e.add(Builtin::STRIDED_SLICE, {x, e.list({0, 0, 0}), e.list({0, 0, 0}), e.list({1, 1, 1})},
            slice);
  schema::SplitOptionsT split;
  split.num_splits = 1;
  x = e.add(Builtin::SPLIT, {e.scalar<int32_t>(1), x}, split, Results("one", Type::float32));
  e.set_outputs({e.add(Builtin::TANH, {x}, NoOptions(), "y")});
  EXPECT_EQ(optimize(draft, {"remove-identities"}), 7);
  EXPECT_EQ(operators(draft), (Names{"RELU", "TANH"}));
}

TEST(RemoveIdentities, KeepsWhatChangesSomething) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3, 3});
  schema::StridedSliceOptionsT slice;
  slice.begin_mask = slice.end_mask = 7;
  const auto list = e.list({0, 0, 0});
  e.set_outputs({
      e.add(Builtin::TRANSPOSE, {x, e.list({0, 2, 1})}, schema::TransposeOptionsT(), "moved"),
      e.add(Builtin::STRIDED_SLICE, {x, list, list, e.list({1, -1, 1})}, slice, "reversed"),
      e.add(Builtin::RESHAPE, {x, e.list({-1, 9})}, shape_option({-1, 9}), "flat"),
      e.add(Builtin::RESHAPE, {x, e.list({-1, 3, 3})}, shape_option({-1, 3, 3}),
            "a copy of an input"),
      e.add(Builtin::CAST, {x}, schema::CastOptionsT(), Results("other type", Type::int32)),
      e.add(Builtin::PAD, {x, e.constant<int32_t>({3, 2}, {0, 0, 0, 1, 0, 0})},
            schema::PadOptionsT(), "padded"),
  });
  EXPECT_EQ(optimize(draft, {"remove-identities"}), 0);
  EXPECT_EQ(draft.graph.subgraphs[0].nodes.size(), 6u);
}

TEST(RemoveIdentities, UpdateOfTheWhole) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4});
  const int32_t update = e.add(Builtin::TANH, {x});
  const int32_t part = e.add(Builtin::TANH, {e.input("z", Type::float32, {1, 4})});
  const int32_t start = e.list({0, 0});
  e.set_outputs({e.add(Builtin::DYNAMIC_UPDATE_SLICE, {x, update, start}, NoOptions(), "whole"),
                 e.add(Builtin::DYNAMIC_UPDATE_SLICE, {x, part, start}, NoOptions(), "part")});
  EXPECT_EQ(optimize(draft, {"remove-identities"}), 1);
  EXPECT_EQ(operators(draft), (Names{"TANH", "TANH", "DYNAMIC_UPDATE_SLICE"}));
}

TEST(RemoveIdentities, OutputTakesOverTheName) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.add(Builtin::RELU, {e.input("x", Type::float32, {-1, 4})});
  e.set_outputs({e.add(Builtin::RESHAPE, {x, e.list({-1, 4})}, shape_option({-1, 4}), "y")});
  EXPECT_EQ(optimize(draft, {"remove-identities"}), 1);
  EXPECT_EQ(operators(draft), (Names{"RELU"}));
}

}  // namespace
}  // namespace cygnet::test
