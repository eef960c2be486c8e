// SPDX-License-Identifier: Apache-2.0
// CONV_3D: x [N, D, H, W, C], filter [KD, KH, KW, C, M], bias [M] (optional) → y [N, OD, OH, OW,
// M], f32: y[n, d, h, w, m] = bias[m] + Σ x[n, d·sd − pd + i·dd, …, c]·filter[i, j, k, c, m], 0
// outside x, then the fused activation. Source: tensorflow/lite/kernels/conv3d.cc.
#include "ops/activation.h"
#include "ops/window.h"

namespace cygnet::ops {
namespace {

struct Geometry {
  WindowDim d, h, w;
};

Status geometry_of(const OpContext& op, Geometry* g) {
  const auto& o = op.options<schema::Conv3DOptions>();
  const Shape &x = op.input(0).shape, &f = op.input(1).shape;
  g->d = {.in = x[1], .filter = f[0], .stride = o.stride_d(), .dilation = o.dilation_d_factor()};
  g->h = {.in = x[2], .filter = f[1], .stride = o.stride_h(), .dilation = o.dilation_h_factor()};
  g->w = {.in = x[3], .filter = f[2], .stride = o.stride_w(), .dilation = o.dilation_w_factor()};
  CYGNET_TRY(resolve_window("depth", o.padding(), &g->d));
  CYGNET_TRY(resolve_window("height", o.padding(), &g->h));
  return resolve_window("width", o.padding(), &g->w);
}

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &filter = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1", filter, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, 5));
  CYGNET_TRY(expect_rank("input 1", filter, 5));
  if (filter.shape[3] < 1 || filter.shape[4] < 1)
    return bad_model("input 1: expected at least one channel, got %s",
                     shape_text(filter.shape).text);
  if (filter.shape[3] != x.shape[4])
    return bad_model("input 1: expected %d channels as input 0 has, got %d", x.shape[4],
                     filter.shape[3]);
  if (const Tensor* bias = op.input_or_null(2); bias != nullptr) {
    CYGNET_TRY(expect_type("input 2", *bias, {Type::float32}));
    CYGNET_TRY(expect_elements("input 2", *bias, filter.shape[4]));
  }
  Clamp<float> clamp;
  CYGNET_TRY(
      activation_clamp(op.options<schema::Conv3DOptions>().fused_activation_function(), &clamp));
  Geometry g;
  CYGNET_TRY(geometry_of(op, &g));
  return op.set_output(0, {x.shape[0], g.d.out, g.h.out, g.w.out, filter.shape[4]});
}

// One output position: y [m] += x [c] · filter [c, m] for each place under the window.
void accumulate(const OpContext& op, const Geometry& g, int64_t n, int64_t od, int64_t oh,
                int64_t ow, float* y) {
  const Shape &x = op.input(0).shape, &f = op.input(1).shape;
  const int64_t channels = x[4], m = f[4];
  int32_t d0, d1, h0, h1, w0, w1;
  g.d.inside(od, &d0, &d1);
  g.h.inside(oh, &h0, &h1);
  g.w.inside(ow, &w0, &w1);
  for (int64_t i = d0; i < d1; ++i)
    for (int64_t j = h0; j < h1; ++j)
      for (int64_t k = w0; k < w1; ++k) {
        const int64_t d = g.d.first(od) + i * g.d.dilation, h = g.h.first(oh) + j * g.h.dilation,
                      w = g.w.first(ow) + k * g.w.dilation;
        const float* from =
            op.input(0).as<float>() + (((n * x[1] + d) * x[2] + h) * x[3] + w) * channels;
        const float* weights = op.input(1).as<float>() + ((i * f[1] + j) * f[2] + k) * channels * m;
        for (int64_t c = 0; c < channels; ++c, weights += m)
          for (int64_t out = 0; out < m; ++out) y[out] += from[c] * weights[out];
      }
}

Status invoke(OpContext& op) {
  Geometry g;
  CYGNET_TRY(geometry_of(op, &g));
  Clamp<float> clamp;
  CYGNET_TRY(
      activation_clamp(op.options<schema::Conv3DOptions>().fused_activation_function(), &clamp));
  const Tensor* bias = op.input_or_null(2);
  const int64_t m = op.input(1).shape[4];
  const int64_t rows = int64_t{op.input(0).shape[0]} * g.d.out * g.h.out;
  op.parallel_for(rows, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end && !op.stopped(); ++row)
      for (int64_t ow = 0; ow < g.w.out; ++ow) {
        float* y = op.output(0).as<float>() + (row * g.w.out + ow) * m;
        for (int64_t i = 0; i < m; ++i) y[i] = bias == nullptr ? 0.0f : bias->as<float>()[i];
        accumulate(op, g, row / g.h.out / g.d.out, row / g.h.out % g.d.out, row % g.h.out, ow, y);
        for (int64_t i = 0; i < m; ++i) y[i] = clamp(y[i]);
      }
  });
  return {};
}

int64_t macs(const OpContext& op) {
  const Shape& f = op.input(1).shape;
  return op.output(0).shape.elements() * f.elements(0, 4);
}

}  // namespace

extern const OpDef kConv3d;
const OpDef kConv3d = {
    .name = "CONV_3D",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::CONV_3D),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::Conv3DOptions),
    .min_inputs = 2,
    .max_inputs = 3,
    .optional_inputs = 1 << 2,
    .infer = infer,
    .invoke = invoke,
    .macs = macs,
};

}  // namespace cygnet::ops
