// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

int32_t dense(Editor& e, int32_t x, bool bias, std::string_view name = "y") {
  schema::FullyConnectedOptionsT options;
  options.keep_num_dims = true;
  return e.add(Builtin::FULLY_CONNECTED,
               {x, random_constant(e, {5, 3}, 7), bias ? random_constant(e, {5}, 8) : kAbsent},
               options, name);
}

int32_t conv(Editor& e, int32_t x, int32_t size, schema::Padding padding) {
  schema::Conv2DOptionsT options;
  options.stride_h = options.stride_w = 1;
  options.padding = padding;
  return e.add(Builtin::CONV_2D,
               {x, random_constant(e, {4, size, size, 3}, 7), random_constant(e, {4}, 8)}, options,
               "y");
}

int32_t affine(Editor& e, int32_t x) {
  return add(e, mul(e, x, random_constant(e, {3}, 1)), random_constant(e, {1, 3}, 2));
}

TEST(FoldAffineForward, FullyConnected) {
  for (bool bias : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    e.set_outputs({dense(e, affine(e, e.input("x", Type::float32, {-1, 6, 3})), bias)});
    EXPECT_EQ(optimize(draft, {"fold-affine-forward"}), 2);
    EXPECT_EQ(operators(draft), Names{"FULLY_CONNECTED"});
  }
}

TEST(FoldAffineForward, Convolution) {
  for (int32_t size : {1, 3}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = e.input("x", Type::float32, {-1, 6, 6, 3});
    e.set_outputs(
        {conv(e, affine(e, x), size, size == 1 ? schema::Padding::SAME : schema::Padding::VALID)});
    EXPECT_EQ(optimize(draft, {"fold-affine-forward"}), 2);
    EXPECT_EQ(operators(draft), Names{"CONV_2D"});
  }
}

TEST(FoldAffineForward, OffsetIsNoZero) {
  // The padding holds zeros, not offsets.
  Draft draft;
  Editor e(draft, builtin_ops());
  e.set_outputs(
      {conv(e, affine(e, e.input("x", Type::float32, {-1, 6, 6, 3})), 3, schema::Padding::SAME)});
  EXPECT_EQ(optimize(draft, {"fold-affine-forward"}), 0);
  EXPECT_EQ(operators(draft), (Names{"MUL", "ADD", "CONV_2D"}));
}

TEST(FoldAffineForward, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3, 3});
  const int32_t shared = mul(e, x, random_constant(e, {3}, 1), "shared");
  e.set_outputs({shared, dense(e, shared, true, "a"),
                 dense(e, mul(e, x, random_constant(e, {3, 1}, 3)), true, "rows, not channels")});
  EXPECT_EQ(optimize(draft, {"fold-affine-forward"}), 0);
}

}  // namespace
}  // namespace cygnet::test
