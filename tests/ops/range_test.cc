// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

template <class T>
OpCase range(T start, T limit, T delta, const std::vector<T>& expected, bool known) {
  const auto n = static_cast<int32_t>(expected.size());
  OpCase c{.name = "range",
           .model =
               [=](ModelBuilder& b) {
                 std::vector<int> inputs;
                 for (T value : {start, limit, delta})
                   inputs.push_back(known ? b.constant<T>({}, {value}) : b.input({}, type_of<T>()));
                 b.op(Op::RANGE, inputs, {b.output({n}, type_of<T>())},
                      schema::CreateRangeOptions(b.fbb()));
               },
           .inputs = {},
           .outputs = {values(expected)},
           .shapes = {{n}}};
  if (!known) c.inputs = {values<T>({start}), values<T>({limit}), values<T>({delta})};
  return c;
}

TEST(Range, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(range<int32_t>(0, 4, 1, {0, 1, 2, 3}, known));
    cases.push_back(range<int32_t>(2, 9, 3, {2, 5, 8}, known));
    cases.push_back(range<int32_t>(9, 2, -3, {9, 6, 3}, known));
    cases.push_back(range<int32_t>(5, 5, 1, {}, known));
    cases.push_back(
        range<int32_t>(INT32_MAX - 3, INT32_MAX, 2, {INT32_MAX - 3, INT32_MAX - 1}, known));
    cases.push_back(
        range<int64_t>(INT64_MIN, INT64_MAX, INT64_MAX, {INT64_MIN, -1, INT64_MAX - 1}, known));
    cases.push_back(range<int64_t>(3, INT64_MIN, INT64_MIN, {3, INT64_MIN + 3}, known));
    cases.push_back(range<float>(0.0f, 1.0f, 0.25f, {0.0f, 0.25f, 0.5f, 0.75f}, known));
    cases.push_back(range<float>(1.0f, -1.0f, -0.75f, {1.0f, 0.25f, -0.5f}, known));
  }
  run_op_cases(cases);
}

template <class T>
BadOpCase bad(T start, T limit, T delta, const std::string& message) {
  return {.name = message,
          .model =
              [=](ModelBuilder& b) {
                const int s = b.constant<T>({}, {start}), l = b.constant<T>({}, {limit});
                b.op(Op::RANGE, {s, l, b.constant<T>({}, {delta})}, {b.output({1}, type_of<T>())});
              },
          .message = message};
}

TEST(Range, Refuses) {
  refuse_op_cases({
      bad<int32_t>(0, 4, 0, "delta is 0 or leads away from limit"),
      bad<int32_t>(4, 4, 0, "delta is 0 or leads away from limit"),
      bad<int64_t>(0, 4, -1, "delta is 0 or leads away from limit"),
      bad<float>(0, 4, 0, "delta is 0 or leads away from limit"),
      bad<float>(0, INFINITY, 1, "is not finite"),
      bad<float>(0, 1, NAN, "is not finite"),
      bad<float>(0, 1e38f, 1e-30f, "T3: output 0 has more than 2147483647 elements"),
      bad<int64_t>(INT64_MIN, INT64_MAX, 1, "T3: output 0 has more than 2147483647 elements"),
      bad<int8_t>(0, 4, 1, "input 0: type INT8 is not supported"),
      {.name = "types",
       .model =
           [](ModelBuilder& b) {
             const int s = b.constant<int32_t>({}, {0}), l = b.constant<int64_t>({}, {4});
             b.op(Op::RANGE, {s, l, s}, {b.output({1}, Type::int32)});
           },
       .message = "input 1: expected type INT32 as input 0 has, got INT64"},
  });
}

}  // namespace
}  // namespace cygnet::test
