// SPDX-License-Identifier: Apache-2.0
// Convolution of volumes [N, D, H, W, C]: for each plane of the kernel one convolution of pictures,
// with the depth among the batch; their sum is the result.
#include <algorithm>

#include "importers/keras/layers.h"

namespace cygnet::keras {
namespace {

struct Depth {
  int32_t size = 0, kernel = 1, stride = 1, dilation = 1;
  int32_t before = 0, after = 0;  ///< zeros around
};

std::vector<int32_t> three(const Layer& l, const char* key) {
  const Config value = l.config.at(key);
  std::vector<int32_t> list = value.null() ? std::vector<int32_t>{1} : value.integers();
  if (list.size() == 1) list.resize(3, list[0]);
  l.refuse_if(list.size() != 3, text(key, ": expected 3 numbers"));
  for (int32_t v : list)
    l.refuse_if(v < 1 || v > (1 << 12), text(key, ": ", v, " is out of range"));
  return list;
}

// Planes of the kernel [D, kh, kw, in, out] as filters [out, kh, kw, in].
std::vector<float> plane(const Array& kernel, int32_t which) {
  const size_t out = static_cast<size_t>(kernel.dims[4]);
  const size_t count = kernel.values.size() / static_cast<size_t>(kernel.dims[0]);
  const float* from = kernel.values.data() + count * static_cast<size_t>(which);
  std::vector<float> result(count);
  for (size_t i = 0; i < count; ++i) result[i % out * (count / out) + i / out] = from[i];
  return result;
}

// What "same" pads, as TensorFlow has it: the odd zero goes behind.
void pad_depth(Depth& d) {
  const int64_t outputs = (int64_t{d.size} + d.stride - 1) / d.stride;
  const int64_t reach = int64_t{d.kernel - 1} * d.dilation + 1;
  const int64_t all = std::max<int64_t>((outputs - 1) * d.stride + reach - d.size, 0);
  d.before = static_cast<int32_t>(all / 2);
  d.after = static_cast<int32_t>(all - all / 2);
}

// Every stride-th plane from `first` on, `count` of them.
int32_t planes(Layer& l, int32_t x, int32_t first, int32_t count, int32_t stride) {
  schema::StridedSliceOptionsT options;
  options.begin_mask = options.end_mask = 0b11101;
  const int32_t end = first + (count - 1) * stride + 1;
  return l.add(Builtin::STRIDED_SLICE,
               {x, l.e.list({0, first, 0, 0, 0}), l.e.list({0, end, 0, 0, 0}),
                l.e.list({1, stride, 1, 1, 1})},
               options);
}

}  // namespace

Tensors emit_conv_3d(Layer& l) {
  int32_t x = l.input();
  l.expect_rank(x, 5);
  const std::vector<int32_t> size = three(l, "kernel_size"), stride = three(l, "strides"),
                             dilation = three(l, "dilation_rate");
  const std::string padding = l.config.text("padding", "valid");
  l.refuse_if(padding != "same" && padding != "valid",
              text("padding \"", padding, "\" is not supported"));
  const int32_t filters = l.config.integer("filters", 0), groups = l.config.integer("groups", 1);
  const int32_t channels = l.dim(x, 4);
  l.refuse_if(filters < 1 || filters > (1 << 20) || groups < 1 || channels % groups != 0 ||
                  filters % groups != 0,
              "filters or groups is out of range");
  Depth d{l.dim(x, 1), size[0], stride[0], dilation[0]};
  if (padding == "same") pad_depth(d);
  const int64_t left = int64_t{d.size} + d.before + d.after - (d.kernel - 1) * d.dilation;
  l.refuse_if(left < 1, "the kernel is deeper than the input");
  const int32_t outputs = static_cast<int32_t>((left + d.stride - 1) / d.stride);
  if (d.before + d.after > 0) x = l.pad(x, {0, 0, d.before, d.after, 0, 0, 0, 0, 0, 0});
  const int32_t depth = channels / groups;
  const Array kernel = l.array("kernel", {size[0], size[1], size[2], depth, filters});
  const std::vector<float> none(static_cast<size_t>(filters), 0);
  int32_t bias =
      l.config.flag("use_bias", true) ? l.weight("bias", {filters}) : l.constant({filters}, none);
  schema::Conv2DOptionsT options;
  options.padding = padding == "same" ? schema::Padding::SAME : schema::Padding::VALID;
  options.stride_h = stride[1], options.stride_w = stride[2];
  options.dilation_h_factor = dilation[1], options.dilation_w_factor = dilation[2];
  int32_t sum = kAbsent;
  for (int32_t k = 0; k < d.kernel; ++k) {
    const int32_t part = planes(l, x, k * d.dilation, outputs, d.stride);
    const int32_t filter = l.constant({filters, size[1], size[2], depth}, plane(kernel, k));
    const int32_t y = l.add(
        Builtin::CONV_2D,
        {l.reshape(part, {kRest, l.dim(x, 2), l.dim(x, 3), channels}), filter, bias}, options);
    sum = sum == kAbsent ? y : l.plus(sum, y);
    if (k == 0) bias = l.constant({filters}, none);
  }
  const int32_t y = l.reshape(sum, {kRest, outputs, l.dim(sum, 1), l.dim(sum, 2), filters});
  return {activate(l, y, l.config.at("activation"))};
}

}  // namespace cygnet::keras
