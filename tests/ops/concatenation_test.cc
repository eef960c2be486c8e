// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Activation = schema::ActivationFunctionType;

// Parts of `sizes` along the axis, the other dimensions those of `shape`.
template <class T>
OpCase concatenation(Index shape, int axis, const Index& sizes) {
  const auto at = static_cast<size_t>(axis < 0 ? axis + static_cast<int>(shape.size()) : axis);
  std::vector<std::vector<T>> parts;
  std::vector<Index> shapes;
  for (size_t i = 0; i < sizes.size(); ++i) {
    shape[at] = sizes[i];
    shapes.push_back(shape);
    parts.push_back(distinct<T>(count(shape), static_cast<int>(i) * 11));
  }
  shape[at] = std::accumulate(sizes.begin(), sizes.end(), 0);
  const auto element = [&](Index index) {
    size_t part = 0;
    while (index[at] >= sizes[part]) index[at] -= sizes[part++];
    return parts[part][flat(shapes[part], index)];
  };
  OpCase c{.name = "concatenation",
           .model =
               [=](ModelBuilder& b) {
                 std::vector<int> inputs;
                 for (const Index& s : shapes) inputs.push_back(b.input(s, type_of<T>()));
                 b.op(Op::CONCATENATION, inputs, {b.output(shape, type_of<T>())},
                      schema::CreateConcatenationOptions(b.fbb(), axis));
               },
           .inputs = {},
           .outputs = {values(tabulate<T>(shape, element))},
           .shapes = {shape},
           .tolerance = 0,
           .kernel_steps = 0};
  for (const auto& part : parts) c.inputs.push_back(values(part));
  return c;
}

TEST(Concatenation, Cases) {
  run_op_cases({
      concatenation<float>({2, 0, 4}, 1, {3, 1, 2}),
      concatenation<float>({2, 3, 0}, -1, {1, 1, 1, 5}),
      concatenation<int8_t>({0, 3}, 0, {2, 2}),
      concatenation<uint8_t>({2, 0}, 1, {0, 3, 0}),
      concatenation<int16_t>({2, 0}, -1, {4}),
      concatenation<int32_t>({0}, 0, {1, 2, 3, 4, 5, 6, 7}),
      concatenation<int64_t>({1, 2, 1, 3, 0}, 4, {2, 1}),
      concatenation<uint32_t>({2, 3, 2}, -3, {1, 2}),
      concatenation<float>({0, 0, 4}, 1, {3, 1}),
      concatenation<int8_t>({1, 60, 60, 0}, 3, {32, 17, 1}),
      concatenation<float>({3, 0, 80}, 1, {100, 30}),
  });
}

TEST(Concatenation, Booleans) {
  run_op_cases({{.name = "bool",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({2}, Type::boolean), y = b.input({1}, Type::boolean);
                       b.op(Op::CONCATENATION, {x, y}, {b.output({3}, Type::boolean)},
                            schema::CreateConcatenationOptions(b.fbb(), 0));
                     },
                 .inputs = {bools({true, false}), bools({true})},
                 .outputs = {bools({true, false, true})}}});
}

// uint8 parts of scales of their own are brought to the output's.
TEST(Concatenation, RescalesUint8) {
  const float scales[] = {0.5f, 0.2f, 0.5f}, out_scale = 0.25f;
  const int zeros[] = {10, 128, 100}, out_zero = 100;
  std::vector<uint8_t> x(256);
  std::iota(x.begin(), x.end(), uint8_t{0});
  std::vector<uint8_t> want;
  for (int i = 0; i < 3; ++i)
    for (int q : x) {
      const double real = static_cast<double>(scales[i]) * (q - zeros[i]);
      want.push_back(static_cast<uint8_t>(
          std::clamp(std::round(real / static_cast<double>(out_scale)) + out_zero, 0.0, 255.0)));
    }
  want.insert(want.end(), x.begin(), x.end());
  run_op_cases(
      {{.name = "uint8",
        .model =
            [=](ModelBuilder& b) {
              std::vector<int> inputs;
              for (int i = 0; i < 3; ++i)
                inputs.push_back(b.input({256}, Type::uint8, per_tensor(scales[i], zeros[i])));
              inputs.push_back(b.input({256}, Type::uint8, per_tensor(out_scale, out_zero)));
              b.op(Op::CONCATENATION, inputs,
                   {b.output({1024}, Type::uint8, per_tensor(out_scale, out_zero))},
                   schema::CreateConcatenationOptions(b.fbb(), 0));
            },
        .inputs = {values(x), values(x), values(x), values(x)},
        .outputs = {values(want)},
        .kernel_steps = 0}});
}

std::function<void(ModelBuilder&)> pair(const Index& x, const Index& y, int axis,
                                        Activation activation = Activation::NONE) {
  return [=](ModelBuilder& b) {
    const int a = b.input(x), c = b.input(y);
    b.op(Op::CONCATENATION, {a, c}, {b.output({1})},
         schema::CreateConcatenationOptions(b.fbb(), axis, activation));
  };
}

std::function<void(ModelBuilder&)> quantized_pair(std::optional<Quant> x,
                                                  std::optional<Quant> out) {
  return [=](ModelBuilder& b) {
    const int a = b.input({2}, Type::int8, x), c = b.input({2}, Type::int8, out);
    b.op(Op::CONCATENATION, {a, c}, {b.output({4}, Type::int8, out)},
         schema::CreateConcatenationOptions(b.fbb(), 0));
  };
}

TEST(Concatenation, Refuses) {
  refuse_op_cases({
      {.name = "axis",
       .model = pair({2, 3}, {2, 3}, 2),
       .message = "axis: expected -2 to 1, got 2"},
      {.name = "scalar", .model = pair({}, {}, 0), .message = "axis: expected"},
      {.name = "rank",
       .model = pair({2, 3}, {2}, 0),
       .message = "input 1: expected shape [2,3], got [2]"},
      {.name = "dimensions",
       .model = pair({2, 3}, {5, 4}, 0),
       .message = "input 1: expected shape [5,3], got [5,4]"},
      {.name = "activation",
       .model = pair({2}, {2}, 0, Activation::RELU),
       .message = "fused activation 1 is not supported"},
      {.name = "types",
       .model =
           [](ModelBuilder& b) {
             const int a = b.input({2}), c = b.input({2}, Type::int32);
             b.op(Op::CONCATENATION, {a, c}, {b.output({4})},
                  schema::CreateConcatenationOptions(b.fbb(), 0));
           },
       .message = "input 1: expected type FLOAT32 as input 0 has, got INT32"},
      {.name = "output type",
       .model =
           [](ModelBuilder& b) {
             const int a = b.input({2});
             b.op(Op::CONCATENATION, {a, a}, {b.output({4}, Type::int32)},
                  schema::CreateConcatenationOptions(b.fbb(), 0));
           },
       .message = "output 0: expected type FLOAT32 as input 0 has, got INT32"},
      {.name = "int8 scales",
       .model = quantized_pair(per_tensor(0.5f, 1), per_tensor(0.25f, 1)),
       .message = "input 0: expected scale 0.25 and zero point 1 as output 0 has, got 0.5 and 1"},
      {.name = "int8 without scale",
       .model = quantized_pair({}, per_tensor(0.25f, 1)),
       .message = "input 0: expected quantization parameters, got none"},
  });
}

}  // namespace
}  // namespace cygnet::test
