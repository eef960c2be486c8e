// SPDX-License-Identifier: Apache-2.0
#include "edit/editor.h"

#include <gtest/gtest.h>

#include "ops/builtin_ops.h"

namespace cygnet {
namespace {

using Dims = std::vector<int32_t>;

Dims signature(const Editor& e, int32_t i) {
  Dims dims;
  for (int d = 0; d < e.shape(i).rank; ++d) dims.push_back(e.dim_free(i, d) ? -1 : e.shape(i)[d]);
  return dims;
}

int32_t shape_of(Editor& e, int32_t x) {
  schema::ShapeOptionsT o;
  o.out_type = schema::TensorType::INT32;
  return e.add(Builtin::SHAPE, {x}, o, {"shape", Type::int32});
}

TEST(Editor, InfersShapesForEveryBatch) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 8, 8, 3});
  const int32_t w = e.constant<float>({4, 3, 3, 3}, std::vector<float>(108));
  const int32_t b = e.constant<float>({4}, std::vector<float>(4));
  schema::Conv2DOptionsT o;
  o.stride_h = o.stride_w = 2;
  const int32_t y = e.add(Builtin::CONV_2D, {x, w, b}, o, "y");
  EXPECT_EQ(signature(e, y), (Dims{-1, 4, 4, 4}));
  EXPECT_EQ(e.shape(y), (Shape{1, 4, 4, 4}));
  EXPECT_TRUE(e.tensor(y).has_signature);
  EXPECT_EQ(e.tensor(y).signature, (Shape{-1, 4, 4, 4}));
}

TEST(Editor, ProductsOfTheBatchAreFreeToo) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 6, 4});
  const int32_t y = e.add(Builtin::RESHAPE, {x, e.list({-1, 4})}, schema::ReshapeOptionsT(), "y");
  EXPECT_EQ(signature(e, y), (Dims{-1, 4}));
  EXPECT_EQ(e.shape(y)[0], 6);
}

TEST(Editor, ShapeArithmeticBecomesATarget) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 6, 4});
  const int32_t shape = shape_of(e, x);
  EXPECT_FALSE(e.integers(shape).has_value());
  schema::StridedSliceOptionsT o;
  o.shrink_axis_mask = 1;
  const int32_t batch =
      e.add(Builtin::STRIDED_SLICE, {shape, e.list({0}), e.list({1}), e.list({1})}, o, "batch");
  schema::PackOptionsT pack;
  pack.values_count = 2;
  const int32_t target = e.add(Builtin::PACK, {batch, e.scalar<int32_t>(24)}, pack, "target");
  EXPECT_EQ(e.reshape_target(target), (Dims{-1, 24}));
  const int32_t rows =
      e.add(Builtin::STRIDED_SLICE, {shape, e.list({1}), e.list({2}), e.list({1})}, o, "rows");
  EXPECT_EQ(e.integers(rows), (std::vector<int64_t>{6}));
  EXPECT_TRUE(e.constant(rows)) << "what does not depend on the batch is a constant at once";
}

TEST(Editor, TwoDimensionsThatDependOnTheBatchAreNoTarget) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 6});
  schema::ConcatenationOptionsT o;
  const int32_t shape = shape_of(e, x);
  const int32_t twice = e.add(Builtin::CONCATENATION, {shape, shape}, o, "twice");
  EXPECT_FALSE(e.reshape_target(twice).has_value());
}

TEST(Editor, SmallConstantsAreComputed) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t sum = e.add(Builtin::ADD, {e.scalar(2.0f), e.scalar(0.5f)}, schema::AddOptionsT());
  ASSERT_TRUE(e.constant(sum));
  EXPECT_EQ(e.values<float>(sum)[0], 2.5f);
  EXPECT_EQ(e.subgraph().nodes.size(), 0u);
}

TEST(Editor, EmptyResultsAreKnown) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t none =
      e.add(Builtin::RANGE, {e.scalar<int32_t>(0), e.scalar<int32_t>(0), e.scalar<int32_t>(1)},
            schema::RangeOptionsT(), "axes");
  EXPECT_TRUE(e.constant(none));
  EXPECT_EQ(e.shape(none), (Shape{0}));
  ASSERT_TRUE(e.integers(none).has_value());
  EXPECT_TRUE(e.integers(none)->empty());
  EXPECT_TRUE(e.subgraph().nodes.empty());
  // [N, 0] is no constant: its shape follows the batch.
  const int32_t shape = shape_of(e, e.input("x", Type::float32, {-1, 0}));
  const int32_t filled =
      e.add(Builtin::FILL, {shape, e.scalar(1.0f)}, NoOptions(), Results("filled", Type::float32));
  EXPECT_FALSE(e.constant(filled));
}

TEST(Editor, ErrorsNameTheNode) {
  Draft draft;
  draft.source = "net.pb";
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {1, 8});
  try {
    e.add(Builtin::RESHAPE, {x, e.list({3, 3})}, schema::ReshapeOptionsT(), "flat");
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    const std::string message = failure.what();
    EXPECT_NE(message.find("net.pb"), std::string::npos) << message;
    EXPECT_NE(message.find("flat"), std::string::npos) << message;
  }
}

TEST(Editor, ConstantsMustHaveTheirBytes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  EXPECT_THROW(e.constant<float>({3}, std::vector<float>(2)), Failure);
}

}  // namespace
}  // namespace cygnet
