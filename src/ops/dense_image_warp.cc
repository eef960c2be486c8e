// SPDX-License-Identifier: Apache-2.0
// DenseImageWarp, a custom operator: each pixel is taken from where the flow says, between pixels.
//   input 0: x, float32 [N, H, W, C], H, W ≥ 2; input 1: flow, float32 [N, H, W, 2]
//   output 0: y, float32 [N, H, W, C]: y[n, i, j] = x at row i − flow[n, i, j, 0] and column
//   j − flow[n, i, j, 1], interpolated linearly between the four pixels around; places outside the
//   image are moved to its edge. A NaN in the flow gives NaN.
// Source: tensorflow/lite/kernels/perception/dense_image_warp.cc; TensorFlow Addons.
#include <algorithm>
#include <cmath>

#include "ops/check.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor &x = op.input(0), &flow = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1", flow, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  CYGNET_TRY(expect_shape("input 1", flow, Shape{x.shape[0], x.shape[1], x.shape[2], 2}));
  if (x.shape[1] < 2 || x.shape[2] < 2)
    return bad_model("input 0: expected height and width of at least 2, got %s",
                     shape_text(x.shape).text);
  return op.set_output(0, x.shape);
}

// A place in a dimension of n ≥ 2: between element `low` and the next one, `weight` of the latter.
struct Between {
  int64_t low;
  float weight;

  Between(float place, int64_t n) {
    const auto most = static_cast<float>(n - 2);
    const float floor = std::floor(place);
    low = floor >= most ? n - 2 : (floor > 0 ? static_cast<int64_t>(floor) : 0);
    const float left = place - static_cast<float>(low);
    weight = left > 1 ? 1.0f : (left < 0 ? 0.0f : left);  // a NaN stays
  }
};

float mix(float a, float b, float weight) {
  return weight * (b - a) + a;
}

Status invoke(OpContext& op) {
  const Tensor &x = op.input(0), &flow = op.input(1);
  const int64_t h = x.shape[1], w = x.shape[2], c = x.shape[3];
  if (op.output(0).bytes == 0) return {};
  op.parallel_for(int64_t{x.shape[0]} * h, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const float* image = x.as<float>() + row / h * h * w * c;
      for (int64_t j = 0; j < w; ++j) {
        const float* shift = flow.as<float>() + (row * w + j) * 2;
        const Between y(static_cast<float>(row % h) - shift[0], h);
        const Between z(static_cast<float>(j) - shift[1], w);
        const float* top = image + (y.low * w + z.low) * c;
        const float* bottom = top + w * c;
        float* to = op.output(0).as<float>() + (row * w + j) * c;
        for (int64_t k = 0; k < c; ++k)
          to[k] = mix(mix(top[k], top[k + c], z.weight), mix(bottom[k], bottom[k + c], z.weight),
                      y.weight);
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef kDenseImageWarp;
const OpDef kDenseImageWarp = {
    .name = "DenseImageWarp",
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
