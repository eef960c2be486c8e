// SPDX-License-Identifier: Apache-2.0
// What the tests of the convolution family share: a convolution by its definition, in double or in
// exact integers, and the making of operands. Quantized results are expected within one step of the
// exact scaled sum; that they are exact in the reference's arithmetic is shown by the recorded
// cases.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "support/op_harness.h"

namespace cygnet::test {

using Padding = schema::Padding;
using Activation = schema::ActivationFunctionType;

/// One convolution. The filter is [out, kh, kw, in/groups] for CONV_2D, [1, kh, kw, out] for
/// DEPTHWISE_CONV_2D (groups = in).
struct ConvSpec {
  std::string name;
  int batch = 1, h = 5, w = 5, in = 3;
  int out = 4, kh = 3, kw = 3, groups = 1;
  int stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  Padding padding = Padding::SAME;
  Activation activation = Activation::NONE;
  bool bias = true;
  bool constant_filter = true;
  bool per_channel = true;  ///< int8 and int16
  bool loud = false;        ///< results that saturate
  bool bias64 = true;       ///< int16

  static int out_size(Padding padding, int in, int filter, int stride, int dilation) {
    const int extent = (filter - 1) * dilation + 1;
    return padding == Padding::SAME ? (in + stride - 1) / stride : (in - extent) / stride + 1;
  }
  static int pad_before(int in, int out, int filter, int stride, int dilation) {
    return std::max(0, (out - 1) * stride + (filter - 1) * dilation + 1 - in) / 2;
  }
  int out_h() const { return out_size(padding, h, kh, stride_h, dilation_h); }
  int out_w() const { return out_size(padding, w, kw, stride_w, dilation_w); }
};

/// Low and high of the real numbers that an activation lets through.
inline std::pair<double, double> activation_range(Activation a) {
  switch (a) {
    case Activation::RELU:
      return {0, INFINITY};
    case Activation::RELU6:
      return {0, 6};
    case Activation::RELU_N1_TO_1:
      return {-1, 1};
    default:
      return {-INFINITY, INFINITY};
  }
}

/// Quantization of the four operands; zero points of int16 and of int8 filters are 0.
struct ConvQuant {
  float x_scale = 0.05f, y_scale = 0.1f;
  int x_zero = 0, w_zero = 0, y_zero = 0;
  std::vector<float> w_scales;
  float w_scale(int channel) const {
    return w_scales[w_scales.size() == 1 ? 0 : static_cast<size_t>(channel)];
  }
};

/// Sums of products of every output element, [batch, out_h, out_w, out], without bias.
template <class X, class W>
std::vector<double> convolve(const ConvSpec& s, const std::vector<X>& x, const std::vector<W>& w,
                             int x_zero, int w_zero, bool depthwise) {
  std::vector<double> sums;
  const int oh = s.out_h(), ow = s.out_w(), per_group = s.out / s.groups, depth = s.in / s.groups;
  const int pad_h = ConvSpec::pad_before(s.h, oh, s.kh, s.stride_h, s.dilation_h);
  const int pad_w = ConvSpec::pad_before(s.w, ow, s.kw, s.stride_w, s.dilation_w);
  for (int n = 0; n < s.batch; ++n)
    for (int oy = 0; oy < oh; ++oy)
      for (int ox = 0; ox < ow; ++ox)
        for (int m = 0; m < s.out; ++m) {
          double sum = 0;
          for (int fy = 0; fy < s.kh; ++fy)
            for (int fx = 0; fx < s.kw; ++fx) {
              const int y = oy * s.stride_h + fy * s.dilation_h - pad_h,
                        z = ox * s.stride_w + fx * s.dilation_w - pad_w;
              if (y < 0 || y >= s.h || z < 0 || z >= s.w) continue;
              for (int c = 0; c < depth; ++c) {
                const size_t xi = static_cast<size_t>(((n * s.h + y) * s.w + z) * s.in +
                                                      m / per_group * depth + c);
                const size_t wi =
                    static_cast<size_t>(depthwise ? (fy * s.kw + fx) * s.out + m
                                                  : ((m * s.kh + fy) * s.kw + fx) * depth + c);
                sum +=
                    (static_cast<double>(x[xi]) - x_zero) * (static_cast<double>(w[wi]) - w_zero);
              }
            }
          sums.push_back(sum);
        }
  return sums;
}

/// Quantized elements of real results.
template <class T>
T quantized(double real, const ConvQuant& q, Activation activation) {
  const auto [low, high] = activation_range(activation);
  const double limited = std::clamp(real, low, high);
  const double steps = std::round(limited / static_cast<double>(q.y_scale)) + q.y_zero;
  return static_cast<T>(std::clamp(steps, static_cast<double>(std::numeric_limits<T>::lowest()),
                                   static_cast<double>(std::numeric_limits<T>::max())));
}

/// Elements of the operand types X (activations), W (filter), B (bias) that a case starts from.
template <class X, class W, class B>
struct ConvData {
  std::vector<X> x;
  std::vector<W> w;
  std::vector<B> bias;
  ConvQuant q;
};

template <class X, class W, class B>
ConvData<X, W, B> make_data(size_t x_size, size_t w_size, int channels, bool per_channel, bool loud,
                            uint32_t seed) {
  ConvData<X, W, B> d;
  if constexpr (std::is_same_v<X, float>) {
    d.x = random_elements<X>(x_size, seed, -1, 1);
    d.w = random_elements<W>(w_size, seed + 1, -1, 1);
    d.bias = random_elements<B>(static_cast<size_t>(channels), seed + 2, -1, 1);
    return d;
  } else {
    constexpr bool kUnsigned = std::is_same_v<X, uint8_t>;
    d.x = random_elements<X>(x_size, seed, std::numeric_limits<X>::lowest(),
                             std::numeric_limits<X>::max());
    d.w = random_elements<W>(w_size, seed + 1, kUnsigned ? 0 : -127, kUnsigned ? 255 : 127);
    d.bias = random_elements<B>(static_cast<size_t>(channels), seed + 2, -2000, 2000);
    d.q.w_scales = {0.01f};
    if (per_channel && !kUnsigned) {
      d.q.w_scales.clear();
      for (int i = 0; i < channels; ++i)
        d.q.w_scales.push_back(0.005f + 0.002f * static_cast<float>(i % 7));
    }
    if (sizeof(X) == 1) d.q.x_zero = kUnsigned ? 131 : -7, d.q.y_zero = kUnsigned ? 117 : 5;
    if (kUnsigned) d.q.w_zero = 120;
    if (sizeof(X) == 2) d.q.x_scale = 0.0005f, d.q.y_scale = 0.01f;
    if (loud) d.q.y_scale /= 20;
    return d;
  }
}

/// The quantization record of a quantized operand, none for f32.
template <class T>
std::optional<Quant> quant_of(float scale, int zero) {
  if constexpr (std::is_same_v<T, float>)
    return {};
  else
    return per_tensor(scale, zero);
}
template <class T>
std::optional<Quant> filter_quant(const ConvQuant& q, int axis) {
  if constexpr (std::is_same_v<T, float>)
    return {};
  else
    return q.w_scales.size() == 1 ? per_tensor(q.w_scales[0], q.w_zero)
                                  : per_channel(q.w_scales, axis);
}

/// A bias tensor, constant.
template <class B, class X>
int add_bias_tensor(
    ModelBuilder& b,
    const ConvData<
        X,
        std::conditional_t<std::is_same_v<X, float>, float,
                           std::conditional_t<std::is_same_v<X, uint8_t>, uint8_t, int8_t>>,
        B>& d) {
  return b.constant<B>(
      {static_cast<int>(d.bias.size())}, d.bias,
      quant_of<X>(d.q.x_scale * (d.q.w_scales.empty() ? 1.0f : d.q.w_scales[0]), 0));
}

/// The weights' type that goes with activations X.
template <class X>
using WeightOf =
    std::conditional_t<std::is_same_v<X, float>, float,
                       std::conditional_t<std::is_same_v<X, uint8_t>, uint8_t, int8_t>>;

/// Expected outputs from sums of products; `channel` of element i is i % channels.
template <class X, class W, class B>
std::vector<X> expected(const std::vector<double>& sums, const ConvData<X, W, B>& d, int channels,
                        bool bias, Activation activation) {
  std::vector<X> y;
  for (size_t i = 0; i < sums.size(); ++i) {
    const auto m = static_cast<int>(i % static_cast<size_t>(channels));
    const double sum = sums[i] + (bias ? static_cast<double>(d.bias[static_cast<size_t>(m)]) : 0.0);
    if constexpr (std::is_same_v<X, float>) {
      const auto [low, high] = activation_range(activation);
      y.push_back(static_cast<float>(std::clamp(sum, low, high)));
    } else {
      y.push_back(
          quantized<X>(sum * static_cast<double>(d.q.x_scale) * static_cast<double>(d.q.w_scale(m)),
                       d.q, activation));
    }
  }
  return y;
}

/// A case of CONV_2D or DEPTHWISE_CONV_2D.
template <class X, class B = std::conditional_t<std::is_same_v<X, float>, float, int32_t>>
OpCase conv_case(const ConvSpec& s, bool depthwise, uint32_t seed = 1) {
  using W = WeightOf<X>;
  const std::vector<int32_t> x_shape = {s.batch, s.h, s.w, s.in},
                             y_shape = {s.batch, s.out_h(), s.out_w(), s.out};
  const std::vector<int32_t> w_shape =
      depthwise ? std::vector<int32_t>{1, s.kh, s.kw, s.out}
                : std::vector<int32_t>{s.out, s.kh, s.kw, s.in / s.groups};
  const auto size = [](const std::vector<int32_t>& shape) {
    size_t n = 1;
    for (int32_t d : shape) n *= static_cast<size_t>(d);
    return n;
  };
  const auto d =
      make_data<X, W, B>(size(x_shape), size(w_shape), s.out, s.per_channel, s.loud, seed);
  OpCase c{.name = s.name + " " + type_name(type_of<X>()),
           .model = {},
           .inputs = {values(d.x)},
           .outputs = {},
           .shapes = {y_shape},
           // Minimal filtering (ops/winograd.h) rounds relative to the largest output.
           .tolerance = depthwise ? 1e-5 : 3e-5,
           .plain_steps = 1,
           .kernel_steps = 1};
  c.model = [=](ModelBuilder& b) {
    const int x = b.input(x_shape, type_of<X>(), quant_of<X>(d.q.x_scale, d.q.x_zero));
    const auto wq = filter_quant<X>(d.q, depthwise ? 3 : 0);
    const int w =
        s.constant_filter ? b.constant<W>(w_shape, d.w, wq) : b.input(w_shape, type_of<W>(), wq);
    std::vector<int> in = {x, w};
    if (s.bias) in.push_back(add_bias_tensor<B, X>(b, d));
    const int y = b.output(y_shape, type_of<X>(), quant_of<X>(d.q.y_scale, d.q.y_zero));
    if (depthwise)
      b.op(schema::BuiltinOperator::DEPTHWISE_CONV_2D, in, {y},
           schema::CreateDepthwiseConv2DOptions(b.fbb(), s.padding, s.stride_w, s.stride_h,
                                                s.out / s.in, s.activation, s.dilation_w,
                                                s.dilation_h));
    else
      b.op(schema::BuiltinOperator::CONV_2D, in, {y},
           schema::CreateConv2DOptions(b.fbb(), s.padding, s.stride_w, s.stride_h, s.activation,
                                       s.dilation_w, s.dilation_h));
  };
  if (!s.constant_filter) c.inputs.push_back(values(d.w));
  c.outputs = {values(expected(convolve(s, d.x, d.w, d.q.x_zero, d.q.w_zero, depthwise), d, s.out,
                               s.bias, s.activation))};
  return c;
}

/// The case in every type that the operators have.
inline void add_all_types(std::vector<OpCase>* cases, const ConvSpec& s, bool depthwise) {
  cases->push_back(conv_case<float>(s, depthwise));
  cases->push_back(conv_case<int8_t>(s, depthwise));
  cases->push_back(conv_case<uint8_t>(s, depthwise));
  cases->push_back(s.bias64 ? conv_case<int16_t, int64_t>(s, depthwise)
                            : conv_case<int16_t, int32_t>(s, depthwise));
}

}  // namespace cygnet::test
