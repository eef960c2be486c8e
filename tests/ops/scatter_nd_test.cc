// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
OpCase scatter(const Index& shape, const std::vector<int32_t>& indices, const Index& updates_shape,
               const std::vector<T>& updates, const Index& out, const std::vector<T>& expected,
               bool known) {
  const Index length{static_cast<int32_t>(out.size())};
  OpCase c{.name = "scatter_nd",
           .model =
               [=](ModelBuilder& b) {
                 const int i = b.input(shape, Type::int32);
                 const int u = b.input(updates_shape, type_of<T>());
                 const int s =
                     known ? b.constant<int32_t>(length, out) : b.input(length, Type::int32);
                 b.op(Op::SCATTER_ND, {i, u, s}, {b.output(out, type_of<T>())},
                      schema::CreateScatterNdOptions(b.fbb()));
               },
           .inputs = {values(indices), values(updates)},
           .outputs = {values(expected)},
           .shapes = {out},
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values(out));
  return c;
}

TEST(ScatterNd, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(scatter<float>({3, 1}, {3, 0, 3}, {3}, {1, 2, 4}, {5}, {2, 0, 0, 5, 0}, known));
    cases.push_back(
        scatter<float>({2, 1}, {1, 2}, {2, 2}, {1, 2, 3, 4}, {3, 2}, {0, 0, 1, 2, 3, 4}, known));
    cases.push_back(
        scatter<int32_t>({2, 2}, {0, 1, 1, 0}, {2}, {7, 9}, {2, 2}, {0, 7, 9, 0}, known));
    cases.push_back(scatter<int32_t>({2, 1}, {0, 0}, {2}, {INT32_MAX, 1}, {1}, {INT32_MIN}, known));
    cases.push_back(scatter<int8_t>({2, 1}, {0, 0}, {2}, {100, 100}, {2}, {-56, 0}, known));
    cases.push_back(scatter<uint8_t>({2, 1}, {1, 1}, {2}, {200, 100}, {2}, {0, 44}, known));
    cases.push_back(
        scatter<int64_t>({1, 2, 1}, {2, 0}, {1, 2, 1}, {5, 6}, {3, 1}, {6, 0, 5}, known));
    cases.push_back(scatter<float>({0, 1}, {}, {0, 2}, {}, {2, 2}, {0, 0, 0, 0}, known));
    cases.push_back(scatter<float>({1, 1}, {1}, {1, 0}, {}, {2, 0}, {}, known));
  }
  run_op_cases(cases);
}

TEST(ScatterNd, SumOfBoolsIsTheDisjunction) {
  run_op_cases({{.name = "bools",
                 .model =
                     [](ModelBuilder& b) {
                       const int i = b.input({4, 1}, Type::int32), u = b.input({4}, Type::boolean);
                       const int s = b.constant<int32_t>({1}, {3});
                       b.op(Op::SCATTER_ND, {i, u, s}, {b.output({3}, Type::boolean)});
                     },
                 .inputs = {values<int32_t>({0, 0, 1, 1}), bools({true, true, false, false})},
                 .outputs = {bools({true, false, false})}}});
}

std::function<void(ModelBuilder&)> model(const Index& indices, const Index& updates,
                                         const std::vector<int32_t>& shape,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int i = b.input(indices, Type::int32), u = b.input(updates, type);
    const int s = b.constant<int32_t>({static_cast<int32_t>(shape.size())}, shape);
    b.op(Op::SCATTER_ND, {i, u, s}, {b.output({1}, type)});
  };
}

TEST(ScatterNd, Refuses) {
  const auto run = [](int32_t index, const std::string& message) {
    return BadOpCase{.name = message,
                     .model = model({2, 1}, {2}, {3}),
                     .message = message,
                     .inputs = {values<int32_t>({0, index}), values<float>({1, 2})}};
  };
  refuse_op_cases({
      run(3, "index 3 at position 1 is not in dimension 0 of output 0 [3]"),
      run(-1, "index -1 at position 1"),
      {.name = "depth",
       .model = model({2, 2}, {2}, {3}),
       .message = "last dimension of input 0: expected 1 to 1, got 2"},
      {.name = "scalar",
       .model = model({}, {2}, {3}),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "updates",
       .model = model({2, 1}, {2, 2}, {3, 4}),
       .message = "input 1: expected shape [2,4], got [2,2]"},
      {.name = "negative",
       .model = model({2, 1}, {2}, {-3}),
       .message = "input 2: dimension 0 is -3"},
      {.name = "type",
       .model = model({2, 1}, {2}, {3}, Type::int16),
       .message = "input 1: type INT16 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
