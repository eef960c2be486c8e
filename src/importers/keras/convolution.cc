// SPDX-License-Identifier: Apache-2.0
// Convolutions. Keras filters are [kh, kw, in, out]; the graph's are [out, kh, kw, in], depthwise
// ones [1, kh, kw, in·multiplier]. One-dimensional ones run as two-dimensional ones of height 1.
#include <algorithm>

#include "edit/transposed_convolution.h"
#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

constexpr int32_t kMaxStep = 1 << 20;

struct Window {
  int32_t kh = 1, kw = 1, sh = 1, sw = 1, dh = 1, dw = 1;
  bool same = false;
  bool causal = false;
};

// One number for each direction; `count` of them.
std::vector<int32_t> steps(const Layer& l, const char* key, size_t count) {
  const Config value = l.config.at(key);
  std::vector<int32_t> list = value.null() ? std::vector<int32_t>{1} : value.integers();
  if (list.size() == 1) list.resize(count, list[0]);
  if (list.size() != count) l.fail(text(key, ": expected ", count, " numbers"));
  for (int32_t v : list)
    if (v < 1 || v > kMaxStep) l.fail(text(key, ": ", v, " is out of range"));
  return list;
}

Window window(const Layer& l, size_t directions) {
  const auto k = steps(l, "kernel_size", directions), s = steps(l, "strides", directions),
             d = steps(l, "dilation_rate", directions);
  const std::string padding = l.config.text("padding", "valid");
  l.refuse_if(padding != "valid" && padding != "same" && (padding != "causal" || directions != 1),
              text("padding \"", padding, "\" is not supported"));
  Window w;
  w.kw = k.back(), w.sw = s.back(), w.dw = d.back();
  if (directions == 2) w.kh = k[0], w.sh = s[0], w.dh = d[0];
  w.same = padding == "same";
  w.causal = padding == "causal";
  return w;
}

schema::Padding padding_of(const Window& w) {
  return w.same ? schema::Padding::SAME : schema::Padding::VALID;
}

// [N, T, C] → [N, 1, T, C], zeros before the first step where the padding is causal.
int32_t widen(Layer& l, int32_t x, const Window& w) {
  l.expect_rank(x, 3);
  const int32_t y = l.reshape(x, {kRest, 1, l.dim(x, 1), l.dim(x, 2)});
  if (!w.causal || w.kw == 1) return y;
  const int64_t before = int64_t{w.kw - 1} * w.dw;
  l.refuse_if(before > kMaxStep, "the window is too wide");
  return l.pad(y, {0, 0, 0, 0, static_cast<int32_t>(before), 0, 0, 0});
}

int32_t narrow(Layer& l, int32_t y) {
  return l.reshape(y, {kRest, l.dim(y, 2), l.dim(y, 3)});
}

// Other runtimes insist on a bias.
int32_t some_bias(Layer& l, int32_t bias, int32_t channels) {
  if (bias != kAbsent) return bias;
  return l.constant({channels}, std::vector<float>(static_cast<size_t>(channels), 0));
}

int32_t convolve(Layer& l, int32_t x, int32_t filter, int32_t bias, const Window& w) {
  schema::Conv2DOptionsT options;
  options.padding = padding_of(w);
  options.stride_h = w.sh;
  options.stride_w = w.sw;
  options.dilation_h_factor = w.dh;
  options.dilation_w_factor = w.dw;
  return l.add(Builtin::CONV_2D, {x, filter, some_bias(l, bias, l.dim(filter, 0))}, options);
}

int32_t depthwise(Layer& l, int32_t x, int32_t filter, int32_t bias, const Window& w,
                  int32_t multiplier);

// What TensorFlow computes for a stride together with a dilation, and Keras before 3.15: the pixels
// of each phase of the dilated grid are convolved with the stride among themselves, and what the
// padding added at the end is cropped from the result.
int32_t strided_atrous(Layer& l, int32_t x, int32_t filter, int32_t bias, const Window& w,
                       int32_t multiplier) {
  l.e.draft().warnings.push_back(
      text("layer ", l.name, ": stride ", w.sh, "x", w.sw, " together with dilation ", w.dh, "x",
           w.dw, ": TensorFlow takes the stride within the dilated grid, which is not every ", w.sh,
           "th pixel of the dilated convolution; kept as TensorFlow computes it"));
  std::vector<int32_t> paddings, crops;
  const int32_t kernel[] = {w.kh, w.kw}, rate[] = {w.dh, w.dw};
  for (int d = 0; d < 2; ++d) {
    const int64_t all = w.same ? int64_t{kernel[d] - 1} * rate[d] : 0;
    const int64_t full = l.dim(x, d + 1) + all;
    const int64_t more = (rate[d] - full % rate[d]) % rate[d];
    l.refuse_if(full + more > (1 << 24), "the window is too wide");
    paddings.push_back(static_cast<int32_t>(all / 2));
    paddings.push_back(static_cast<int32_t>(all - all / 2 + more));
    crops.push_back(0);
    crops.push_back(static_cast<int32_t>(more));
  }
  const int32_t blocks = l.e.list({w.dh, w.dw});
  const int32_t phases =
      l.add(Builtin::SPACE_TO_BATCH_ND, {x, blocks, l.e.constant<int32_t>({2, 2}, paddings)},
            schema::SpaceToBatchNDOptionsT());
  Window inner = w;
  inner.dh = inner.dw = 1;
  inner.same = false;
  const int32_t y = depthwise(l, phases, filter, bias, inner, multiplier);
  return l.add(Builtin::BATCH_TO_SPACE_ND, {y, blocks, l.e.constant<int32_t>({2, 2}, crops)},
               schema::BatchToSpaceNDOptionsT());
}

// Keras 3.15 and later take the stride of the dilated convolution themselves.
int32_t depthwise(Layer& l, int32_t x, int32_t filter, int32_t bias, const Window& w,
                  int32_t multiplier) {
  if ((w.dh > 1 || w.dw > 1) && (w.sh > 1 || w.sw > 1) &&
      l.import.options.atrous == Atrous::as_tensorflow && l.import.file.keras_before(3, 15))
    return strided_atrous(l, x, filter, bias, w, multiplier);
  schema::DepthwiseConv2DOptionsT options;
  options.padding = padding_of(w);
  options.stride_h = w.sh;
  options.stride_w = w.sw;
  options.dilation_h_factor = w.dh;
  options.dilation_w_factor = w.dw;
  options.depth_multiplier = multiplier;
  return l.add(Builtin::DEPTHWISE_CONV_2D, {x, filter, some_bias(l, bias, l.dim(filter, 3))},
               options);
}

int32_t bias_of(Layer& l, int32_t channels) {
  return l.config.flag("use_bias", true) ? l.weight("bias", {channels}) : kAbsent;
}

int32_t positive(const Layer& l, const char* key, int32_t otherwise) {
  const int32_t value = l.config.integer(key, otherwise);
  l.refuse_if(value < 1 || value > (1 << 24), text(key, ": ", value, " is out of range"));
  return value;
}

// A convolution of an [N, H, W, C] input; the file's filter has one direction where `flat`.
int32_t convolution(Layer& l, int32_t x, const Window& w, bool flat) {
  const int32_t filters = positive(l, "filters", 0), groups = positive(l, "groups", 1);
  const int32_t channels = l.dim(x, 3);
  l.refuse_if(channels % groups != 0 || filters % groups != 0,
              text(channels, " channels and ", filters, " filters in ", groups, " groups"));
  const int32_t depth = channels / groups;
  const int32_t filter =
      flat ? l.weight_as("kernel", {w.kw, depth, filters}, {filters, 1, w.kw, depth}, {2, 0, 1})
           : l.weight("kernel", {w.kh, w.kw, depth, filters}, {3, 0, 1, 2});
  return convolve(l, x, filter, bias_of(l, filters), w);
}

int32_t depthwise_filter(Layer& l, const char* variable, const Window& w, int32_t channels,
                         int32_t multiplier, bool flat) {
  int64_t outputs = int64_t{channels} * multiplier;
  l.refuse_if(outputs > (1 << 24), "too many channels");
  const Shape shape{1, w.kh, w.kw, static_cast<int32_t>(outputs)};
  return flat ? l.weight_as(variable, {w.kw, channels, multiplier}, shape)
              : l.weight_as(variable, {w.kh, w.kw, channels, multiplier}, shape);
}

// Keras 2 names the filter depthwise_kernel, Keras 3 kernel.
const char* depthwise_name(const Layer& l) {
  return l.weights.has_next("depthwise_kernel") ? "depthwise_kernel" : "kernel";
}

int32_t depthwise_layer(Layer& l, int32_t x, const Window& w, bool flat) {
  const int32_t channels = l.dim(x, 3), multiplier = positive(l, "depth_multiplier", 1);
  const int32_t filter = depthwise_filter(l, depthwise_name(l), w, channels, multiplier, flat);
  return depthwise(l, x, filter, bias_of(l, channels * multiplier), w, multiplier);
}

int32_t separable(Layer& l, int32_t x, const Window& w, bool flat) {
  const int32_t channels = l.dim(x, 3), multiplier = positive(l, "depth_multiplier", 1);
  const int32_t filters = positive(l, "filters", 0);
  const int32_t first = depthwise_filter(l, "depthwise_kernel", w, channels, multiplier, flat);
  const int32_t middle = depthwise(l, x, first, kAbsent, w, multiplier);
  const int32_t depth = channels * multiplier;
  const Shape shape{filters, 1, 1, depth};
  const int32_t point =
      flat ? l.weight_as("pointwise_kernel", {1, depth, filters}, shape, {2, 0, 1})
           : l.weight_as("pointwise_kernel", {1, 1, depth, filters}, shape, {3, 0, 1, 2});
  return convolve(l, middle, point, bias_of(l, filters), Window());
}

// Size of a transposed convolution's output in one direction. Keras: without output_padding SAME
// gives size·stride, VALID (size − 1)·stride + max(kernel, stride).
int64_t transposed_size(const Layer& l, int64_t size, int64_t k, int64_t s, bool same,
                        int32_t output_padding) {
  if (output_padding < 0) return same ? size * s : size * s + std::max<int64_t>(k - s, 0);
  l.refuse_if(output_padding >= s, "output_padding must be less than the stride");
  return (size - 1) * s + k + output_padding - (same ? 2 * (k / 2) : 0);
}

int32_t transposed(Layer& l, int32_t x, const Window& w, bool flat) {
  l.refuse_if(w.dh > 1 || w.dw > 1, "a dilated transposed convolution is not supported");
  const int32_t filters = positive(l, "filters", 0), channels = l.dim(x, 3);
  const std::vector<int32_t> dims = flat ? std::vector<int32_t>{w.kw, filters, channels}
                                         : std::vector<int32_t>{w.kh, w.kw, filters, channels};
  TransposedConvolution t;
  t.x = x;
  t.filter = l.weight_as("kernel", dims, {w.kh, w.kw, filters, channels}, {});
  std::vector<int32_t> extra(2, -1);
  const Config padding = l.config.at("output_padding");
  if (!padding.null()) {
    const std::vector<int32_t> list = padding.integers();
    l.refuse_if(list.empty() || list.size() > 2, "output_padding: expected 1 or 2 numbers");
    extra = {list.front(), list.back()};
    if (flat) extra[0] = -1;
  }
  const int64_t oh = transposed_size(l, l.dim(x, 1), w.kh, w.sh, w.same, extra[0]);
  const int64_t ow = transposed_size(l, l.dim(x, 2), w.kw, w.sw, w.same, extra[1]);
  l.refuse_if(oh < 1 || ow < 1 || oh > 0x7fffffff || ow > 0x7fffffff, "the output is too large");
  t.padding = padding_of(w);
  t.stride_h = w.sh;
  t.stride_w = w.sw;
  t.out_h = static_cast<int32_t>(oh);
  t.out_w = static_cast<int32_t>(ow);
  t.name = l.name + "/transposed";
  const int32_t bias = bias_of(l, filters);
  const int32_t y = add_transposed_convolution(l.e, t);
  return bias == kAbsent ? y : l.plus(y, bias);
}

Tensors finish(Layer& l, int32_t y) {
  return {activate(l, y, l.config.at("activation"))};
}

}  // namespace

Tensors emit_conv_1d(Layer& l) {
  const Window w = window(l, 1);
  return finish(l, narrow(l, convolution(l, widen(l, l.input(), w), w, true)));
}

Tensors emit_conv_2d(Layer& l) {
  const Window w = window(l, 2);
  l.expect_rank(l.input(), 4);
  return finish(l, convolution(l, l.input(), w, false));
}

Tensors emit_depthwise_conv_1d(Layer& l) {
  const Window w = window(l, 1);
  return finish(l, narrow(l, depthwise_layer(l, widen(l, l.input(), w), w, true)));
}

Tensors emit_depthwise_conv_2d(Layer& l) {
  const Window w = window(l, 2);
  l.expect_rank(l.input(), 4);
  return finish(l, depthwise_layer(l, l.input(), w, false));
}

Tensors emit_separable_conv_1d(Layer& l) {
  Window w = window(l, 1);
  const int32_t x = widen(l, l.input(), w);
  return finish(l, narrow(l, separable(l, x, w, true)));
}

Tensors emit_separable_conv_2d(Layer& l) {
  const Window w = window(l, 2);
  l.expect_rank(l.input(), 4);
  return finish(l, separable(l, l.input(), w, false));
}

Tensors emit_conv_1d_transpose(Layer& l) {
  const Window w = window(l, 1);
  return finish(l, narrow(l, transposed(l, widen(l, l.input(), w), w, true)));
}

Tensors emit_conv_2d_transpose(Layer& l) {
  const Window w = window(l, 2);
  l.expect_rank(l.input(), 4);
  return finish(l, transposed(l, l.input(), w, false));
}

}  // namespace cygnet::keras
