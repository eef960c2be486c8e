// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

struct TransposeSpec {
  std::string name;
  int batch = 1, h = 3, w = 4, in = 2, out = 3, kh = 3, kw = 3, stride_h = 2, stride_w = 2;
  Padding padding = Padding::SAME;
  int extra = 0;  ///< rows and columns by which a VALID output is larger than it need be
  bool bias = true, constant_filter = true, per_channel = true, known_shape = true;
  Activation activation = Activation::NONE;
  int out_h() const {
    return padding == Padding::SAME ? h * stride_h : (h - 1) * stride_h + kh + extra;
  }
  int out_w() const {
    return padding == Padding::SAME ? w * stride_w : (w - 1) * stride_w + kw + extra;
  }
};

// Scatters every input element times the filter into the output.
template <class X, class W>
std::vector<double> scatter(const TransposeSpec& s, const std::vector<X>& x,
                            const std::vector<W>& w, int x_zero, int w_zero) {
  const int oh = s.out_h(), ow = s.out_w();
  const int pad_h = ConvSpec::pad_before(oh, s.h, s.kh, s.stride_h, 1),
            pad_w = ConvSpec::pad_before(ow, s.w, s.kw, s.stride_w, 1);
  std::vector<double> y(static_cast<size_t>(s.batch * oh * ow * s.out), 0.0);
  for (int n = 0; n < s.batch; ++n)
    for (int iy = 0; iy < s.h; ++iy)
      for (int ix = 0; ix < s.w; ++ix)
        for (int fy = 0; fy < s.kh; ++fy)
          for (int fx = 0; fx < s.kw; ++fx) {
            const int oy = iy * s.stride_h + fy - pad_h, ox = ix * s.stride_w + fx - pad_w;
            if (oy < 0 || oy >= oh || ox < 0 || ox >= ow) continue;
            for (int m = 0; m < s.out; ++m)
              for (int c = 0; c < s.in; ++c)
                y[static_cast<size_t>(((n * oh + oy) * ow + ox) * s.out + m)] +=
                    (static_cast<double>(
                         x[static_cast<size_t>(((n * s.h + iy) * s.w + ix) * s.in + c)]) -
                     x_zero) *
                    (static_cast<double>(
                         w[static_cast<size_t>(((m * s.kh + fy) * s.kw + fx) * s.in + c)]) -
                     w_zero);
          }
  return y;
}

std::vector<uint8_t> mediapipe_options(int32_t padding, int32_t stride_w, int32_t stride_h) {
  std::vector<uint8_t> bytes(12);
  const int32_t fields[] = {padding, stride_w, stride_h};
  std::memcpy(bytes.data(), fields, sizeof(fields));
  return bytes;
}

template <class X, class B = std::conditional_t<std::is_same_v<X, float>, float, int32_t>>
OpCase transpose_case(const TransposeSpec& s, bool mediapipe = false) {
  using W = WeightOf<X>;
  const auto d = make_data<X, W, B>(static_cast<size_t>(s.batch * s.h * s.w * s.in),
                                    static_cast<size_t>(s.out * s.kh * s.kw * s.in), s.out,
                                    s.per_channel, false, 9);
  const std::vector<int32_t> y_shape = {s.batch, s.out_h(), s.out_w(), s.out};
  OpCase c{.name = s.name + " " + type_name(type_of<X>()),
           .model = {},
           .inputs = {},
           .outputs = {},
           .shapes = {y_shape},
           .tolerance = 1e-5,
           .plain_steps = 1,
           .kernel_steps = 1};
  c.model = [=](ModelBuilder& b) {
    const auto wq = filter_quant<X>(d.q, 0);
    const std::vector<int32_t> w_shape = {s.out, s.kh, s.kw, s.in};
    const int shape = mediapipe       ? -1
                      : s.known_shape ? b.constant<int32_t>({4}, y_shape)
                                      : b.input({4}, Type::int32);
    const int x =
        b.input({s.batch, s.h, s.w, s.in}, type_of<X>(), quant_of<X>(d.q.x_scale, d.q.x_zero));
    const int w =
        s.constant_filter ? b.constant<W>(w_shape, d.w, wq) : b.input(w_shape, type_of<W>(), wq);
    const int y = b.output(y_shape, type_of<X>(), quant_of<X>(d.q.y_scale, d.q.y_zero));
    std::vector<int> in = mediapipe ? std::vector<int>{x, w} : std::vector<int>{shape, w, x};
    if (s.bias) in.push_back(add_bias_tensor<B, X>(b, d));
    if (mediapipe)
      b.custom_op("Convolution2DTransposeBias", in, {y},
                  mediapipe_options(s.padding == Padding::SAME ? 1 : 2, s.stride_w, s.stride_h));
    else
      b.op(Op::TRANSPOSE_CONV, in, {y},
           schema::CreateTransposeConvOptions(b.fbb(), s.padding, s.stride_w, s.stride_h,
                                              s.activation));
  };
  if (!mediapipe && !s.known_shape) c.inputs.push_back(values(y_shape));
  c.inputs.push_back(values(d.x));
  if (!s.constant_filter) c.inputs.push_back(values(d.w));
  c.outputs = {values(
      expected(scatter(s, d.x, d.w, d.q.x_zero, d.q.w_zero), d, s.out, s.bias, s.activation))};
  return c;
}

TEST(TransposeConv, Cases) {
  std::vector<OpCase> cases;
  for (const TransposeSpec& s : std::vector<TransposeSpec>{
           {.name = "3x3 stride 2"},
           {.name = "2x2 stride 2", .kh = 2, .kw = 2},
           {.name = "4x4 stride 2", .in = 17, .out = 33, .kh = 4, .kw = 4},
           {.name = "3x3 stride 1", .stride_h = 1, .stride_w = 1},
           {.name = "2x3 stride 3x1", .kh = 2, .stride_h = 3, .stride_w = 1},
           {.name = "valid", .padding = Padding::VALID},
           {.name = "valid, larger", .padding = Padding::VALID, .extra = 1},
           {.name = "valid 5x5 stride 1",
           .kh = 5,
           .kw = 5,
           .stride_h = 1,
           .stride_w = 1,
           .padding = Padding::VALID},
           {.name = "1x1 stride 2", .kh = 1, .kw = 1},
           {.name = "batch 2", .batch = 2, .in = 16},
           {.name = "more rows than are multiplied together",
           .batch = 2,
           .h = 13,
           .w = 33,
           .in = 9,
           .out = 20,
           .kh = 5,
           .kw = 4,
           .stride_w = 3},
           {.name = "taps beyond both sides",
           .batch = 3,
           .h = 2,
           .w = 1,
           .in = 8,
           .kh = 7,
           .kw = 6},
           {.name = "stride above the filter",
           .in = 8,
           .out = 17,
           .kh = 2,
           .stride_h = 3,
           .padding = Padding::VALID,
           .extra = 1},
           {.name = "tiles of rows", .h = 9, .w = 40, .in = 33, .out = 7},
           {.name = "one channel", .in = 1, .out = 1},
           {.name = "no bias", .bias = false},
           {.name = "filter of the run", .constant_filter = false},
           {.name = "shape of the run", .known_shape = false},
           {.name = "one scale", .per_channel = false},
           {.name = "relu", .activation = Activation::RELU},
       }) {
    cases.push_back(transpose_case<float>(s));
    cases.push_back(transpose_case<int8_t>(s));
    cases.push_back(transpose_case<uint8_t>(s));
    cases.push_back(transpose_case<int16_t, int64_t>(s));
    cases.push_back(transpose_case<int16_t, int32_t>(s));
  }
  run_op_cases(cases);
}

TEST(Convolution2dTransposeBias, Cases) {
  run_op_cases({
      transpose_case<float>({.name = "2x2 stride 2", .h = 5, .in = 16, .out = 1, .kh = 2, .kw = 2},
                            true),
      transpose_case<float>({.name = "3x3 stride 2", .out = 2}, true),
      transpose_case<float>({.name = "valid", .batch = 2, .stride_h = 1, .padding = Padding::VALID},
                            true),
      transpose_case<float>({.name = "no bias", .bias = false}, true),
  });
}

std::function<void(ModelBuilder&)> broken(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const int shape = b.constant<int32_t>({4}, {1, 4, 4, 2});
    const int w = b.constant<float>({2, 3, 3, 1}, std::vector<float>(18, 1));
    const int x = b.input({1, 2, 2, 1});
    const int y = b.output({1, 4, 4, 2});
    b.op(Op::TRANSPOSE_CONV, {shape, w, x}, {y},
         schema::CreateTransposeConvOptions(b.fbb(), Padding::SAME, 2, 2));
    edit(b);
  };
}

TEST(TransposeConv, Refuses) {
  const auto shape = [](std::vector<int32_t> dims) {
    return broken([=](ModelBuilder& b) {
      b.last_op().inputs[0] = b.constant<int32_t>({static_cast<int>(dims.size())}, dims);
    });
  };
  refuse_op_cases({
      {.name = "too large",
       .model = shape({1, 5, 4, 2}),
       .message = "needs an input of 3 x 2, got 2 x 2"},
      {.name = "negative",
       .model = shape({1, -4, 4, 2}),
       .message = "expected height and width >= 1"},
      {.name = "zero", .model = shape({1, 4, 0, 2}), .message = "expected height and width >= 1"},
      {.name = "shape of the run",
       .model = broken([](ModelBuilder& b) { b.last_op().inputs[0] = b.input({4}, Type::int32); }),
       .message = "expected batch 1 and 2 channels, got 0 and 0"},
      {.name = "padding",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateTransposeConvOptions(b.fbb(), static_cast<Padding>(3), 2, 2).Union();
       }),
       .message = "padding: expected 0 to 1, got 3"},
      {.name = "batch", .model = shape({2, 4, 4, 2}), .message = "expected batch 1 and 2 channels"},
      {.name = "channels",
       .model = shape({1, 4, 4, 3}),
       .message = "expected batch 1 and 2 channels"},
      {.name = "three dimensions",
       .model = shape({4, 4, 2}),
       .message = "input 0: expected 4 elements"},
      {.name = "shape type",
       .model = broken([](ModelBuilder& b) {
         b.last_op().inputs[0] = b.constant<float>({4}, {1, 4, 4, 2});
       }),
       .message = "input 0: expected type INT32"},
      {.name = "depth",
       .model = broken([](ModelBuilder& b) {
         b.tensor(2).shape = {1, 2, 2, 3};
       }),
       .message = "expected 1 channels as the filter has, got 3"},
      {.name = "stride",
       .model = broken([](ModelBuilder& b) {
         b.last_op().options =
             schema::CreateTransposeConvOptions(b.fbb(), Padding::SAME, 0, 2).Union();
       }),
       .message = "expected filter, stride and dilation >= 1"},
  });
}

TEST(Convolution2dTransposeBias, Refuses) {
  const auto model = [](std::vector<uint8_t> options) {
    return [=](ModelBuilder& b) {
      const int x = b.input({1, 2, 2, 1});
      const int w = b.constant<float>({2, 3, 3, 1}, std::vector<float>(18, 1));
      b.custom_op("Convolution2DTransposeBias", {x, w}, {b.output({1, 4, 4, 2})}, options);
    };
  };
  refuse_op_cases({
      {.name = "no options",
       .model = model({}),
       .message = "C10: expected 12 bytes of options, got 0"},
      {.name = "padding",
       .model = model(mediapipe_options(0, 2, 2)),
       .message = "C9: padding: expected 1 (SAME) or 2 (VALID), got 0"},
      {.name = "stride",
       .model = model(mediapipe_options(1, 0, 2)),
       .message = "stride: expected 1 to"},
      {.name = "huge stride",
       .model = model(mediapipe_options(1, 2, 2'000'000'000)),
       .message = "stride: expected 1 to"},
  });
}

}  // namespace
}  // namespace cygnet::test
