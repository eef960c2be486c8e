// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

TEST(Conv2d, Geometry) {
  std::vector<OpCase> cases;
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "same 3x3"},
           {.name = "valid 3x3", .padding = Padding::VALID},
           {.name = "1x1", .kh = 1, .kw = 1},
           {.name = "1x1 stride 2", .h = 6, .w = 7, .kh = 1, .kw = 1, .stride_h = 2, .stride_w = 2},
           {.name = "1x3", .kh = 1},
           {.name = "7x1", .h = 9, .in = 20, .kh = 7, .kw = 1},
           {.name = "5x5 on 4x3", .h = 4, .w = 3, .kh = 5, .kw = 5},
           {.name = "stride beyond the filter",
           .h = 9,
           .w = 10,
           .kh = 2,
           .kw = 2,
           .stride_h = 3,
           .stride_w = 4},
           {.name = "dilation", .h = 9, .w = 8, .in = 17, .dilation_h = 2, .dilation_w = 3},
           {.name = "dilation of few channels", .h = 9, .w = 8, .dilation_h = 2, .dilation_w = 2},
           {.name = "dilation beyond the input",
           .h = 4,
           .w = 4,
           .in = 18,
           .dilation_h = 5,
           .dilation_w = 6},
           {.name = "stride and dilation",
           .h = 11,
           .w = 9,
           .in = 16,
           .stride_h = 2,
           .stride_w = 2,
           .dilation_h = 2,
           .dilation_w = 2,
           .padding = Padding::VALID},
           {.name = "batch 2", .batch = 2, .in = 19},
           {.name = "one pixel", .h = 1, .w = 1, .in = 33},
           {.name = "wide", .h = 12, .w = 40, .in = 16, .out = 8},
           {.name = "stride beyond the input",
           .h = 3,
           .w = 4,
           .in = 17,
           .kh = 2,
           .kw = 2,
           .stride_h = 7,
           .stride_w = 9},
           {.name = "row of taps", .h = 4, .w = 11, .kh = 1, .kw = 5, .stride_w = 2},
           {.name = "nothing in the batch", .batch = 0},
           {.name = "vast dilation", .dilation_h = 1 << 29},
       })
    add_all_types(&cases, s, false);
  run_op_cases(cases);
}

TEST(Conv2d, Channels) {
  std::vector<OpCase> cases;
  for (int in : {1, 2, 15, 16, 17, 65})
    for (int out : {1, 3, 31, 33, 64})
      add_all_types(&cases,
                    {.name = std::to_string(in) + " to " + std::to_string(out),
                     .h = 3,
                     .w = 4,
                     .in = in,
                     .out = out,
                     .kh = 2,
                     .kw = 2},
                    false);
  run_op_cases(cases);
}

// Rows long enough that pixels lie in the lanes of vectors.
TEST(Conv2d, FewChannels) {
  std::vector<OpCase> cases;
  for (int in : {1, 2, 3, 4, 5, 8})
    for (int out : {1, 2, 3, 4, 6, 8})
      add_all_types(&cases,
                    {.name = std::to_string(in) + " to " + std::to_string(out),
                     .h = 5,
                     .w = 12 + 5 * in + out,
                     .in = in,
                     .out = out},
                    false);
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "valid", .h = 6, .w = 40, .padding = Padding::VALID},
           {.name = "stride 2", .h = 9, .w = 33, .out = 8, .stride_h = 2, .stride_w = 2},
           {.name = "stride 2, even", .h = 8, .w = 70, .in = 4, .stride_h = 2, .stride_w = 2},
           {.name = "stride beyond the filter", .h = 9, .w = 53, .kh = 2, .kw = 2, .stride_w = 4},
           {.name = "stride 1 by 3", .h = 6, .w = 50, .in = 2, .out = 2, .stride_w = 3},
           {.name = "dilation", .h = 9, .w = 29, .in = 2, .dilation_h = 3, .dilation_w = 2},
           {.name = "dilation of rows", .h = 9, .w = 29, .in = 2, .dilation_h = 2},
           {.name = "dilation beyond the input", .h = 3, .w = 14, .dilation_h = 7, .dilation_w = 9},
           {.name = "stride and dilation",
           .h = 11,
           .w = 37,
           .stride_h = 2,
           .stride_w = 2,
           .dilation_h = 2,
           .dilation_w = 2,
           .padding = Padding::VALID},
           {.name = "batch 3", .batch = 3, .h = 4, .w = 19, .in = 2, .out = 2},
           {.name = "one row", .h = 1, .w = 19, .in = 2, .out = 2, .kh = 5, .kw = 5},
           {.name = "row of taps", .h = 4, .w = 31, .kh = 1, .kw = 7},
           {.name = "column of taps", .h = 9, .w = 17, .in = 8, .kh = 7, .kw = 1},
           {.name = "five by five", .h = 9, .w = 24, .in = 8, .out = 2, .kh = 5, .kw = 5},
           {.name = "RELU6 without bias",
           .h = 5,
           .w = 26,
           .activation = Activation::RELU6,
           .bias = false},
           {.name = "saturating", .h = 5, .w = 26, .in = 8, .loud = true},
           {.name = "3 to 16", .h = 7, .w = 45, .out = 16, .stride_h = 2, .stride_w = 2},
           {.name = "one scale", .h = 5, .w = 26, .out = 3, .per_channel = false},
       })
    add_all_types(&cases, s, false);
  run_op_cases(cases);
}

// Images large enough that windows are read where they lie, by the tiers that can.
TEST(Conv2d, Lines) {
  std::vector<OpCase> cases;
  for (int in : {1, 2, 3, 7, 8, 16, 17, 33, 64, 65, 100, 128})
    for (int out : {1, 2, 4, 8, 16, 17, 40})
      cases.push_back(conv_case<int8_t>({.name = std::to_string(in) + " to " + std::to_string(out),
                                         .h = 6 + in % 3,
                                         .w = 8 + in % 5 + out % 4,
                                         .in = in,
                                         .out = out},
                                        false));
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "valid", .h = 9, .w = 11, .in = 64, .padding = Padding::VALID},
           {.name = "valid, joined", .h = 9, .w = 10, .in = 8, .out = 8, .padding = Padding::VALID},
           {.name = "stride 2", .h = 15, .w = 17, .in = 64, .stride_h = 2, .stride_w = 2},
           {.name = "stride 2, even", .h = 16, .w = 18, .in = 64, .stride_h = 2, .stride_w = 2},
           {.name = "stride 2, few", .h = 17, .w = 24, .out = 33, .stride_h = 2, .stride_w = 2},
           {.name = "stride 2, joined", .h = 17, .w = 24, .in = 5, .stride_h = 2, .stride_w = 2},
           {.name = "stride 1 by 3", .h = 9, .w = 26, .in = 70, .stride_w = 3},
           {.name = "stride 3 by 1", .h = 26, .w = 9, .in = 16, .stride_h = 3},
           {.name = "stride 3, 2 x 2",
           .h = 23,
           .w = 22,
           .in = 64,
           .kh = 2,
           .kw = 2,
           .stride_h = 3,
           .stride_w = 3},
           {.name = "dilation 2", .h = 9, .w = 10, .in = 64, .dilation_h = 2, .dilation_w = 2},
           {.name = "dilation 2 by 3", .h = 9, .w = 13, .in = 20, .dilation_h = 2, .dilation_w = 3},
           {.name = "dilation of rows", .h = 19, .w = 13, .in = 20, .dilation_h = 4},
           {.name = "dilation beyond the input",
           .h = 7,
           .w = 6,
           .in = 64,
           .dilation_h = 8,
           .dilation_w = 9},
           {.name = "stride and dilation",
           .h = 21,
           .w = 23,
           .in = 64,
           .stride_h = 2,
           .stride_w = 3,
           .dilation_h = 3,
           .dilation_w = 2},
           {.name = "batch 3", .batch = 3, .h = 7, .w = 9, .in = 64},
           {.name = "batch 2, joined", .batch = 2, .h = 7, .w = 12, .in = 4, .out = 4},
           {.name = "one row", .h = 1, .w = 70, .in = 32, .kh = 5, .kw = 5},
           {.name = "one column", .h = 70, .w = 1, .in = 64},
           {.name = "two columns", .h = 70, .w = 2, .in = 64, .kw = 5},
           {.name = "row of taps", .h = 9, .w = 17, .in = 24, .out = 50, .kh = 1, .kw = 7},
           {.name = "column of taps", .h = 17, .w = 9, .in = 24, .out = 50, .kh = 7, .kw = 1},
           {.name = "even filter", .h = 9, .w = 12, .in = 16, .out = 16, .kh = 4, .kw = 2},
           {.name = "RELU6 without bias",
           .h = 9,
           .w = 12,
           .in = 16,
           .out = 16,
           .activation = Activation::RELU6,
           .bias = false},
           {.name = "saturating", .h = 9, .w = 12, .in = 64, .loud = true},
           {.name = "one scale", .h = 9, .w = 12, .in = 16, .out = 4, .per_channel = false},
           {.name = "large weights", .h = 8, .w = 7, .in = 400, .out = 310},
           {.name = "several bands", .h = 60, .w = 81, .in = 8, .out = 64},
           {.name = "several bands, stride 2",
           .batch = 2,
           .h = 130,
           .w = 121,
           .in = 16,
           .out = 33,
           .stride_h = 2,
           .stride_w = 2},
           {.name = "1x1", .h = 9, .w = 7, .in = 64, .out = 40, .kh = 1, .kw = 1},
           {.name = "1x1, odd", .batch = 2, .h = 5, .w = 7, .in = 65, .out = 17, .kh = 1, .kw = 1},
           {.name = "1x1, several calls", .h = 61, .w = 60, .in = 64, .out = 66, .kh = 1, .kw = 1},
       })
    cases.push_back(conv_case<int8_t>(s, false));
  run_op_cases(cases);
}

TEST(Conv2d, Options) {
  std::vector<OpCase> cases;
  for (const ConvSpec& s : std::vector<ConvSpec>{
           {.name = "relu", .activation = Activation::RELU},
           {.name = "relu6", .in = 16, .activation = Activation::RELU6},
           {.name = "relu -1 to 1", .activation = Activation::RELU_N1_TO_1},
           {.name = "no bias", .bias = false},
           {.name = "filter of the run", .in = 16, .constant_filter = false},
           {.name = "one scale", .per_channel = false},
           {.name = "saturation", .in = 24, .loud = true},
           {.name = "groups", .in = 32, .out = 6, .groups = 2},
           {.name = "groups of one channel", .in = 4, .out = 8, .groups = 4},
           {.name = "short bias", .bias64 = false},
       })
    add_all_types(&cases, s, false);
  run_op_cases(cases);
}

// Activations that lie in the file, where nothing may be read behind them.
TEST(Conv2d, ConstantInput) {
  run_op_cases({{.name = "folded",
                 .model =
                     [](ModelBuilder& b) {
                       const int w = b.constant<uint8_t>({1, 1, 1, 3}, {1, 2, 3}, per_tensor(1));
                       const int x = b.constant<uint8_t>({1, 1, 3, 3}, {1, 1, 1, 2, 0, 0, 0, 0, 9},
                                                         per_tensor(1));
                       b.op(Op::CONV_2D, {x, w},
                            {b.output({1, 1, 3, 1}, Type::uint8, per_tensor(1))},
                            schema::CreateConv2DOptions(b.fbb(), Padding::SAME, 1, 1));
                     },
                 .inputs = {},
                 .outputs = {values<uint8_t>({6, 2, 27})}}});
}

// A model that is accepted, with one thing to break: `edit` gets the builder after the operator.
std::function<void(ModelBuilder&)> broken(Type type, std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const bool real = type == Type::float32;
    const auto q = [&](float scale) { return real ? std::optional<Quant>() : per_tensor(scale); };
    const int x = b.input({1, 4, 4, 2}, type, q(0.1f));
    const int w = real ? b.constant<float>({3, 2, 2, 2}, std::vector<float>(24, 1))
                       : b.constant<int8_t>({3, 2, 2, 2}, std::vector<int8_t>(24, 1), q(0.1f));
    const int bias =
        real ? b.constant<float>({3}, {1, 2, 3}) : b.constant<int32_t>({3}, {1, 2, 3}, q(0.01f));
    const int y = b.output({1, 4, 4, 3}, type, q(0.1f));
    b.op(Op::CONV_2D, {x, w, bias}, {y}, schema::CreateConv2DOptions(b.fbb(), Padding::SAME, 1, 1));
    edit(b);
  };
}

void set_options(ModelBuilder& b, Padding padding, int stride_w, int stride_h, int dilation_w,
                 int dilation_h) {
  b.last_op().options = schema::CreateConv2DOptions(b.fbb(), padding, stride_w, stride_h,
                                                    Activation::NONE, dilation_w, dilation_h)
                            .Union();
}

TEST(Conv2d, Refuses) {
  const auto f32 = [](std::function<void(ModelBuilder&)> edit) {
    return broken(Type::float32, std::move(edit));
  };
  const auto s8 = [](std::function<void(ModelBuilder&)> edit) {
    return broken(Type::int8, std::move(edit));
  };
  refuse_op_cases({
      {.name = "stride 0",
       .model = f32([](ModelBuilder& b) { set_options(b, Padding::SAME, 0, 1, 1, 1); }),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "dilation 0",
       .model = f32([](ModelBuilder& b) { set_options(b, Padding::SAME, 1, 1, 1, 0); }),
       .message = "expected filter, stride and dilation >= 1"},
      {.name = "padding 9",
       .model = f32([](ModelBuilder& b) { set_options(b, static_cast<Padding>(9), 1, 1, 1, 1); }),
       .message = "padding"},
      {.name = "no output",
       .model = f32([](ModelBuilder& b) { set_options(b, Padding::VALID, 1, 1, 4, 4); }),
       .message = "does not fit"},
      {.name = "rank",
       .model = f32([](ModelBuilder& b) {
         b.tensor(0).shape = {4, 4, 2};
       }),
       .message = "input 0: expected rank 4, got 3"},
      {.name = "filter channels",
       .model = f32([](ModelBuilder& b) {
         b.tensor(0).shape = {1, 4, 4, 3};
       }),
       .message = "expected a multiple of the filter's 2 channels, got 3"},
      {.name = "filter of no channels",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[1] = b.constant<float>({3, 2, 2, 0}, {});
       }),
       .message = "input 1: expected at least one channel, got [3,2,2,0]"},
      {.name = "filter of no height",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[1] = b.constant<float>({3, 0, 2, 2}, {});
       }),
       .message = "height: expected filter, stride and dilation >= 1, got 0, 1, 1"},
      {.name = "filter's rank",
       .model = f32([](ModelBuilder& b) {
         b.tensor(1).shape = {3, 2, 4};
       }),
       .message = "input 1: expected rank 4, got 3"},
      {.name = "groups",
       .model = f32([](ModelBuilder& b) {
         b.tensor(0).shape = {1, 4, 4, 4};
       }),
       .message = "3 output channels do not divide into 2 groups"},
      {.name = "bias size",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.constant<float>({2}, {1, 2});
       }),
       .message = "input 2: expected 3 elements"},
      {.name = "bias type",
       .model = s8([](ModelBuilder& b) {
         b.last_op().inputs[2] = b.constant<int64_t>({3}, {1, 2, 3});
       }),
       .message = "input 2: expected type INT32, got INT64"},
      {.name = "output type",
       .model = f32([](ModelBuilder& b) { b.tensor(3).type = Type::int32; }),
       .message = "output 0: expected type FLOAT32"},
      {.name = "filter type",
       .model = s8([](ModelBuilder& b) {
         b.last_op().inputs[1] =
             b.constant<uint8_t>({3, 2, 2, 2}, std::vector<uint8_t>(24), per_tensor(0.1f));
       }),
       .message = "input 1: UINT8 weights of INT8 activations are not supported"},
      {.name = "hybrid without a scale",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[1] = b.constant<int8_t>({3, 2, 2, 2}, std::vector<int8_t>(24));
       }),
       .message = "input 1: expected quantization parameters, got none"},
      {.name = "hybrid with a zero point",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[1] =
             b.constant<int8_t>({3, 2, 2, 2}, std::vector<int8_t>(24), per_tensor(0.1f, 1));
       }),
       .message = "input 1: expected zero point 0, got 1"},
      {.name = "INT2 filter",
       .model = f32([](ModelBuilder& b) {
         b.last_op().inputs[1] =
             b.constant_bytes({3, 2, 2, 2}, Type::int2, std::vector<uint8_t>(6), per_tensor(0.1f));
       }),
       .message = "input 1: INT2 weights of FLOAT32 activations are not supported"},
      {.name = "no quantization of the input",
       .model = s8([](ModelBuilder& b) { b.tensor(0).quantization = {}; }),
       .message = "input 0: expected quantization parameters, got none"},
      {.name = "no quantization of the filter",
       .model = s8([](ModelBuilder& b) { b.tensor(1).quantization = {}; }),
       .message = "input 1: expected quantization parameters, got none"},
      {.name = "no quantization of the output",
       .model = s8([](ModelBuilder& b) { b.tensor(3).quantization = {}; }),
       .message = "output 0: expected quantization parameters, got none"},
      {.name = "filter axis",
       .model = s8([](ModelBuilder& b) {
         b.tensor(1).quantization = per_channel({0.1f, 0.1f}, 3);
       }),
       .message = "expected one scale or 3 along dimension 0"},
      {.name = "filter zero point",
       .model = s8([](ModelBuilder& b) { b.tensor(1).quantization = per_tensor(0.1f, 3); }),
       .message = "input 1: expected zero point 0, got 3"},
      {.name = "scales",
       .model = s8([](ModelBuilder& b) { b.tensor(3).quantization = per_tensor(1e-30f); }),
       .message = "T9"},
      {.name = "activation",
       .model = f32([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateConv2DOptions(b.fbb(), Padding::SAME, 1, 1, Activation::SIGN_BIT)
                 .Union();
       }),
       .message = "fused activation"},
  });
}

}  // namespace
}  // namespace cygnet::test
