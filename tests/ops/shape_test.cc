// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/builtin_ops.h"
#include "ops/movement_cases.h"
#include "runtime/interpreter.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
OpCase shape_of(const Index& in, Type type) {
  return {.name = "shape",
          .model =
              [=](ModelBuilder& b) {
                const int x = b.input(in, type);
                const int y = b.output({static_cast<int32_t>(in.size())}, type_of<T>());
                b.op(Op::SHAPE, {x}, {y},
                     schema::CreateShapeOptions(b.fbb(),
                                                static_cast<schema::TensorType>(type_of<T>())));
              },
          .inputs = {{type,
                      std::vector<uint8_t>(count(in) * static_cast<size_t>(type_bits(type)) / 8)}},
          .outputs = {values(std::vector<T>(in.begin(), in.end()))},
          .shapes = {{static_cast<int32_t>(in.size())}}};
}

TEST(Shape, Cases) {
  run_op_cases({
      shape_of<int32_t>({2, 3, 4}, Type::float32),
      shape_of<int64_t>({2, 3, 4}, Type::float32),
      shape_of<int32_t>({5, 0}, Type::int8),
      shape_of<int64_t>({1, 2, 3, 4, 5, 6, 7, 1}, Type::boolean),
      shape_of<int32_t>({}, Type::int64),
  });
}

// The shape feeds a RESHAPE, which would else be planned only while running.
void reshape_like(ModelBuilder& b) {
  const int x = b.input({2, 3}), like = b.input({3, 1, 2});
  const int shape = b.add_tensor({3}, Type::int32);
  b.op(Op::SHAPE, {like}, {shape}, schema::CreateShapeOptions(b.fbb(), schema::TensorType::INT32));
  b.op(Op::RESHAPE, {x, shape}, {b.output({3, 1, 2})});
}

TEST(Shape, IsKnownBeforeTheRun) {
  ModelBuilder b;
  reshape_like(b);
  const TestImage image = b.finish();
  Model model;
  Interpreter interpreter;
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  ASSERT_TRUE(interpreter.allocate().ok());
  ASSERT_EQ(interpreter.plan().steps.size(), 1u);
  EXPECT_FALSE(interpreter.plan().steps[0].dynamic);
  EXPECT_EQ(interpreter.output(0).shape, (Shape{3, 1, 2}));

  run_op_cases({{.name = "reshape",
                 .model = reshape_like,
                 .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<float>({0, 0, 0, 0, 0, 0})},
                 .outputs = {values<float>({1, 2, 3, 4, 5, 6})},
                 .shapes = {{3, 1, 2}}}});
}

TEST(Shape, OfATensorKnownOnlyWhileRunning) {
  run_op_cases({{.name = "late",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({6}), to = b.input({2}, Type::int32);
                       const int reshaped = b.add_tensor({1, 1}, Type::float32);
                       b.op(Op::RESHAPE, {x, to}, {reshaped});
                       b.op(Op::SHAPE, {reshaped}, {b.output({2}, Type::int64)},
                            schema::CreateShapeOptions(b.fbb(), schema::TensorType::INT64));
                       b.op(Op::RANK, {reshaped}, {b.output({}, Type::int32)},
                            schema::CreateRankOptions(b.fbb()));
                     },
                 .inputs = {values<float>({1, 2, 3, 4, 5, 6}), values<int32_t>({2, 3})},
                 .outputs = {values<int64_t>({2, 3}), values<int32_t>({2})}}});
}

OpCase rank_of(const Index& in) {
  return {.name = "rank",
          .model =
              [=](ModelBuilder& b) {
                const int x = b.input(in);
                b.op(Op::RANK, {x}, {b.output({}, Type::int32)},
                     schema::CreateRankOptions(b.fbb()));
              },
          .inputs = {values(distinct<float>(count(in)))},
          .outputs = {values<int32_t>({static_cast<int32_t>(in.size())})},
          .shapes = {{}}};
}

TEST(Rank, Cases) {
  run_op_cases({rank_of({}), rank_of({4}), rank_of({2, 0, 3}), rank_of({1, 1, 1, 1, 1, 1, 1, 1})});
}

TEST(Shape, Refuses) {
  const auto shape = [](Type type, schema::TensorType wanted) {
    return [=](ModelBuilder& b) {
      const int x = b.input({2});
      b.op(Op::SHAPE, {x}, {b.output({1}, type)}, schema::CreateShapeOptions(b.fbb(), wanted));
    };
  };
  refuse_op_cases({
      {.name = "type",
       .model = shape(Type::float32, schema::TensorType::FLOAT32),
       .message = "output 0: type FLOAT32 is not supported"},
      {.name = "option",
       .model = shape(Type::int32, schema::TensorType::INT64),
       .message = "output 0: expected type INT64 as out_type says, got INT32"},
      {.name = "rank",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RANK, {x}, {b.output({}, Type::int64)});
           },
       .message = "output 0: expected type INT32, got INT64"},
  });
}

}  // namespace
}  // namespace cygnet::test
