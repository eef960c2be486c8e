// SPDX-License-Identifier: Apache-2.0
#include "quantize/affine.h"

#include "passes/layers.h"

namespace cygnet {
namespace {

// The constant operand of a binary operator with an element for each channel of the other, or −1.
int channel_operand(const Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  for (int k = 0; k < 2; ++k) {
    const int32_t c = inputs[static_cast<size_t>(k)], x = inputs[static_cast<size_t>(1 - k)];
    if (!patch.constant(c) || patch.constant(x) || patch.type(c) != Type::float32) continue;
    const Shape s = patch.shape(c), y = patch.shape(x);
    if (y.rank == 4 && s.rank >= 1 && s.rank <= 4 && s[s.rank - 1] == y[3] && s.elements() == y[3])
      return k;
  }
  return -1;
}

bool convert(Patch& patch, int32_t n) {
  const int c = channel_operand(patch, n);
  if (c < 0 || passes::fused_activation(patch, n) != passes::Activation::NONE) return false;
  const int32_t scale = patch.node(n).inputs[static_cast<size_t>(c)];
  const int32_t x = patch.node(n).inputs[static_cast<size_t>(1 - c)];
  const int32_t add = patch.single_consumer(patch.node(n).outputs[0]);
  if (!patch.is(add, Builtin::ADD) || !passes::has(patch, Builtin::DEPTHWISE_CONV_2D)) return false;
  const int d = channel_operand(patch, add);
  if (d < 0) return false;
  const int32_t offset = patch.node(add).inputs[static_cast<size_t>(d)];
  const int32_t channels = patch.shape(x)[3];
  const auto values = [&](int32_t i) {
    const auto span = patch.values<float>(i);
    return std::vector<float>(span.begin(), span.end());
  };
  const std::vector<float> weights = values(scale), bias = values(offset);
  schema::DepthwiseConv2DOptionsT o;
  o.padding = schema::Padding::VALID;
  o.stride_h = o.stride_w = o.dilation_h_factor = o.dilation_w_factor = 1;
  o.depth_multiplier = 1;
  o.fused_activation_function = passes::fused_activation(patch, add);
  const int32_t y = patch.node(add).outputs[0];
  const std::string name(patch.tensor(y).name);
  const int32_t result = patch.add(
      Builtin::DEPTHWISE_CONV_2D,
      {x,
       patch.constant<float>({1, 1, 1, channels}, weights, std::string(patch.tensor(scale).name)),
       patch.constant<float>({channels}, bias, std::string(patch.tensor(offset).name))},
      o, name);
  patch.replace(y, result);
  patch.erase(add);
  patch.erase(n);
  return true;
}

}  // namespace

int affine_to_depthwise(Draft& draft, const OpRegistry& registry) {
  Patch patch(draft, registry, 0);
  int converted = 0;
  const int32_t count = patch.node_count();
  for (int32_t n = 0; n < count; ++n)
    if (patch.is(n, Builtin::MUL)) converted += convert(patch, n) ? 1 : 0;
  patch.remove_dead();
  patch.finish();
  return converted;
}

}  // namespace cygnet
