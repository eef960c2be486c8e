// SPDX-License-Identifier: Apache-2.0
// MaxUnpooling2D, a custom operator: each element of input 0 goes where the largest element of its
// window had been; the other elements are 0.
//   input 0: x, float32 [N, H, W, C]; input 1: places, of x's shape; output 0: y, float32
// int32 places (TFLite's perception operators): in the image of y, (row·W' + column)·C + channel;
//   y is [N, H·stride_h, W·stride_w, C] (SAME) or [N, (H − 1)·stride_h + filter_h, …] (VALID).
// float32 places (MediaPipe): row·filter_w + column in the window, cut to a whole number; y is
//   [N, H·filter_h, W·filter_w, C], windows begin stride apart, padded as SAME pads y.
// Places outside y are left out. Options: as MaxPoolingWithArgmax2D has them.
// Sources: tensorflow/lite/kernels/perception/max_unpooling_2d.cc; MediaPipe,
// util/tflite/operations/max_unpooling.cc.
#include <algorithm>
#include <cmath>

#include "ops/pool_options.h"

namespace cygnet::ops {
namespace {

// Elements of y along a dimension of n.
int64_t size_of(const PoolOptions& o, bool in_window, int64_t n, int64_t filter, int64_t stride) {
  if (in_window) return n * filter;
  return o.same() ? n * stride : (n - 1) * stride + filter;
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &places = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1", places, {Type::int32, Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  CYGNET_TRY(expect_shape("input 1", places, x.shape));
  PoolOptions o;
  CYGNET_TRY(read_pool_options(op, &o));
  const bool in_window = places.type == Type::float32;
  const int64_t h = size_of(o, in_window, x.shape[1], o.filter_h, o.stride_h);
  const int64_t w = size_of(o, in_window, x.shape[2], o.filter_w, o.stride_w);
  CYGNET_TRY(expect_range("T3: height of output 0", h, 0, INT32_MAX));
  CYGNET_TRY(expect_range("T3: width of output 0", w, 0, INT32_MAX));
  return op.set_output(0,
                       {x.shape[0], static_cast<int32_t>(h), static_cast<int32_t>(w), x.shape[3]});
}

// Padding before a dimension of y, `out` elements, of n windows.
int64_t padding_before(int64_t n, int64_t out, int64_t filter, int64_t stride) {
  return std::max<int64_t>((n - 1) * stride + filter - out, 0) / 2;
}

// Where an image's element i of x goes in the image of y, or −1.
struct Places {
  PoolOptions o = {};
  int64_t h, w, c;               // of y
  int64_t in_w;                  // of x
  int64_t pad_h = 0, pad_w = 0;  // of MediaPipe's windows

  int64_t whole(int32_t place) const { return place < h * w * c ? std::max(place, -1) : -1; }
  int64_t in_window(int64_t i, float place) const {
    // Beyond 2^31 a place is outside every window; a NaN is, too.
    if (!(place > -1.0f && place < 2147483520.0f)) return -1;
    const auto index = static_cast<int64_t>(place);
    const int64_t y = i / c / in_w * o.stride_h - pad_h + index / o.filter_w;
    const int64_t x = i / c % in_w * o.stride_w - pad_w + index % o.filter_w;
    return y < 0 || y >= h || x < 0 || x >= w ? -1 : (y * w + x) * c + i % c;
  }
};

Status invoke(OpContext& op) {
  const Tensor &x = op.input(0), &places = op.input(1);
  Tensor& y = op.output(0);
  if (y.bytes == 0) return {};
  Places at{.h = y.shape[1], .w = y.shape[2], .c = y.shape[3], .in_w = x.shape[2]};
  CYGNET_TRY(read_pool_options(op, &at.o));
  at.pad_h = padding_before(x.shape[1], at.h, at.o.filter_h, at.o.stride_h);
  at.pad_w = padding_before(x.shape[2], at.w, at.o.filter_w, at.o.stride_w);
  const int64_t from = x.shape.elements(1, 4), to = y.shape.elements(1, 4);
  op.parallel_for(x.shape[0], [&](int64_t begin, int64_t end, int) {
    for (int64_t n = begin; n < end; ++n) {
      float* image = y.as<float>() + n * to;
      std::fill(image, image + to, 0.0f);
      for (int64_t i = 0; i < from; ++i) {
        const int64_t k = n * from + i;
        const int64_t place = places.type == Type::int32 ? at.whole(places.as<int32_t>()[k])
                                                         : at.in_window(i, places.as<float>()[k]);
        if (place >= 0) image[place] = x.as<float>()[k];
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef kMaxUnpooling2d;
const OpDef kMaxUnpooling2d = {
    .name = "MaxUnpooling2D",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
