// SPDX-License-Identifier: Apache-2.0
// SELECT, SELECT_V2.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

/// `condition` is read at `place` of an index of the result.
template <class T>
OpCase choice(Op code, const Index& condition, const Index& x, const Index& y, const Index& out,
              bool by_slice = false) {
  const std::vector<Bool> c = some<Bool>(count(condition), 2, 0, 1);
  const std::vector<T> a = some<T>(count(x), 5, 0, 100), b = some<T>(count(y), 6, -100, 0);
  const std::vector<T> expected = tabulate<T>(out, [&](const Index& index) {
    const size_t at = by_slice ? static_cast<size_t>(index[0]) : broadcast_place(condition, index);
    return c[at] ? a[broadcast_place(x, index)] : b[broadcast_place(y, index)];
  });
  const Type type = element_type<T>();
  return {
      .name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " + type_name(type),
      .model = bare_model(code, {{condition, Type::boolean}, {x, type}, {y, type}}, {out, type}),
      .inputs = {elements(c), elements(a), elements(b)},
      .outputs = {elements(expected)},
      .shapes = {out},
      .kernel_steps = 0};
}

template <class T>
void run_choices() {
  const Op one = Op::SELECT, two = Op::SELECT_V2;
  run_op_cases({choice<T>(one, {2, 3, 5}, {2, 3, 5}, {2, 3, 5}, {2, 3, 5}),
                choice<T>(one, {}, {2, 3, 5}, {2, 3, 5}, {2, 3, 5}),
                choice<T>(one, {6}, {6, 3, 5}, {6, 3, 5}, {6, 3, 5}, true),
                choice<T>(one, {3}, {3, 3}, {3, 3}, {3, 3}, true), choice<T>(one, {}, {}, {}, {}),
                choice<T>(two, {3}, {3, 3}, {3, 3}, {3, 3}),
                choice<T>(two, {2, 3, 5}, {2, 3, 5}, {}, {2, 3, 5}),
                choice<T>(two, {1, 3, 1}, {2, 1, 5}, {5}, {2, 3, 5}),
                choice<T>(two, {4, 1, 1, 2, 1}, {3, 1, 1, 2}, {2, 1, 1}, {4, 3, 2, 2, 2}),
                choice<T>(two, {40000}, {40000}, {1}, {40000}),
                choice<T>(two, {0, 3}, {1, 3}, {3}, {0, 3})});
}

TEST(Select, Cases) {
  run_choices<float>();
  run_choices<int32_t>();
  run_choices<int64_t>();
  run_choices<Bool>();
  run_choices<int8_t>();
  run_choices<uint16_t>();
  run_choices<double>();
  const Bare q = {{2}, Type::uint8, per_tensor(0.5f, 7)};
  run_op_cases({{.name = "quantized",
                 .model = bare_model(Op::SELECT, {{{2}, Type::boolean}, q, q}, q, 2),
                 .inputs = {bools({true, false}), values<uint8_t>({1, 2}), values<uint8_t>({3, 4})},
                 .outputs = {values<uint8_t>({1, 4})},
                 .kernel_steps = 0},
                {.name = "one element of several ranks",
                 .model = bare_model(Op::SELECT, {{{1}, Type::boolean}, {{}}, {{1, 1}}}, {{1, 1}}),
                 .inputs = {bools({false}), values<float>({1}), values<float>({2})},
                 .outputs = {values<float>({2})},
                 .shapes = {{1, 1}}}});
}

TEST(Select, Refuses) {
  const Bare c = {{2}, Type::boolean}, f = {}, i = {{2}, Type::int32}, three = {{3}};
  const Bare q = {{2}, Type::int8, per_tensor(0.5f)};
  refuse_op_cases({
      {.name = "condition",
       .model = bare_model(Op::SELECT_V2, {i, f, f}, f),
       .message = "input 0: expected type BOOL, got INT32"},
      {.name = "quantized differently",
       .model = bare_model(Op::SELECT_V2, {c, q, {{2}, Type::int8, per_tensor(0.25f)}}, q),
       .message = "input 2: expected scale 0.5 and zero point 0 as input 1 has"},
      {.name = "a result without quantization",
       .model = bare_model(Op::SELECT, {c, q, q}, {{2}, Type::int8}),
       .message = "output 0: expected quantization parameters, got none"},
      {.name = "types",
       .model = bare_model(Op::SELECT, {c, f, i}, f),
       .message = "input 2: expected type FLOAT32"},
      {.name = "output type",
       .model = bare_model(Op::SELECT, {c, f, f}, i),
       .message = "output 0: expected type FLOAT32"},
      {.name = "broadcast of SELECT",
       .model = bare_model(Op::SELECT, {c, f, {{1}}}, f),
       .message = "input 2: expected shape [2], got [1]"},
      {.name = "condition of SELECT",
       .model = bare_model(Op::SELECT, {{{3}, Type::boolean}, f, f}, f),
       .message = "input 0: expected shape [2], got [3]"},
      {.name = "shapes",
       .model = bare_model(Op::SELECT_V2, {c, three, three}, three),
       .message = "do not broadcast"},
      {.name = "string",
       .model = bare_model(Op::SELECT_V2, {c, {{2}, Type::string}, {{2}, Type::string}},
                           {{2}, Type::string}),
       .message = "STRING"},
  });
}

}  // namespace
}  // namespace cygnet::test
