// SPDX-License-Identifier: Apache-2.0
// RELU, RELU6, RELU_N1_TO_1.
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

OpCase real(Op code, std::vector<float> expected) {
  return {.name = schema::EnumNameBuiltinOperator(code),
          .model =
              [code](ModelBuilder& b) {
                const int x = b.input({7});
                b.op(code, {x}, {b.output({7})});
              },
          .inputs = {values<float>({-3, -1, -0.5f, 0, 0.5f, 3, 9})},
          .outputs = {values(expected)}};
}

TEST(Relu, Floats) {
  run_op_cases({
      real(Op::RELU, {0, 0, 0, 0, 0.5f, 3, 9}),
      real(Op::RELU6, {0, 0, 0, 0, 0.5f, 3, 6}),
      real(Op::RELU_N1_TO_1, {-1, -1, -0.5f, 0, 0.5f, 1, 1}),
  });
}

// Every 8-bit value and some of 16 bits, with input and output of different scales.
template <class T>
OpCase quantized(Op code, double low, double high) {
  const double x_scale = 0.11, y_scale = 0.07;
  const int x_zero = std::is_same_v<T, int16_t> ? 0 : std::is_signed_v<T> ? -5 : 100;
  const int y_zero = std::is_same_v<T, int16_t> ? 0 : std::is_signed_v<T> ? 20 : 60;
  std::vector<T> x, y;
  for (int i = 0; i < 256; ++i) {
    x.push_back(static_cast<T>(std::numeric_limits<T>::lowest() + i * (sizeof(T) == 1 ? 1 : 257)));
    const double r = std::clamp((x.back() - x_zero) * x_scale, low, high);
    y.push_back(static_cast<T>(std::clamp<double>(std::round(r / y_scale) + y_zero,
                                                  std::numeric_limits<T>::lowest(),
                                                  std::numeric_limits<T>::max())));
  }
  return {
      .name = std::string(schema::EnumNameBuiltinOperator(code)) + " " + type_name(type_of<T>()),
      .model =
          [=](ModelBuilder& b) {
            const int in = b.input({1, 256}, type_of<T>(), per_tensor(0.11f, x_zero));
            b.op(code, {in}, {b.output({1, 256}, type_of<T>(), per_tensor(0.07f, y_zero))});
          },
      .inputs = {values(x)},
      .outputs = {values(y)},
      .plain_steps = 1};
}

TEST(Relu, Quantized) {
  run_op_cases({
      quantized<int8_t>(Op::RELU, 0, 1e9),
      quantized<uint8_t>(Op::RELU, 0, 1e9),
      quantized<int16_t>(Op::RELU, 0, 1e9),
      quantized<int8_t>(Op::RELU6, 0, 6),
      quantized<uint8_t>(Op::RELU6, 0, 6),
      quantized<int16_t>(Op::RELU6, 0, 6),
      quantized<int8_t>(Op::RELU_N1_TO_1, -1, 1),
      quantized<uint8_t>(Op::RELU_N1_TO_1, -1, 1),
  });
}

TEST(Relu, EmptyAndScalar) {
  run_op_cases({
      {.name = "no elements",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2, 0});
             b.op(Op::RELU, {x}, {b.output({2, 0})});
           },
       .inputs = {values<float>({})},
       .outputs = {values<float>({})},
       .shapes = {{2, 0}}},
      {.name = "scalar",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({});
             b.op(Op::RELU, {x}, {b.output({})});
           },
       .inputs = {values<float>({-2})},
       .outputs = {values<float>({0})},
       .shapes = {std::vector<int32_t>{}}},
  });
}

TEST(Relu, Refuses) {
  refuse_op_cases({
      {.name = "type",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2}, Type::int64);
             b.op(Op::RELU, {x}, {b.output({2}, Type::int64)});
           },
       .message = "input 0: type INT64 is not supported"},
      {.name = "types differ",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2});
             b.op(Op::RELU, {x}, {b.output({2}, Type::int8, per_tensor(1))});
           },
       .message = "output 0: expected type FLOAT32 as input 0 has, got INT8"},
      {.name = "no quantization",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2}, Type::int8);
             b.op(Op::RELU, {x}, {b.output({2}, Type::int8, per_tensor(1))});
           },
       .message = "input 0: expected quantization parameters, got none"},
      {.name = "scales too far apart",
       .model =
           [](ModelBuilder& b) {
             const int x = b.input({2}, Type::int8, per_tensor(1e30f));
             b.op(Op::RELU6, {x}, {b.output({2}, Type::int8, per_tensor(1e-30f))});
           },
       .message = "T9: scale ratio"},
  });
}

}  // namespace
}  // namespace cygnet::test
