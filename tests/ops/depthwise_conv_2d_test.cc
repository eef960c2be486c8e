// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// groups = in; out = in · multiplier.
ConvSpec depthwise(ConvSpec s, int multiplier = 1) {
  s.groups = s.in;
  s.out = s.in * multiplier;
  return s;
}

TEST(DepthwiseConv2d, Geometry) {
  std::vector<OpCase> cases;
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "same 3x3"},
           {.name = "valid 3x3", .in = 20, .padding = Padding::VALID},
           {.name = "stride 2", .h = 7, .w = 8, .in = 18, .stride_h = 2, .stride_w = 2},
           {.name = "stride beyond the filter",
           .h = 9,
           .w = 11,
           .kh = 2,
           .kw = 1,
           .stride_h = 3,
           .stride_w = 3},
           {.name = "dilation", .h = 9, .w = 8, .in = 16, .dilation_h = 2, .dilation_w = 3},
           {.name = "dilation beyond the input",
           .h = 3,
           .w = 4,
           .in = 8,
           .dilation_h = 5,
           .dilation_w = 6},
           {.name = "stride and dilation",
           .h = 11,
           .w = 12,
           .in = 5,
           .stride_h = 2,
           .stride_w = 2,
           .dilation_h = 2,
           .dilation_w = 2},
           {.name = "5x5", .h = 6, .w = 7, .in = 12, .kh = 5, .kw = 5},
           {.name = "1x1", .in = 40, .kh = 1, .kw = 1},
           {.name = "batch 2", .batch = 2, .in = 9},
           {.name = "many taps", .h = 12, .w = 12, .in = 2, .kh = 11, .kw = 11},
           {.name = "more taps than the kernel takes",
           .h = 18,
           .w = 18,
           .in = 2,
           .kh = 17,
           .kw = 17},
           {.name = "wide", .h = 9, .w = 40, .in = 16},
       })
    add_all_types(&cases, depthwise(s), true);
  run_op_cases(cases);
}

TEST(DepthwiseConv2d, Channels) {
  std::vector<OpCase> cases;
  for (int in : {1, 2, 3, 15, 16, 17, 33, 64, 65})
    for (int multiplier : {1, 2, 3})
      add_all_types(&cases,
                    depthwise({.name = std::to_string(in) + " times " + std::to_string(multiplier),
                               .h = 3,
                               .w = 4,
                               .in = in},
                              multiplier),
                    true);
  run_op_cases(cases);
}

TEST(DepthwiseConv2d, Options) {
  std::vector<OpCase> cases;
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "relu", .in = 16, .activation = Activation::RELU},
           {.name = "relu6", .activation = Activation::RELU6},
           {.name = "relu -1 to 1", .activation = Activation::RELU_N1_TO_1},
           {.name = "no bias", .bias = false},
           {.name = "filter of the run", .in = 16, .constant_filter = false},
           {.name = "one scale", .per_channel = false},
           {.name = "saturation", .in = 24, .loud = true},
           {.name = "short bias", .bias64 = false},
       })
    add_all_types(&cases, depthwise(s), true);
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const int x = b.input({1, 4, 4, 2}, Type::int8, per_tensor(0.1f));
    const int w = b.constant<int8_t>({1, 2, 2, 4}, std::vector<int8_t>(16, 1),
                                     per_channel({0.1f, 0.1f, 0.1f, 0.1f}, 3));
    const int y = b.output({1, 4, 4, 4}, Type::int8, per_tensor(0.1f));
    b.op(Op::DEPTHWISE_CONV_2D, {x, w}, {y},
         schema::CreateDepthwiseConv2DOptions(b.fbb(), Padding::SAME, 1, 1, 2));
    edit(b);
  };
}

TEST(DepthwiseConv2d, Refuses) {
  refuse_op_cases({
      {.name = "filter of two",
       .model = broken([](ModelBuilder& b) {
         b.tensor(1).shape = {2, 1, 2, 4};
       }),
       .message = "expected shape [1,h,w,c]"},
      {.name = "channels",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {1, 4, 4, 3};
       }),
       .message = "expected a multiple of the input's 3 channels, got 4"},
      {.name = "no channels",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {1, 4, 4, 0};
       }),
       .message = "channels"},
      {.name = "axis",
       .model = broken([](ModelBuilder& b) {
         b.tensor(1).quantization = per_channel({0.1f, 0.1f}, 1);
       }),
       .message = "expected one scale or 4 along dimension 3"},
      {.name = "stride 0",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateDepthwiseConv2DOptions(b.fbb(), Padding::SAME, 1, 0, 2).Union();
       }),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "dilation 0",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options = schema::CreateDepthwiseConv2DOptions(b.fbb(), Padding::SAME, 1, 1, 2,
                                                                    Activation::NONE, 0)
                                   .Union();
       }),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "padding",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateDepthwiseConv2DOptions(b.fbb(), static_cast<Padding>(5), 1, 1, 2)
                 .Union();
       }),
       .message = "padding: expected 0 to 1, got 5"},
      {.name = "filter of no width",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[1] = b.constant<int8_t>({1, 2, 0, 4}, {}, per_tensor(0.1f));
       }),
       .message = "width: expected filter, stride and dilation >= 1"},
      {.name = "no output",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options = schema::CreateDepthwiseConv2DOptions(b.fbb(), Padding::VALID, 1, 1,
                                                                    2, Activation::NONE, 9)
                                   .Union();
       }),
       .message = "does not fit"},
      {.name = "bias",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs.push_back(b.constant<int32_t>({2}, {1, 2}));
       }),
       .message = "input 2: expected 4 elements"},
      {.name = "rank",
       .model = broken([](ModelBuilder& b) {
         b.tensor(0).shape = {1, 4, 8};
       }),
       .message = "input 0: expected rank 4"},
      {.name = "type",
       .model = broken([](ModelBuilder& b) { b.tensor(2).type = Type::uint8; }),
       .message = "output 0: expected type INT8"},
  });
}

}  // namespace
}  // namespace cygnet::test
