// SPDX-License-Identifier: Apache-2.0
// CONV_3D_TRANSPOSE: output shape [5] (int32), filter [KD, KH, KW, M, C], x [N, D, H, W, C], bias
// [M] (optional) → y [N, OD, OH, OW, M], f32: the transpose of the CONV_3D from OD × OH × OW to
// D × H × W,
//   y[n, d·sd − pd + i·dd, …, m] += x[n, d, …, c] · filter[i, j, k, m, c]
// and then bias[m] and the activation. Source: tensorflow/lite/kernels/conv3d_transpose.cc.
#include "ops/activation.h"
#include "ops/window.h"

namespace cygnet::ops {
namespace {

struct Geometry {
  WindowDim d, h, w;  // of the convolution from y to x
};

Status geometry_of(const OpContext& op, const int32_t* y, Geometry* g) {
  const auto& o = op.options<schema::Conv3DOptions>();
  const Shape &f = op.input(1).shape, &x = op.input(2).shape;
  if (y[1] < 1 || y[2] < 1 || y[3] < 1)
    return bad_model("output shape: expected depth, height and width >= 1, got %d x %d x %d", y[1],
                     y[2], y[3]);
  g->d = {.in = y[1], .filter = f[0], .stride = o.stride_d(), .dilation = o.dilation_d_factor()};
  g->h = {.in = y[2], .filter = f[1], .stride = o.stride_h(), .dilation = o.dilation_h_factor()};
  g->w = {.in = y[3], .filter = f[2], .stride = o.stride_w(), .dilation = o.dilation_w_factor()};
  CYGNET_TRY(resolve_window("depth", o.padding(), &g->d));
  CYGNET_TRY(resolve_window("height", o.padding(), &g->h));
  CYGNET_TRY(resolve_window("width", o.padding(), &g->w));
  if (g->d.out == x[1] && g->h.out == x[2] && g->w.out == x[3]) return {};
  return bad_model("output shape: %d x %d x %d needs an input of %d x %d x %d, got %s", y[1], y[2],
                   y[3], g->d.out, g->h.out, g->w.out, shape_text(x).text);
}

Status infer(OpContext& op) {
  const Tensor &shape = op.input(0), &filter = op.input(1), &x = op.input(2);
  CYGNET_TRY(expect_type("input 0", shape, {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", shape, 1));
  CYGNET_TRY(expect_elements("input 0", shape, 5));
  CYGNET_TRY(expect_type("input 1", filter, {Type::float32}));
  CYGNET_TRY(expect_type("input 2", x, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 1", filter, 5));
  CYGNET_TRY(expect_rank("input 2", x, 5));
  if (filter.shape[3] < 1 || filter.shape[4] < 1)
    return bad_model("input 1: expected at least one channel, got %s",
                     shape_text(filter.shape).text);
  if (x.shape[4] != filter.shape[4])
    return bad_model("input 2: expected %d channels as the filter has, got %d", filter.shape[4],
                     x.shape[4]);
  if (const Tensor* bias = op.input_or_null(3); bias != nullptr) {
    CYGNET_TRY(expect_type("input 3", *bias, {Type::float32}));
    CYGNET_TRY(expect_elements("input 3", *bias, filter.shape[3]));
  }
  Clamp<float> clamp;
  CYGNET_TRY(
      activation_clamp(op.options<schema::Conv3DOptions>().fused_activation_function(), &clamp));
  if (!op.known(0)) return op.defer();
  const int32_t* y = shape.as<int32_t>();
  if (y[0] != x.shape[0] || y[4] != filter.shape[3])
    return bad_model("input 0: expected batch %d and %d channels, got %d and %d", x.shape[0],
                     filter.shape[3], y[0], y[4]);
  Geometry g;
  CYGNET_TRY(geometry_of(op, y, &g));
  return op.set_output(0, {y[0], y[1], y[2], y[3], y[4]});
}

// Calls add(input position, tap) for all that reach output position o.
template <class Add>
void each_source(const WindowDim& d, int64_t o, Add add) {
  for (int64_t f = 0; f < d.filter; ++f) {
    const int64_t shifted = o + d.pad - f * d.dilation;
    if (shifted < 0) break;
    if (shifted % d.stride == 0 && shifted / d.stride < d.out) add(shifted / d.stride, f);
  }
}

// y [m] += filter [m, c] · x [c], at one place.
void multiply(const float* filter, const float* x, int64_t m, int64_t c, float* y) {
  for (int64_t j = 0; j < m; ++j, filter += c) {
    float sum = 0;
    for (int64_t i = 0; i < c; ++i) sum += filter[i] * x[i];
    y[j] += sum;
  }
}

Status invoke(OpContext& op) {
  const Tensor &filter = op.input(1), &x = op.input(2);
  const Tensor* bias = op.input_or_null(3);
  const Shape &xs = x.shape, &fs = filter.shape, ys = op.output(0).shape;
  Geometry g;
  CYGNET_TRY(geometry_of(op, ys.dims, &g));
  Clamp<float> clamp;
  CYGNET_TRY(
      activation_clamp(op.options<schema::Conv3DOptions>().fused_activation_function(), &clamp));
  const int64_t m = fs[3], c = fs[4];
  op.parallel_for(ys.elements(0, 3), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end && !op.stopped(); ++row) {
      const int64_t n = row / ys[2] / ys[1], od = row / ys[2] % ys[1], oh = row % ys[2];
      for (int64_t ow = 0; ow < ys[3]; ++ow) {
        float* y = op.output(0).as<float>() + (row * ys[3] + ow) * m;
        std::fill(y, y + m, 0.0f);
        each_source(g.d, od, [&](int64_t d, int64_t i) {
          each_source(g.h, oh, [&](int64_t h, int64_t j) {
            each_source(g.w, ow, [&](int64_t w, int64_t k) {
              multiply(filter.as<float>() + ((i * fs[1] + j) * fs[2] + k) * m * c,
                       x.as<float>() + (((n * xs[1] + d) * xs[2] + h) * xs[3] + w) * c, m, c, y);
            });
          });
        });
        for (int64_t j = 0; j < m; ++j)
          y[j] = clamp(bias == nullptr ? y[j] : y[j] + bias->as<float>()[j]);
      }
    }
  });
  return {};
}

int64_t macs(const OpContext& op) {
  int64_t product = op.input(2).shape.elements();
  if (__builtin_mul_overflow(product, op.input(1).shape.elements(0, 4), &product)) return INT64_MAX;
  return product;
}

}  // namespace

extern const OpDef kConv3dTranspose;
const OpDef kConv3dTranspose = {
    .name = "CONV_3D_TRANSPOSE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::CONV_3D_TRANSPOSE),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Conv3DOptions),
    .min_inputs = 3,
    .max_inputs = 4,
    .optional_inputs = 1 << 3,
    .infer = infer,
    .invoke = invoke,
    .macs = macs,
};

}  // namespace cygnet::ops
