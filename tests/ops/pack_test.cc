// SPDX-License-Identifier: Apache-2.0
// PACK and UNPACK.
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
struct Stack {
  Index slice, whole;
  std::vector<std::vector<T>> slices;
  std::vector<T> elements;
};

template <class T>
Stack<T> stack(const Index& slice, int axis, int n) {
  Stack<T> s{slice, slice, {}, {}};
  const int at = axis < 0 ? axis + static_cast<int>(slice.size()) + 1 : axis;
  s.whole.insert(s.whole.begin() + at, n);
  for (int i = 0; i < n; ++i) s.slices.push_back(distinct<T>(count(slice), i * 13));
  s.elements = tabulate<T>(s.whole, [&](Index index) {
    const auto i = static_cast<size_t>(index[static_cast<size_t>(at)]);
    index.erase(index.begin() + at);
    return s.slices[i][flat(slice, index)];
  });
  return s;
}

template <class T>
OpCase pack(const Index& slice, int axis, int n) {
  const Stack<T> s = stack<T>(slice, axis, n);
  OpCase c{.name = "pack",
           .model =
               [=](ModelBuilder& b) {
                 std::vector<int> inputs;
                 for (int i = 0; i < n; ++i) inputs.push_back(b.input(slice, type_of<T>()));
                 b.op(Op::PACK, inputs, {b.output(s.whole, type_of<T>())},
                      schema::CreatePackOptions(b.fbb(), n, axis));
               },
           .inputs = {},
           .outputs = {values(s.elements)},
           .shapes = {s.whole},
           .tolerance = 0,
           .kernel_steps = 0};
  for (const auto& x : s.slices) c.inputs.push_back(values(x));
  return c;
}

template <class T>
OpCase unpack(const Index& slice, int axis, int n) {
  const Stack<T> s = stack<T>(slice, axis, n);
  OpCase c{.name = "unpack",
           .model =
               [=](ModelBuilder& b) {
                 const int x = b.input(s.whole, type_of<T>());
                 std::vector<int> outputs;
                 for (int i = 0; i < n; ++i) outputs.push_back(b.output(slice, type_of<T>()));
                 b.op(Op::UNPACK, {x}, outputs, schema::CreateUnpackOptions(b.fbb(), n, axis));
               },
           .inputs = {values(s.elements)},
           .outputs = {},
           .tolerance = 0,
           .kernel_steps = 0};
  for (const auto& x : s.slices) {
    c.outputs.push_back(values(x));
    c.shapes.push_back(slice);
  }
  return c;
}

TEST(Pack, Cases) {
  run_op_cases({
      pack<float>({2, 3}, 0, 2),
      pack<float>({2, 3}, 1, 3),
      pack<float>({2, 3}, 2, 4),
      pack<int8_t>({2, 3}, -1, 2),
      pack<int8_t>({2, 3}, -3, 2),
      pack<uint8_t>({}, 0, 3),
      pack<int16_t>({4}, 1, 1),
      pack<int32_t>({1}, 1, 3),
      pack<int64_t>({2, 0}, 1, 2),
      pack<float>({300, 70}, 1, 2),
  });
}

TEST(Unpack, Cases) {
  run_op_cases({
      unpack<float>({2, 3}, 0, 2),
      unpack<float>({2, 3}, 1, 3),
      unpack<float>({2, 3}, 2, 4),
      unpack<int8_t>({17}, 1, 2),
      unpack<uint8_t>({2, 3}, -3, 2),
      unpack<int16_t>({}, 0, 3),
      unpack<int32_t>({4}, -1, 1),
      unpack<float>({2, 0}, 1, 2),
      unpack<float>({300, 70}, 1, 2),
  });
}

std::function<void(ModelBuilder&)> two(const Index& x, const Index& y, int n, int axis) {
  return [=](ModelBuilder& b) {
    const int a = b.input(x), c = b.input(y);
    b.op(Op::PACK, {a, c}, {b.output({1})}, schema::CreatePackOptions(b.fbb(), n, axis));
  };
}

TEST(Pack, Refuses) {
  refuse_op_cases({
      {.name = "count", .model = two({2}, {2}, 3, 0), .message = "values_count: expected 2"},
      {.name = "axis", .model = two({2}, {2}, 2, 2), .message = "axis: expected -2 to 1, got 2"},
      {.name = "axis below",
       .model = two({2}, {2}, 2, -3),
       .message = "axis: expected -2 to 1, got -3"},
      {.name = "shapes",
       .model = two({2}, {3}, 2, 0),
       .message = "input 1: expected FLOAT32 [2] as input 0 has, got FLOAT32 [3]"},
      {.name = "rank",
       .model = two(Index(8, 1), Index(8, 1), 2, 0),
       .message = "8 dimensions already"},
  });
}

std::function<void(ModelBuilder&)> apart(const Index& x, int n, int axis,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int a = b.input(x);
    const int y = b.output({1}), z = b.output({1}, type);
    b.op(Op::UNPACK, {a}, {y, z}, schema::CreateUnpackOptions(b.fbb(), n, axis));
  };
}

TEST(Unpack, Refuses) {
  refuse_op_cases({
      {.name = "num",
       .model = apart({2, 3}, 3, 0),
       .message = "num: expected 2, the number of outputs, got 3"},
      {.name = "dimension",
       .model = apart({2, 3}, 2, 1),
       .message = "expected 2 slices along axis 1"},
      {.name = "axis", .model = apart({2, 3}, 2, 2), .message = "axis: expected -2 to 1, got 2"},
      {.name = "scalar", .model = apart({}, 2, 0), .message = "axis: expected"},
      {.name = "type",
       .model = apart({2, 3}, 2, 0, Type::int8),
       .message = "output 1: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
