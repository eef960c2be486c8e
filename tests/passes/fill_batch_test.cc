// SPDX-License-Identifier: Apache-2.0
#include "passes/loops.h"

namespace cygnet::test {
namespace {

Names left(Type type, const std::vector<int32_t>& dims) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", type, {-1, 5, 7});
  const int32_t filled = fill_like(e, x, dims, 1.5f);
  e.set_outputs({e.add(Builtin::TANH, {filled}, NoOptions(), "y")});
  optimize(draft, {"fill-batch"});
  Names names = operators(draft);
  names.pop_back();
  return names;
}

TEST(FillBatchPass, ShapesThatLackTheBatch) {
  const Names select = {"STRIDED_SLICE", "SELECT_V2"};
  EXPECT_EQ(left(Type::float32, {-1, 4}), select);
  EXPECT_EQ(left(Type::float32, {3, -1, 4}), select);
  EXPECT_EQ(left(Type::float32, {3, 2, -1}), select);
  EXPECT_EQ(left(Type::float32, {-1, 2, 4}), select);
}

TEST(FillBatchPass, OperatorInFront) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::int32, {-1, 5});
  const int32_t y =
      e.add(Builtin::CAST, {x}, schema::CastOptionsT(), Results("cast", Type::float32));
  const int32_t filled = fill_like(e, y, {-1, 5}, 1.5f);
  const int32_t behind = add(e, filled, filled);
  e.set_outputs({add(e, behind, y, "y")});
  optimize(draft, {"fill-batch"});
  EXPECT_EQ(operators(draft), (Names{"CAST", "STRIDED_SLICE", "SELECT_V2", "ADD", "ADD"}));
}

TEST(FillBatchPass, NoInputThatTells) {
  const Names fill = {"SHAPE", "GATHER", "PACK", "FILL"};
  EXPECT_EQ(left(Type::int32, {-1, 4}), fill);
  EXPECT_EQ(left(Type::float32, {-1, 2, 3, 4}), fill);
  EXPECT_EQ(left(Type::float32, {-1, 0}), fill);
}

}  // namespace
}  // namespace cygnet::test
