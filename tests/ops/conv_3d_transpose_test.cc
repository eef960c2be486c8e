// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Index = std::vector<int32_t>;

using enum schema::Padding;

struct Form {
  std::vector<int32_t> shape = {1, 2, 1, 3, 2};
  Index x = {1, 1, 1, 2, 1}, filter = {2, 1, 2, 2, 1};
  schema::Padding padding = VALID;
  int stride = 1;
  int bias = 2;
  bool fed = false;
  Type type = Type::float32;
};

std::function<void(ModelBuilder&)> model(const Form& f) {
  return [=](ModelBuilder& b) {
    const int n = static_cast<int>(f.shape.size());
    const int shape = f.fed ? b.input({n}, Type::int32) : b.constant<int32_t>({n}, f.shape);
    const int w = b.input(f.filter, f.type), x = b.input(f.x), bias = b.input({f.bias});
    b.op(schema::BuiltinOperator::CONV_3D_TRANSPOSE, {shape, w, x, bias},
         {b.output({1, 2, 1, 3, 2})},
         schema::CreateConv3DOptions(b.fbb(), f.padding, f.stride, f.stride, f.stride));
  };
}

TEST(Conv3dTranspose, Spreads) {
  // filter[kd, kw, m]: [0,0] = (1, 0), [0,1] = (2, 1), [1,0] = (0, 3), [1,1] = (-1, 0).
  const Values filter = values<float>({1, 0, 2, 1, 0, 3, -1, 0}), x = values<float>({5, 7}),
               bias = values<float>({0, 100});
  const Values y = values<float>({5, 100, 17, 105, 14, 107, 0, 115, -5, 121, -7, 100});
  run_op_cases({
      {.name = "valid",
       .model = model({}),
       .inputs = {filter, x, bias},
       .outputs = {y},
       .shapes = {{1, 2, 1, 3, 2}}},
      {.name = "shape of the run",
       .model = model({.fed = true}),
       .inputs = {values<int32_t>({1, 2, 1, 3, 2}), filter, x, bias},
       .outputs = {y}},
      {.name = "same, stride 2",
       .model = model({.shape = {1, 1, 1, 3, 2}, .padding = SAME, .stride = 2}),
       .inputs = {filter, x, bias},
       .outputs = {values<float>({5, 100, 10, 105, 7, 100})}},
  });
}

TEST(Conv3dTranspose, Refuses) {
  refuse_op_cases({
      {.name = "shape", .model = model({.shape = {1, 2, 1, 2, 2}}), .message = "needs an input of"},
      {.name = "batch",
       .model = model({.shape = {2, 2, 1, 3, 2}}),
       .message = "input 0: expected batch 1 and 2 channels, got 2 and 2"},
      {.name = "negative", .model = model({.shape = {1, 2, 1, -3, 2}}), .message = ">= 1"},
      {.name = "zero", .model = model({.shape = {1, 0, 1, 3, 2}}), .message = ">= 1"},
      {.name = "padding",
       .model = model({.padding = static_cast<schema::Padding>(7)}),
       .message = "padding: expected 0 to 1, got 7"},
      {.name = "no channels",
       .model = model({.x = {1, 1, 1, 2, 0}, .filter = {2, 1, 2, 2, 0}}),
       .message = "input 1: expected at least one channel"},
      {.name = "shape's type",
       .model =
           [](ModelBuilder& b) {
             model({})(b);
             b.last_op().inputs[0] = b.constant<int64_t>({5}, {1, 2, 1, 3, 2});
           },
       .message = "input 0: expected type INT32, got INT64"},
      {.name = "elements",
       .model = model({.shape = {1, 2, 1, 3}}),
       .message = "input 0: expected 5 elements"},
      {.name = "channels",
       .model = model({.x = {1, 1, 1, 1, 2}}),
       .message = "input 2: expected 1 channels as the filter has, got 2"},
      {.name = "rank", .model = model({.x = {1, 1, 2, 1}}), .message = "input 2: expected rank 5"},
      {.name = "bias", .model = model({.bias = 3}), .message = "input 3: expected 2 elements"},
      {.name = "stride", .model = model({.stride = 0}), .message = ">= 1"},
      {.name = "type",
       .model = model({.type = Type::int8}),
       .message = "input 1: expected type FLOAT32, got INT8"},
  });
}

}  // namespace
}  // namespace cygnet::test
