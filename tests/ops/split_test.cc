// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
OpCase split(const Index& in, int axis, int n, bool known) {
  const auto at = static_cast<size_t>(axis < 0 ? axis + static_cast<int>(in.size()) : axis);
  const std::vector<T> x = distinct<T>(count(in));
  Index part = in;
  part[at] /= n;
  OpCase c{.name = "split",
           .model =
               [=](ModelBuilder& b) {
                 const int a = known ? b.constant<int32_t>({}, {axis}) : b.input({1}, Type::int32);
                 const int t = b.input(in, type_of<T>());
                 std::vector<int> outputs;
                 for (int i = 0; i < n; ++i) outputs.push_back(b.output(part, type_of<T>()));
                 b.op(Op::SPLIT, {a, t}, outputs, schema::CreateSplitOptions(b.fbb(), n));
               },
           .inputs = {},
           .outputs = {},
           .tolerance = 0,
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values<int32_t>({axis}));
  c.inputs.push_back(values(x));
  for (int i = 0; i < n; ++i) {
    c.shapes.push_back(part);
    c.outputs.push_back(values(tabulate<T>(part, [&](Index index) {
      index[at] += i * part[at];
      return x[flat(in, index)];
    })));
  }
  return c;
}

TEST(Split, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(split<float>({4, 6}, 0, 2, known));
    cases.push_back(split<float>({4, 6}, 1, 3, known));
    cases.push_back(split<int8_t>({4, 6}, -1, 6, known));
    cases.push_back(split<uint8_t>({2, 4, 3}, -2, 2, known));
    cases.push_back(split<int16_t>({5}, 0, 1, known));
    cases.push_back(split<int32_t>({0, 4}, 1, 2, known));
    cases.push_back(split<int64_t>({0, 4}, 0, 3, known));
    cases.push_back(split<float>({100, 400}, 1, 2, known));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> halves_of(const Index& in, int axis, int n,
                                             Type second = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in);
    const int y = b.output({1}), z = b.output({1}, second);
    b.op(Op::SPLIT, {b.constant<int32_t>({}, {axis}), x}, {y, z},
         schema::CreateSplitOptions(b.fbb(), n));
  };
}

TEST(Split, Refuses) {
  refuse_op_cases({
      {.name = "odd",
       .model = halves_of({3, 4}, 0, 2),
       .message = "num_splits 2 does not divide dimension 0"},
      {.name = "axis", .model = halves_of({4}, 1, 2), .message = "axis: expected -1 to 0, got 1"},
      {.name = "count", .model = halves_of({6}, 0, 3), .message = "num_splits: expected 2"},
      {.name = "zero", .model = halves_of({6}, 0, 0), .message = "num_splits: expected 2"},
      {.name = "type",
       .model = halves_of({6}, 0, 2, Type::int8),
       .message = "output 1: expected type FLOAT32 as input 1 has, got INT8"},
  });
}

}  // namespace
}  // namespace cygnet::test
