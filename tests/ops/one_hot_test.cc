// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T, class I>
OpCase one_hot(const Index& shape, const std::vector<I>& indices, int32_t depth, int32_t axis, T on,
               T off, bool known) {
  Index out = shape;
  const auto at = axis < 0 ? shape.size() : static_cast<size_t>(axis);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), depth);
  const std::vector<T> expected = tabulate<T>(out, [&](Index index) {
    const int32_t d = index[at];
    index.erase(index.begin() + static_cast<std::ptrdiff_t>(at));
    return indices[flat(shape, index)] == d ? on : off;
  });
  OpCase c{.name = "one_hot",
           .model =
               [=](ModelBuilder& b) {
                 const int x = b.input(shape, type_of<I>());
                 const int n = known ? b.constant<int32_t>({}, {depth}) : b.input({}, Type::int32);
                 const int p = b.constant<T>({}, {on}), q = b.constant<T>({}, {off});
                 b.op(Op::ONE_HOT, {x, n, p, q}, {b.output(out, type_of<T>())},
                      schema::CreateOneHotOptions(b.fbb(), axis));
               },
           .inputs = {values(indices)},
           .outputs = {values(expected)},
           .shapes = {out},
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values<int32_t>({depth}));
  return c;
}

TEST(OneHot, Cases) {
  std::vector<OpCase> cases;
  const std::vector<int32_t> some = {0, 2, 1, 3, -1, 5};
  for (bool known : {true, false}) {
    cases.push_back(one_hot<float, int32_t>({6}, some, 4, -1, 1, 0, known));
    cases.push_back(one_hot<float, int32_t>({6}, some, 4, 0, 2.5, -1, known));
    cases.push_back(one_hot<int32_t, int32_t>({2, 3}, some, 4, 1, 7, -7, known));
    cases.push_back(one_hot<int64_t, int64_t>({3, 2}, {0, 2, INT64_MAX, 1, INT64_MIN, 3}, 3, 2, 1,
                                              INT64_MIN, known));
    cases.push_back(one_hot<int8_t, int32_t>({}, {1}, 3, 0, 5, -5, known));
    cases.push_back(one_hot<uint8_t, int32_t>({2}, {0, 1}, 0, -1, 1, 0, known));
    cases.push_back(one_hot<float, int32_t>({0}, {}, 3, -1, 1, 0, known));
    cases.push_back(one_hot<float, int32_t>({100}, random_elements<int32_t>(100, 3, 0, 299), 300, 0,
                                            1, 0, known));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> model(const Index& shape, int32_t depth, int32_t axis,
                                         Type indices = Type::int32, Type out = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(shape, indices), n = b.constant<int32_t>({}, {depth});
    const int on = b.constant<float>({}, {1}), off = b.constant<float>({}, {0});
    b.op(Op::ONE_HOT, {x, n, on, off}, {b.output({1, 1}, out)},
         schema::CreateOneHotOptions(b.fbb(), axis));
  };
}

TEST(OneHot, Refuses) {
  refuse_op_cases({
      {.name = "axis", .model = model({2}, 3, 2), .message = "axis: expected -1 to 1, got 2"},
      {.name = "axis below",
       .model = model({2}, 3, -2),
       .message = "axis: expected -1 to 1, got -2"},
      {.name = "depth",
       .model = model({2}, -3, 0),
       .message = "depth: expected 0 to 2147483647, got -3"},
      {.name = "indices",
       .model = model({2}, 3, 0, Type::float32),
       .message = "input 0: type FLOAT32 is not supported"},
      {.name = "type",
       .model = model({2}, 3, 0, Type::int32, Type::int8),
       .message = "output 0: expected type FLOAT32 as input 2 has, got INT8"},
      {.name = "rank",
       .model = model(Index(8, 1), 3, 0),
       .message = "T2: input 0 has 8 dimensions already"},
      {.name = "size", .model = model({1 << 20}, 1 << 20, 0), .message = "T3: "},
  });
}

}  // namespace
}  // namespace cygnet::test
