// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// `sizes` as written; `resolved` with the −1 replaced.
template <class T, class I>
OpCase split(const Index& in, int32_t axis, const std::vector<I>& sizes, const Index& resolved,
             bool known) {
  const auto at = static_cast<size_t>(axis < 0 ? axis + static_cast<int>(in.size()) : axis);
  const auto parts = static_cast<int32_t>(sizes.size());
  const std::vector<T> x = distinct<T>(count(in));
  std::vector<Index> shapes;
  OpCase c{.name = "split_v", .model = {}, .inputs = {values(x)}, .outputs = {}, .kernel_steps = 0};
  int32_t first = 0;
  for (int32_t size : resolved) {
    Index shape = in;
    shape[at] = size;
    c.outputs.push_back(values(tabulate<T>(shape, [&](Index index) {
      index[at] += first;
      return x[flat(in, index)];
    })));
    shapes.push_back(shape);
    first += size;
  }
  c.shapes = shapes;
  c.model = [=](ModelBuilder& b) {
    const int a = b.input(in, type_of<T>());
    const int s = known ? b.constant<I>({parts}, sizes) : b.input({parts}, type_of<I>());
    const int where = b.constant<int32_t>({}, {axis});
    std::vector<int> outputs;
    for (const Index& shape : shapes) outputs.push_back(b.output(shape, type_of<T>()));
    b.op(Op::SPLIT_V, {a, s, where}, outputs, schema::CreateSplitVOptions(b.fbb(), parts), 2);
  };
  if (!known) c.inputs.push_back(values(sizes));
  return c;
}

TEST(SplitV, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(split<float, int32_t>({6}, 0, {1, 3, 2}, {1, 3, 2}, known));
    cases.push_back(split<float, int64_t>({2, 7, 3}, 1, {2, -1, 1}, {2, 4, 1}, known));
    cases.push_back(split<int8_t, int32_t>({2, 7}, -1, {-1, 7}, {0, 7}, known));
    cases.push_back(split<int64_t, int32_t>({3, 2}, 0, {0, 3}, {0, 3}, known));
    cases.push_back(split<int16_t, int32_t>({5, 2}, -2, {5}, {5}, known));
    cases.push_back(split<float, int32_t>({90, 300}, 1, {1, 299}, {1, 299}, known));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> model(const std::vector<int32_t>& sizes, int32_t axis,
                                         int32_t parts, Type second = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 6});
    const int s = b.constant<int32_t>({static_cast<int32_t>(sizes.size())}, sizes);
    const int a = b.constant<int32_t>({}, {axis});
    const int y = b.output({1, 1}), z = b.output({1, 1}, second);
    b.op(Op::SPLIT_V, {x, s, a}, {y, z}, schema::CreateSplitVOptions(b.fbb(), parts));
  };
}

TEST(SplitV, Refuses) {
  refuse_op_cases({
      {.name = "left over",
       .model = model({2, 3}, 1, 2),
       .message = "sizes: 1 of dimension 1 of input 0 [2,6] are left over"},
      {.name = "too many",
       .model = model({2, 5}, 1, 2),
       .message = "size: expected -1 to 4, got 5"},
      {.name = "after -1",
       .model = model({-1, 7}, 1, 2),
       .message = "size: expected -1 to 6, got 7"},
      {.name = "two open", .model = model({-1, -1}, 1, 2), .message = "more than one is -1"},
      {.name = "negative",
       .model = model({-2, 6}, 1, 2),
       .message = "size: expected -1 to 6, got -2"},
      {.name = "axis", .model = model({3, 3}, 2, 2), .message = "axis: expected -2 to 1, got 2"},
      {.name = "count", .model = model({3, 3}, 1, 3), .message = "num_splits: expected 2"},
      {.name = "sizes",
       .model = model({6}, 1, 2),
       .message = "input 1: expected shape [2], got [1]"},
      {.name = "type",
       .model = model({3, 3}, 1, 2, Type::int8),
       .message = "output 1: expected type FLOAT32 as input 0 has, got INT8"},
  });
}

}  // namespace
}  // namespace cygnet::test
