// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "passes/layers.h"

namespace cygnet::passes {
namespace {

using schema::Padding;

// No element of the tensor is below 0.
bool not_negative(const Patch& patch, int32_t tensor) {
  const int32_t n = patch.producer(tensor);
  if (n < 0 || patch.type(tensor) != Type::float32) return false;
  if (patch.is(n, Builtin::RELU) || patch.is(n, Builtin::RELU6) || patch.is(n, Builtin::LOGISTIC))
    return true;
  const Activation activation = fused_activation(patch, n);
  return activation == Activation::RELU || activation == Activation::RELU6;
}

// Height and width of a convolution or pool on an image, for option tables of either kind.
struct Geometry {
  Window h, w;
  Padding padding = Padding::SAME;
};

std::optional<Geometry> geometry_of(const Patch& patch, int32_t n, const Shape& x) {
  if (x.rank != 4) return std::nullopt;
  const auto convolution = [&]<class Table>(const Table*) {
    const auto o = patch.options<Table>(patch.node(n));
    const Shape& f = patch.shape(patch.node(n).inputs[1]);
    return Geometry{{x[1], f[1], o.stride_h, o.dilation_h_factor},
                    {x[2], f[2], o.stride_w, o.dilation_w_factor},
                    o.padding};
  };
  if (patch.is(n, Builtin::CONV_2D))
    return convolution(static_cast<schema::Conv2DOptions*>(nullptr));
  if (patch.is(n, Builtin::DEPTHWISE_CONV_2D))
    return convolution(static_cast<schema::DepthwiseConv2DOptions*>(nullptr));
  if (!patch.is(n, Builtin::MAX_POOL_2D)) return std::nullopt;
  const auto o = patch.options<schema::Pool2DOptions>(patch.node(n));
  return Geometry{
      {x[1], o.filter_height, o.stride_h}, {x[2], o.filter_width, o.stride_w}, o.padding};
}

void set_padding(Patch& patch, int32_t n, Padding padding) {
  const auto set = [&]<class Table>(const Table*) {
    auto options = patch.options<Table>(patch.node(n));
    options.padding = padding;
    patch.set_options(n, options);
  };
  if (patch.is(n, Builtin::CONV_2D)) return set(static_cast<schema::Conv2DOptions*>(nullptr));
  if (patch.is(n, Builtin::DEPTHWISE_CONV_2D))
    return set(static_cast<schema::DepthwiseConv2DOptions*>(nullptr));
  set(static_cast<schema::Pool2DOptions*>(nullptr));
}

void read_from(Patch& patch, int32_t n, int32_t x) {
  std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  inputs[0] = x;
  patch.set_inputs_of(n, inputs);
}

// Whether the windows with SAME on the unpadded image are the present ones on the padded image.
bool same_windows(const Window& padded, Padding padding, int64_t before, int64_t in) {
  Window plain = padded;
  plain.in = in;
  return plain.out(Padding::SAME) == padded.out(padding) &&
         plain.before(Padding::SAME) == before + padded.before(padding);
}

bool into_window(Patch& patch, int32_t pad, int32_t n) {
  const int32_t x = patch.node(pad).inputs[0], t = patch.node(pad).outputs[0];
  if (patch.node(n).inputs[0] != t || patch.shape_unknown(x)) return false;
  const auto value = padding_value(patch, pad);
  const auto list = *paddings(patch, pad);
  const auto geometry = geometry_of(patch, n, patch.shape(t));
  if (!geometry || !value || list[0] != 0 || list[1] != 0 || list[6] != 0 || list[7] != 0)
    return false;
  if (patch.is(n, Builtin::MAX_POOL_2D)) {
    const bool lowest = *value <= std::numeric_limits<float>::lowest();
    // A pool that pads by itself takes no element from there, but it took the padding's.
    if (geometry->padding == Padding::SAME && !lowest) return false;
    if (!lowest && (*value != 0 || !not_negative(patch, x))) return false;
  } else if (*value != 0) {
    return false;
  }
  const Shape& image = patch.shape(x);
  if (!same_windows(geometry->h, geometry->padding, list[2], image[1]) ||
      !same_windows(geometry->w, geometry->padding, list[4], image[2]))
    return false;
  set_padding(patch, n, Padding::SAME);
  read_from(patch, n, x);
  return true;
}

// PAD, then PAD or SPACE_TO_BATCH_ND with paddings of its own: the sums.
bool into_paddings(Patch& patch, int32_t pad, int32_t n) {
  const bool batches = patch.is(n, Builtin::SPACE_TO_BATCH_ND);
  if (!batches && !patch.is(n, Builtin::PAD)) return false;
  const size_t k = batches ? 2 : 1;
  const auto first = *paddings(patch, pad);
  const auto then = patch.integers(patch.node(n).inputs[k]);
  if (!then || padding_value(patch, pad) != 0.0f || patch.node(n).inputs[0] == kAbsent)
    return false;
  const size_t skip = batches ? 2 : 0;  // batch and channels, which it does not pad
  if (first.size() != then->size() + 2 * skip) return false;
  for (size_t i = 0; i < skip; ++i)
    if (first[i] != 0 || first[first.size() - 1 - i] != 0) return false;
  std::vector<int32_t> sums;
  for (size_t i = 0; i < then->size(); ++i)
    sums.push_back(static_cast<int32_t>((*then)[i] + first[i + skip]));
  std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  inputs[0] = patch.node(pad).inputs[0];
  inputs[k] = patch.constant<int32_t>({static_cast<int32_t>(sums.size() / 2), 2}, sums,
                                      std::string(patch.tensor(inputs[k]).name));
  patch.set_inputs_of(n, inputs);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t pad = 0; pad < end; ++pad) {
    if (patch.erased(pad) || !paddings(patch, pad)) continue;
    const std::vector<int32_t> readers = patch.consumers(patch.node(pad).outputs[0]);
    for (int32_t n : readers) {
      const bool folded = paddings(patch, pad)->size() == 8 && into_window(patch, pad, n);
      rewrites += folded || into_paddings(patch, pad, n) ? 1 : 0;
    }
  }
  return rewrites;
}

}  // namespace

/// PAD in front of a convolution or MAX_POOL_2D whose own padding, SAME, is exactly the same; in
/// front of PAD and SPACE_TO_BATCH_ND, which add it to theirs. AVERAGE_POOL_2D does not count what
/// it pads: there PAD stays.
extern const Pass kFoldPadding;
const Pass kFoldPadding = {.name = "fold-padding",
                           .summary = "PAD, as the padding of the operator behind it",
                           .level = PassLevel::safe,
                           .run = run};

}  // namespace cygnet::passes
