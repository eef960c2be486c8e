// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

OpCase where(const Index& in, const Values& x, const std::vector<int64_t>& expected,
             bool known = false) {
  const auto rank = static_cast<int32_t>(in.size());
  const auto rows = static_cast<int32_t>(expected.size() / in.size());
  OpCase c{.name = std::string("where of ") + type_name(x.type),
           .model =
               [=](ModelBuilder& b) {
                 const int a = known ? b.constant_bytes(in, x.type, x.bytes) : b.input(in, x.type);
                 b.op(Op::WHERE, {a}, {b.output({1, rank}, Type::int64)},
                      schema::CreateWhereOptions(b.fbb()));
               },
           .inputs = {},
           .outputs = {values(expected)},
           .shapes = {{rows, rank}},
           .kernel_steps = 0};
  if (!known) c.inputs = {x};
  return c;
}

TEST(Where, Cases) {
  run_op_cases({
      where({4}, bools({true, false, true, true}), {0, 2, 3}),
      where({2, 3}, bools({false, true, false, true, false, true}), {0, 1, 1, 0, 1, 2}),
      where({2, 3}, bools({false, true, false, true, false, true}), {0, 1, 1, 0, 1, 2}, true),
      where({3}, bools({false, false, false}), {}),
      where({0, 3}, bools({}), {}),
      where({4}, values<float>({0.0f, -0.0f, 1e-45f, NAN}), {2, 3}),
      where({2, 1, 2}, values<int8_t>({0, -1, 1, 0}), {0, 0, 1, 1, 0, 0}),
      where({3}, values<uint8_t>({0, 255, 0}), {1}),
      where({3}, values<int32_t>({256, 0, INT32_MIN}), {0, 2}),
      where({3}, values<uint32_t>({0, 0x80000000u, 0}), {1}),
      where({3}, values<int64_t>({0, int64_t{1} << 40, 0}), {1}),
  });
}

TEST(Where, FeedsAnOperator) {
  run_op_cases(
      {{.name = "gather",
        .model =
            [](ModelBuilder& b) {
              const int x = b.input({5}), c = b.input({5}, Type::boolean);
              const int at = b.add_tensor({1, 1}, Type::int64);
              b.op(Op::WHERE, {c}, {at});
              b.op(Op::GATHER_ND, {x, at}, {b.output({1})});
            },
        .inputs = {values<float>({1, 2, 3, 4, 5}), bools({true, false, false, true, true})},
        .outputs = {values<float>({1, 4, 5})},
        .shapes = {{3}}}});
}

TEST(Where, Refuses) {
  const auto model = [](const Index& in, Type type, Type out) {
    return [=](ModelBuilder& b) {
      const int x = b.input(in, type);
      b.op(Op::WHERE, {x}, {b.output({1, 1}, out)});
    };
  };
  refuse_op_cases({
      {.name = "type",
       .model = model({2}, Type::int16, Type::int64),
       .message = "input 0: type INT16 is not supported"},
      {.name = "output",
       .model = model({2}, Type::boolean, Type::int32),
       .message = "output 0: expected type INT64, got INT32"},
      {.name = "scalar",
       .model = model({}, Type::boolean, Type::int64),
       .message = "input 0: expected rank 1 to 8, got 0"},
  });
}

}  // namespace
}  // namespace cygnet::test
