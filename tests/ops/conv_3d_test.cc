// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Index = std::vector<int32_t>;

using enum schema::Padding;

struct Form {
  Index x = {1, 2, 2, 3, 1}, filter = {2, 1, 2, 1, 2};
  Index y = {1, 1, 2, 2, 2};
  schema::Padding padding = VALID;
  int stride = 1, dilation = 1;
  int bias = 2;
  schema::ActivationFunctionType activation = schema::ActivationFunctionType::NONE;
};

std::function<void(ModelBuilder&)> model(const Form& f) {
  return [=](ModelBuilder& b) {
    const int x = b.input(f.x), w = b.input(f.filter), bias = b.input({f.bias});
    b.op(schema::BuiltinOperator::CONV_3D, {x, w, bias}, {b.output(f.y)},
         schema::CreateConv3DOptions(b.fbb(), f.padding, f.stride, f.stride, f.stride, f.activation,
                                     f.dilation, f.dilation, f.dilation));
  };
}

TEST(Conv3d, Sums) {
  const std::vector<Values> in = {values<float>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}),
                                  values<float>({1, 0, 0, 1, 1, -1, 0, 0}), values<float>({0, 1})};
  // Channel 0: x[d, w] + x[d + 1, w]; channel 1: 1 + x[d, w + 1] − x[d + 1, w].
  run_op_cases({
      {.name = "valid",
       .model = model({}),
       .inputs = in,
       .outputs = {values<float>({8, -4, 10, -4, 14, -4, 16, -4})}},
      {.name = "relu",
       .model = model({.activation = schema::ActivationFunctionType::RELU}),
       .inputs = in,
       .outputs = {values<float>({8, 0, 10, 0, 14, 0, 16, 0})}},
      {.name = "same, stride 2",
       .model = model({.y = {1, 1, 1, 2, 2}, .padding = SAME, .stride = 2}),
       .inputs = in,
       .outputs = {values<float>({8, -4, 12, -8})}},
  });
}

TEST(Conv3d, Refuses) {
  refuse_op_cases({
      {.name = "rank",
       .model = model({.x = {2, 2, 3, 1}}),
       .message = "input 0: expected rank 5, got 4"},
      {.name = "channels",
       .model = model({.x = {1, 2, 2, 3, 2}}),
       .message = "input 1: expected 2 channels"},
      {.name = "filter's rank",
       .model = model({.filter = {2, 1, 2, 2}}),
       .message = "input 1: expected rank 5, got 4"},
      {.name = "no channels",
       .model = model({.x = {1, 2, 2, 3, 0}, .filter = {2, 1, 2, 0, 2}}),
       .message = "input 1: expected at least one channel"},
      {.name = "filter of no width",
       .model = model({.filter = {2, 1, 0, 1, 2}}),
       .message = "width: expected filter, stride"},
      {.name = "bias", .model = model({.bias = 3}), .message = "input 2: expected 2 elements"},
      {.name = "stride",
       .model = model({.stride = 0}),
       .message = "depth: expected filter, stride"},
      {.name = "dilation",
       .model = model({.dilation = -1}),
       .message = "depth: expected filter, stride"},
      {.name = "window", .model = model({.dilation = 5}), .message = "does not fit"},
      {.name = "padding",
       .model = model({.padding = static_cast<schema::Padding>(7)}),
       .message = "padding: expected"},
      {.name = "activation",
       .model = model({.activation = schema::ActivationFunctionType::TANH}),
       .message = "fused activation"},
  });
}

}  // namespace
}  // namespace cygnet::test
