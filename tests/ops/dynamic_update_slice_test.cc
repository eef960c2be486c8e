// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// `begin`: as given; `at`: where the part comes to lie.
template <class T>
OpCase update(const Index& in, const Index& part, const std::vector<int64_t>& begin,
              const Index& at) {
  const std::vector<T> x = distinct<T>(count(in)), u = distinct<T>(count(part), 60);
  const std::vector<T> expected = tabulate<T>(in, [&](const Index& index) {
    Index from = index;
    for (size_t d = 0; d < from.size(); ++d) {
      from[d] -= at[d];
      if (from[d] < 0 || from[d] >= part[d]) return x[flat(in, index)];
    }
    return u[flat(part, from)];
  });
  return {.name = "dynamic_update_slice",
          .model =
              [=](ModelBuilder& b) {
                const int a = b.input(in, type_of<T>()), p = b.input(part, type_of<T>());
                const int i = b.input({static_cast<int32_t>(in.size())}, Type::int64);
                b.op(Op::DYNAMIC_UPDATE_SLICE, {a, p, i}, {b.output(in, type_of<T>())},
                     schema::CreateDynamicUpdateSliceOptions(b.fbb()));
              },
          .inputs = {values(x), values(u), values(begin)},
          .outputs = {values(expected)},
          .shapes = {in},
          .kernel_steps = 0};
}

TEST(DynamicUpdateSlice, Cases) {
  run_op_cases({
      update<float>({6}, {2}, {3}, {3}),
      update<float>({4, 5}, {2, 3}, {1, 2}, {1, 2}),
      update<int8_t>({4, 5}, {2, 3}, {3, 9}, {2, 2}),
      update<int16_t>({4, 5}, {2, 3}, {-1, INT64_MIN}, {0, 0}),
      update<int64_t>({4, 5}, {4, 5}, {1, INT64_MAX}, {0, 0}),
      update<float>({4, 5}, {0, 5}, {1, 0}, {1, 0}),
      update<float>({4, 0}, {2, 0}, {1, 0}, {1, 0}),
      update<int32_t>({2, 3, 4, 5}, {1, 2, 2, 5}, {1, 0, 2, 0}, {1, 0, 2, 0}),
      update<float>({}, {}, {}, {}),
      update<float>({200, 90}, {150, 80}, {20, 3}, {20, 3}),
  });
}

// The inputs are results that nothing else needs: the output lies where one of them does.
OpCase in_place(const Index& part, int64_t begin, const std::vector<float>& expected) {
  const auto n = static_cast<size_t>(part[0]);
  return {.name = "in place",
          .model =
              [=](ModelBuilder& b) {
                const int x = b.input({4}), u = b.input(part), i = b.input({2}, Type::int64);
                const int a = b.add_tensor({4}, Type::float32);
                const int p = b.add_tensor(part, Type::float32);
                const int begins = b.add_tensor({1}, Type::int64);
                b.op(Op::RELU, {x}, {a});
                b.op(Op::RELU, {u}, {p});
                const int zero = b.constant<int64_t>({1}, {0}), one = b.constant<int64_t>({1}, {1});
                b.op(Op::STRIDED_SLICE, {i, zero, one, one}, {begins},
                     schema::CreateStridedSliceOptions(b.fbb()));
                b.op(Op::DYNAMIC_UPDATE_SLICE, {a, p, begins}, {b.output({4})});
              },
          .inputs = {values<float>({1, 2, 3, 4}), values(distinct<float>(n)),
                     values<int64_t>({begin, 0})},
          .outputs = {values(expected)}};
}

TEST(DynamicUpdateSlice, InPlace) {
  run_op_cases({
      in_place({2}, 1, {1, 1, 38, 4}),
      in_place({2}, 7, {1, 2, 1, 38}),
      in_place({4}, 1, {1, 38, 75, 112}),
  });
}

// Input 0 keeps its place, being the graph's; the output lies where the part does.
TEST(DynamicUpdateSlice, InPlaceOfThePart) {
  run_op_cases(
      {{.name = "part",
        .model =
            [](ModelBuilder& b) {
              const int x = b.input({4}), u = b.input({4}), i = b.input({1}, Type::int64);
              const int p = b.add_tensor({4}, Type::float32);
              b.op(Op::RELU, {u}, {p});
              b.op(Op::DYNAMIC_UPDATE_SLICE, {x, p, i}, {b.output({4})});
            },
        .inputs = {values<float>({1, 2, 3, 4}), values<float>({5, 6, 7, 8}), values<int64_t>({1})},
        .outputs = {values<float>({5, 6, 7, 8})}}});
}

std::function<void(ModelBuilder&)> model(const Index& in, const Index& part, const Index& begin,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int a = b.input(in), p = b.input(part, type), i = b.input(begin, Type::int32);
    b.op(Op::DYNAMIC_UPDATE_SLICE, {a, p, i}, {b.output(in)});
  };
}

TEST(DynamicUpdateSlice, Refuses) {
  refuse_op_cases({
      {.name = "larger",
       .model = model({2, 3}, {2, 4}, {2}),
       .message = "input 1: [2,4] is larger than input 0 [2,3]"},
      {.name = "rank",
       .model = model({2, 3}, {2}, {2}),
       .message = "input 1: expected rank 2, got 1"},
      {.name = "begin",
       .model = model({2, 3}, {2, 3}, {1}),
       .message = "input 2: expected shape [2], got [1]"},
      {.name = "type",
       .model = model({2, 3}, {2, 3}, {2}, Type::int32),
       .message = "input 1: expected type FLOAT32 as input 0 has, got INT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
