// SPDX-License-Identifier: Apache-2.0
// ADD_N.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

TEST(AddN, Cases) {
  const Bare f = {{2, 2}}, i = {{2}, Type::int32};
  const Bare empty = {{0, 3}};
  run_op_cases({{.name = "three",
                 .model = bare_model(Op::ADD_N, {f, f, f}, f),
                 .inputs = {values<float>({1, 2, 3, 4}), values<float>({0.5f, -2, 0, 1}),
                            values<float>({10, 20, 30, 40})},
                 .outputs = {values<float>({11.5f, 20, 33, 45})}},
                {.name = "wraps",
                 .model = bare_model(Op::ADD_N, {i, i}, i),
                 .inputs = {values<int32_t>({2147483647, 5}), values<int32_t>({1, -7})},
                 .outputs = {values<int32_t>({-2147483647 - 1, -2})}},
                {.name = "no elements",
                 .model = bare_model(Op::ADD_N, {empty, empty}, empty),
                 .inputs = {values<float>({}), values<float>({})},
                 .outputs = {values<float>({})}}});
}

TEST(AddN, Refuses) {
  const Bare f = {{2}}, i = {{2}, Type::int32}, l = {{2}, Type::int64};
  refuse_op_cases({{.name = "one", .model = bare_model(Op::ADD_N, {f}, f), .message = "G2"},
                   {.name = "types",
                    .model = bare_model(Op::ADD_N, {f, f, i}, f),
                    .message = "input 2: expected type FLOAT32"},
                   {.name = "shapes",
                    .model = bare_model(Op::ADD_N, {f, {{1}}}, f),
                    .message = "input 1: expected shape [2], got [1]"},
                   {.name = "int64",
                    .model = bare_model(Op::ADD_N, {l, l}, l),
                    .message = "type INT64 is not supported"},
                   {.name = "result",
                    .model = bare_model(Op::ADD_N, {f, f}, i),
                    .message = "output 0: expected type FLOAT32"}});
}

}  // namespace
}  // namespace cygnet::test
