// SPDX-License-Identifier: Apache-2.0
// Hybrid operators (float activations, integer weights) and weights below 8 bits. The activations
// are whole numbers whose range makes the scale of their quantization 1, so that it is exact and
// results are those of float arithmetic.
#include "ops/hybrid.h"

#include <gtest/gtest.h>

#include "base/number.h"
#include "ops/conv_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Whole numbers, `units` times over [low, high] with both ends in each.
std::vector<float> whole_numbers(size_t n, size_t units, float low, float high) {
  std::vector<float> x;
  for (int i : random_elements<int>(n, 7, static_cast<double>(low), static_cast<double>(high)))
    x.push_back(static_cast<float>(i));
  const size_t unit = n / units;
  for (size_t u = 0; u < units; ++u) {
    x[u * unit] = low;
    x[(u + 1) * unit - 1] = high;
  }
  return x;
}

struct Weights {
  Type type = Type::int8;
  std::vector<int8_t> values;
  std::vector<float> scales;
  float scale(size_t channel) const { return scales[scales.size() == 1 ? 0 : channel]; }

  int add(ModelBuilder& b, const std::vector<int32_t>& shape, int axis) const {
    const Quant quant = scales.size() == 1 ? per_tensor(scales[0]) : per_channel(scales, axis);
    if (type == Type::int8) return b.constant<int8_t>(shape, values, quant);
    const auto n = static_cast<int64_t>(values.size());
    std::vector<uint8_t> bytes((values.size() * static_cast<size_t>(type_bits(type)) + 7) / 8);
    pack_small(type, values.data(), n, bytes.data());
    return b.constant_bytes(shape, type, bytes, quant);
  }
};

Weights make_weights(Type type, size_t n, int channels, bool per_channel) {
  const int high = type == Type::int8 ? 127 : type == Type::int4 ? 7 : 1;
  Weights w{type, random_elements<int8_t>(n, 3, -high - 1, high), {}};
  for (int i = 0; i < (per_channel ? channels : 1); ++i)
    w.scales.push_back(0.01f + 0.003f * static_cast<float>(i));
  return w;
}

// Scales that are powers of two, for the sums of those kernels to be exact that take the weights as
// floats; the bias is a multiple of one, too.
Weights exact_weights(Type type, int n, int channels, bool per_channel) {
  Weights w = make_weights(type, static_cast<size_t>(n), channels, per_channel);
  for (size_t i = 0; i < w.scales.size(); ++i)
    w.scales[i] = std::ldexp(1.0f, -7 - static_cast<int>(i % 4));
  return w;
}

std::vector<float> make_bias(int channels) {
  auto bias = random_elements<float>(static_cast<size_t>(channels), 11, -3, 3);
  for (float& b : bias) b = std::round(b * 64) / 64;
  return bias;
}

// Range of the activations: symmetric where all weights have one scale.
constexpr float kSymmetric[] = {-127, 127}, kAsymmetric[] = {-28, 227};

OpCase dense(const std::string& name, Type type, int m, int n, int k, bool per_channel,
             bool asymmetric) {
  const float* range = asymmetric ? kAsymmetric : kSymmetric;
  const auto x =
      whole_numbers(static_cast<size_t>(m * k), static_cast<size_t>(m), range[0], range[1]);
  const Weights w = exact_weights(type, n * k, n, per_channel);
  const auto bias = make_bias(n);
  std::vector<float> y;
  for (size_t i = 0; i < static_cast<size_t>(m); ++i)
    for (size_t j = 0; j < static_cast<size_t>(n); ++j) {
      double sum = 0;
      for (size_t c = 0; c < static_cast<size_t>(k); ++c)
        sum += static_cast<double>(x[i * static_cast<size_t>(k) + c]) *
               w.values[j * static_cast<size_t>(k) + c];
      y.push_back(
          static_cast<float>(sum * static_cast<double>(w.scale(j)) + static_cast<double>(bias[j])));
    }
  return {.name = name,
          .model =
              [=](ModelBuilder& b) {
                const int in = b.input({m, k}), filter = w.add(b, {n, k}, 0);
                const int values = b.constant<float>({n}, bias);
                b.op(Op::FULLY_CONNECTED, {in, filter, values}, {b.output({m, n})},
                     schema::CreateFullyConnectedOptions(
                         b.fbb(), Activation::NONE,
                         schema::FullyConnectedOptionsWeightsFormat::DEFAULT, false, asymmetric));
              },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{m, n}},
          .tolerance = 1e-5};
}

TEST(Hybrid, FullyConnected) {
  std::vector<OpCase> cases;
  for (Type type : {Type::int8, Type::int4, Type::int2})
    for (bool asymmetric : {false, true}) {
      cases.push_back(dense("row", type, 1, 5, 7, true, asymmetric));
      cases.push_back(dense("rows", type, 100, 70, 33, true, asymmetric));
      cases.push_back(dense("one scale", type, 3, 17, 130, false, asymmetric));
      cases.push_back(dense("more products", type, 3, 161, 133, true, asymmetric));
    }
  run_op_cases(cases);
}

OpCase convolution(const ConvSpec& s, Type type, bool depthwise) {
  const bool asymmetric = s.per_channel || depthwise;
  const float* range = asymmetric ? kAsymmetric : kSymmetric;
  const auto x = whole_numbers(static_cast<size_t>(s.batch * s.h * s.w * s.in),
                               static_cast<size_t>(s.batch), range[0], range[1]);
  const std::vector<int32_t> w_shape =
      depthwise ? std::vector<int32_t>{1, s.kh, s.kw, s.out}
                : std::vector<int32_t>{s.out, s.kh, s.kw, s.in / s.groups};
  const int depth = depthwise ? 1 : s.in / s.groups;
  const Weights w = exact_weights(type, s.out * s.kh * s.kw * depth, s.out, s.per_channel);
  const auto bias = make_bias(s.out);
  const auto sums = convolve(s, x, w.values, 0, 0, depthwise);
  std::vector<float> y;
  for (size_t i = 0; i < sums.size(); ++i) {
    const size_t channel = i % static_cast<size_t>(s.out);
    y.push_back(static_cast<float>(sums[i] * static_cast<double>(w.scale(channel)) +
                                   static_cast<double>(bias[channel])));
  }
  return {.name = s.name,
          .model =
              [=](ModelBuilder& b) {
                const int in = b.input({s.batch, s.h, s.w, s.in});
                const int filter = w.add(b, w_shape, depthwise ? 3 : 0);
                const int values = b.constant<float>({s.out}, bias);
                const int out = b.output({s.batch, s.out_h(), s.out_w(), s.out});
                if (depthwise)
                  b.op(Op::DEPTHWISE_CONV_2D, {in, filter, values}, {out},
                       schema::CreateDepthwiseConv2DOptions(b.fbb(), s.padding, s.stride_w,
                                                            s.stride_h, s.out / s.in));
                else
                  b.op(Op::CONV_2D, {in, filter, values}, {out},
                       schema::CreateConv2DOptions(b.fbb(), s.padding, s.stride_w, s.stride_h));
              },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {{s.batch, s.out_h(), s.out_w(), s.out}},
          .tolerance = 1e-5};
}

TEST(Hybrid, Convolution) {
  std::vector<OpCase> cases;
  for (Type type : {Type::int8, Type::int4}) {
    cases.push_back(convolution({.name = "scales", .batch = 2, .in = 17, .out = 33}, type, false));
    cases.push_back(
        convolution({.name = "one scale", .batch = 2, .per_channel = false}, type, false));
    cases.push_back(convolution({.name = "pointwise", .in = 20, .kh = 1, .kw = 1}, type, false));
    cases.push_back(convolution({.name = "pointwise, more products",
                                 .batch = 2,
                                 .in = 65,
                                 .out = 49,
                                 .kh = 1,
                                 .kw = 1,
                                 .per_channel = type == Type::int8},
                                type, false));
    cases.push_back(convolution({.name = "groups", .in = 4, .groups = 2}, type, false));
    cases.push_back(convolution({.name = "stride",
                                 .h = 9,
                                 .w = 12,
                                 .stride_h = 2,
                                 .stride_w = 3,
                                 .padding = Padding::VALID},
                                type, false));
  }
  run_op_cases(cases);
}

TEST(Hybrid, Depthwise) {
  run_op_cases({convolution({.name = "plain", .batch = 2, .in = 40, .out = 40, .groups = 40},
                            Type::int8, true),
                convolution({.name = "one scale",
                             .in = 17,
                             .out = 17,
                             .groups = 17,
                             .padding = Padding::VALID,
                             .per_channel = false},
                            Type::int8, true),
                convolution({.name = "multiplier", .in = 5, .out = 15, .groups = 5, .stride_h = 2},
                            Type::int8, true)});
}

// y[iy·stride + fy] += x[iy] · w[fy], in one dimension.
void transposed(int depth, int channels) {
  for (int stride : {1, 2, 3}) {
    constexpr int kIn = 6, kFilter = 3;
    const int out = (kIn - 1) * stride + kFilter;
    const auto x =
        whole_numbers(static_cast<size_t>(2 * kIn * depth), 2, kAsymmetric[0], kAsymmetric[1]);
    const Weights w = exact_weights(Type::int8, channels * kFilter * depth, channels, true);
    const auto bias = make_bias(channels);
    std::vector<double> y(static_cast<size_t>(2 * out * channels));
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = static_cast<double>(bias[i % static_cast<size_t>(channels)]);
    for (int n = 0; n < 2; ++n)
      for (int i = 0; i < kIn; ++i)
        for (int f = 0; f < kFilter; ++f)
          for (int m = 0; m < channels; ++m)
            for (int c = 0; c < depth; ++c)
              y[static_cast<size_t>((n * out + i * stride + f) * channels + m)] +=
                  static_cast<double>(x[static_cast<size_t>((n * kIn + i) * depth + c)]) *
                  static_cast<double>(w.scale(static_cast<size_t>(m))) *
                  w.values[static_cast<size_t>((m * kFilter + f) * depth + c)];
    run_op_cases(
        {{.name = "stride " + std::to_string(stride),
          .model =
              [=](ModelBuilder& b) {
                const int shape = b.constant<int32_t>({4}, {2, 1, out, channels});
                const int filter = w.add(b, {channels, 1, kFilter, depth}, 0);
                const int in = b.input({2, 1, kIn, depth});
                b.op(Op::TRANSPOSE_CONV, {shape, filter, in, b.constant<float>({channels}, bias)},
                     {b.output({2, 1, out, channels})},
                     schema::CreateTransposeConvOptions(b.fbb(), Padding::VALID, stride, 1));
              },
          .inputs = {values(x)},
          .outputs = {values(std::vector<float>(y.begin(), y.end()))},
          .shapes = {{2, 1, out, channels}},
          .tolerance = 1e-5}});
  }
}

TEST(Hybrid, TransposedConvolution) {
  transposed(5, 4);
  transposed(65, 49);
}

TEST(Hybrid, Quantization) {
  const float x[] = {-3, 0, 1.5f, 3};
  const DynamicQuant symmetric = ops::choose_quant(x, 4, false);
  EXPECT_FLOAT_EQ(symmetric.scale, 3.0f / 127);
  EXPECT_EQ(symmetric.zero, 0);
  int16_t q[4];
  ops::quantize_floats(x, 4, symmetric, 0, q);
  EXPECT_EQ(q[0], -127);
  EXPECT_EQ(q[2], 64);  // 63.5
  const float positive[] = {1, 2, 5.1f};
  const DynamicQuant asymmetric = ops::choose_quant(positive, 3, true);
  EXPECT_FLOAT_EQ(asymmetric.scale, 0.02f);
  EXPECT_EQ(asymmetric.zero, -128);
  EXPECT_EQ(ops::choose_quant(x + 1, 1, true).scale, 1);
  // What is no number does not matter and does no harm.
  const float odd[] = {NAN, INFINITY, -1};
  for (bool wide : {false, true})
    ops::quantize_floats(odd, 3, ops::choose_quant(odd, 3, wide), 0, q);
}

}  // namespace
}  // namespace cygnet::test
