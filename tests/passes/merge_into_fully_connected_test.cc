// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

int32_t dense(Editor& e, int32_t x, int32_t units, int32_t k, bool keep,
              std::string_view name = {}) {
  schema::FullyConnectedOptionsT options;
  options.keep_num_dims = keep;
  return e.add(Builtin::FULLY_CONNECTED,
               {x, random_constant(e, {units, k}, 7), random_constant(e, {units}, 8)}, options,
               name);
}

TEST(MergeIntoFullyConnected, FlattenInFront) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 3, 4});
  e.set_outputs({dense(e, reshape(e, x, {-1, 24}), 5, 24, false, "y")});
  EXPECT_EQ(optimize(draft, {"merge-into-fully-connected"}), 1);
  EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
}

TEST(MergeIntoFullyConnected, LeadingDimensionsGivenBack) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 3, 4});
  const int32_t y = dense(e, reshape(e, x, {-1, 4}), 5, 4, false);
  e.set_outputs({reshape(e, y, {-1, 2, 3, 5}, "y")});
  EXPECT_EQ(optimize(draft, {"merge-into-fully-connected"}), 2);
  EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
}

TEST(MergeIntoFullyConnected, FlattenBehind) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 4});
  e.set_outputs({reshape(e, dense(e, x, 5, 4, true), {-1, 5}, "y")});
  EXPECT_EQ(optimize(draft, {"merge-into-fully-connected"}), 1);
  EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
}

TEST(MergeIntoFullyConnected, BatchMatmulByConstant) {
  for (bool transposed : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = e.input("x", Type::float32, {-1, 2, 4});
    schema::BatchMatMulOptionsT options;
    options.adj_y = transposed;
    const Shape shape = transposed ? Shape{3, 4} : Shape{4, 3};
    e.set_outputs({e.add(Builtin::BATCH_MATMUL, {x, random_constant(e, shape, 1)}, options, "y")});
    EXPECT_EQ(optimize(draft, {"merge-into-fully-connected"}), 1);
    EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
  }
}

TEST(MergeIntoFullyConnected, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2, 4});
  const int32_t shared = dense(e, x, 6, 4, true, "shared");
  e.set_outputs({
      shared,
      reshape(e, shared, {-1, 6}, "flat"),
      reshape(e, dense(e, x, 6, 4, true), {-1, 3}, "cuts rows"),
      dense(e, reshape(e, x, {-1, 4, 2}), 6, 2, true, "other rows"),
      e.add(
          Builtin::BATCH_MATMUL, {x, random_constant(e, {1, 2, 4}, 1)},
          [] {
            schema::BatchMatMulOptionsT options;
            options.adj_x = true;
            return options;
          }(),
          "left side transposed"),
  });
  EXPECT_EQ(optimize(draft, {"merge-into-fully-connected"}), 0);
}

}  // namespace
}  // namespace cygnet::test
