// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

TEST(MergeReshapes, ChainsAndRelatives) {
  Draft draft;
  Editor e(draft, builtin_ops());
  int32_t x = e.add(Builtin::RELU, {e.input("x", Type::float32, {-1, 4, 6})});
  x = reshape(e, x, {-1, 24});
  x = e.add(Builtin::EXPAND_DIMS, {x, e.scalar<int32_t>(1)}, schema::ExpandDimsOptionsT());
  x = transpose(e, x, {0, 2, 1});
  schema::SqueezeOptionsT squeeze;
  squeeze.squeeze_dims = {2};
  x = e.add(Builtin::SQUEEZE, {x}, squeeze);
  x = e.add(Builtin::TANH, {x});
  x = reshape(e, x, {-1, 2, 12});
  e.set_outputs({e.add(Builtin::RELU, {x}, NoOptions(), "y")});
  EXPECT_GT(optimize(draft, {"merge-reshapes"}), 0);
  EXPECT_EQ(operators(draft), (Names{"RELU", "TANH", "RESHAPE", "RELU"}));
}

TEST(MergeReshapes, ReductionKeepsItsDimensions) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 5, 6});
  const int32_t mean = e.add(Builtin::MEAN, {x, e.list({1, 2})}, schema::ReducerOptionsT());
  schema::ReducerOptionsT keep;
  keep.keep_dims = true;
  const int32_t kept = e.add(Builtin::MEAN, {x, e.list({3})}, keep);
  e.set_outputs({reshape(e, mean, {-1, 1, 1, 6}, "a"), reshape(e, kept, {-1, 4, 5}, "b")});
  EXPECT_EQ(optimize(draft, {"merge-reshapes"}), 2);
  EXPECT_EQ(operators(draft), (Names{"MEAN", "MEAN"}));
}

TEST(MergeReshapes, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 6});
  const int32_t mean = e.add(Builtin::MEAN, {x, e.list({1})}, schema::ReducerOptionsT(), "mean");
  e.set_outputs({
      mean,
      reshape(e, mean, {-1, 1, 6}, "shared"),
      transpose(e, x, {0, 2, 1}, "moves data"),
      transpose(e, e.add(Builtin::MEAN, {x, e.list({1})}, schema::ReducerOptionsT()), {1, 0},
                "moves the batch"),
  });
  EXPECT_EQ(optimize(draft, {"merge-reshapes"}), 0);
  EXPECT_EQ(operators(draft), (Names{"MEAN", "RESHAPE", "TRANSPOSE", "MEAN", "TRANSPOSE"}));
}

}  // namespace
}  // namespace cygnet::test
