// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::passes {
namespace {

using schema::Padding;

struct Steps {
  int64_t h = 1, w = 1;
};

// Every h-th row and w-th column of an image from [0, 0] on; nothing else is left out.
std::optional<Steps> steps_of(Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  const int32_t x = inputs[0], y = patch.node(n).outputs[0];
  if (patch.shape_unknown(x) || patch.shape_unknown(y)) return std::nullopt;
  const auto o = patch.options<schema::StridedSliceOptions>(patch.node(n));
  const auto begin = patch.integers(inputs[1]), strides = patch.integers(inputs[3]);
  const Shape &from = patch.shape(x), &to = patch.shape(y);
  if (!begin || !strides || from.rank != 4 || to.rank != 4 || strides->size() != 4 ||
      o.ellipsis_mask != 0 || o.new_axis_mask != 0 || o.shrink_axis_mask != 0)
    return std::nullopt;
  for (int d = 0; d < 4; ++d) {
    const auto k = static_cast<size_t>(d);
    if (((o.begin_mask >> d) & 1) == 0 && (*begin)[k] != 0) return std::nullopt;
    if ((*strides)[k] < 1 || ((d == 0 || d == 3) && (*strides)[k] != 1)) return std::nullopt;
    for (size_t b = 0; b < kBatches.size(); ++b)
      if (shapes(patch, y)[b][d] != (shapes(patch, x)[b][d] - 1) / (*strides)[k] + 1)
        return std::nullopt;
  }
  return Steps{(*strides)[1], (*strides)[2]};
}

// Whether a convolution computes `out` results with the stride `step` times as wide, and begins
// where it does without.
bool same_windows(const Window& narrow, int64_t step, Padding padding, int64_t out) {
  Window wide = narrow;
  wide.stride *= step;
  return wide.out(padding) == out && wide.before(padding) == narrow.before(padding);
}

template <class Table>
bool widen(Patch& patch, int32_t p, const Steps& steps, int32_t y) {
  auto o = patch.options<Table>(patch.node(p));
  const auto inputs = patch.node(p).inputs;
  const Shape &x = patch.shape(inputs[0]), &f = patch.shape(inputs[1]), &out = patch.shape(y);
  if (patch.dim_free(inputs[0], 1) || patch.dim_free(inputs[0], 2) ||
      !same_windows({x[1], f[1], o.stride_h, o.dilation_h_factor}, steps.h, o.padding, out[1]) ||
      !same_windows({x[2], f[2], o.stride_w, o.dilation_w_factor}, steps.w, o.padding, out[2]))
    return false;
  o.stride_h = static_cast<int32_t>(o.stride_h * steps.h);
  o.stride_w = static_cast<int32_t>(o.stride_w * steps.w);
  const std::string name(patch.tensor(y).name);
  patch.replace(y, patch.add(static_cast<Builtin>(patch.node(p).builtin),
                             {inputs.begin(), inputs.end()}, o, Results(name)));
  return true;
}

bool fold(Patch& patch, int32_t n) {
  const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
  const int32_t p = patch.producer(x);
  if (p < 0 || !patch.single_use(x) || patch.type(x) != Type::float32) return false;
  const bool depthwise = patch.is(p, Builtin::DEPTHWISE_CONV_2D);
  if (!depthwise && !patch.is(p, Builtin::CONV_2D)) return false;
  const auto steps = steps_of(patch, n);
  // A depthwise convolution has one stride for both directions in most kernels.
  if (!steps || (steps->h == 1 && steps->w == 1) || (depthwise && steps->h != steps->w))
    return false;
  const bool done = depthwise ? widen<schema::DepthwiseConv2DOptions>(patch, p, *steps, y)
                              : widen<schema::Conv2DOptions>(patch, p, *steps, y);
  if (done) patch.erase(n);
  return done;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n)
    if (patch.is(n, Builtin::STRIDED_SLICE)) rewrites += fold(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// STRIDED_SLICE that takes every n-th row and column of a convolution's result: the convolution's
/// stride, so that what is thrown away is not computed.
extern const Pass kFoldSubsampling;
const Pass kFoldSubsampling = {.name = "fold-subsampling",
                               .summary = "every n-th pixel of a convolution, as its stride",
                               .level = PassLevel::safe,
                               .run = run};

}  // namespace cygnet::passes
