// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

// Where an operator with weights has them, and which of their dimensions is the result's channel.
struct Weighted {
  size_t weights = 1, bias = 2;
  bool channel_last = false;
};
std::optional<Weighted> weighted(const Patch& patch, int32_t n) {
  if (patch.is(n, Builtin::CONV_2D) || patch.is(n, Builtin::FULLY_CONNECTED)) return Weighted{};
  if (patch.is(n, Builtin::DEPTHWISE_CONV_2D)) return Weighted{.channel_last = true};
  if (patch.is(n, Builtin::TRANSPOSE_CONV)) return Weighted{.bias = 3};
  return std::nullopt;
}

// A constant operand of one value, or one for each of the last dimension's `channels` elements.
bool per_channel(const Patch& patch, int32_t c, int32_t channels) {
  if (!patch.constant(c) || patch.type(c) != Type::float32) return false;
  const Shape& s = patch.shape(c);
  return s.elements() == 1 ||
         (s.rank >= 1 && s.elements() == channels && s[s.rank - 1] == channels);
}

double at(const Patch& patch, int32_t c, int64_t channel) {
  const auto list = patch.values<float>(c);
  return static_cast<double>(list[list.size() == 1 ? 0 : static_cast<size_t>(channel)]);
}

int32_t scaled_weights(Patch& patch, int32_t weights, int32_t c, int32_t channels, bool last) {
  const auto w = patch.values<float>(weights);
  const auto row = static_cast<int64_t>(w.size()) / channels;
  std::vector<float> values(w.size());
  for (size_t i = 0; i < w.size(); ++i) {
    const auto position = static_cast<int64_t>(i);
    const int64_t channel = last ? position % channels : position / row;
    values[i] = static_cast<float>(static_cast<double>(w[i]) * at(patch, c, channel));
  }
  const std::string name(patch.tensor(weights).name);
  return patch.constant<float>(patch.shape(weights), values, name);
}

int32_t changed_bias(Patch& patch, int32_t bias, int32_t c, int32_t channels, bool product) {
  std::vector<float> values;
  for (int32_t k = 0; k < channels; ++k) {
    const double b = bias == kAbsent ? 0.0 : at(patch, bias, k);
    values.push_back(static_cast<float>(product ? b * at(patch, c, k) : b + at(patch, c, k)));
  }
  const std::string name(patch.tensor(bias == kAbsent ? c : bias).name);
  return patch.constant<float>({channels}, values, name);
}

// y = op(t, c) where t is made by an operator with weights: the constant moves into them.
bool fold(Patch& patch, int32_t n) {
  const bool product = patch.is(n, Builtin::MUL);
  const int32_t y = patch.node(n).outputs[0];
  if ((!product && !patch.is(n, Builtin::ADD)) || patch.type(y) != Type::float32) return false;
  for (size_t k = 0; k < 2; ++k) {
    const int32_t t = patch.node(n).inputs[k], c = patch.node(n).inputs[1 - k];
    const int32_t p = patch.producer(t);
    const auto where = weighted(patch, p);
    if (!where || !patch.single_use(t) || fused_activation(patch, p) != Activation::NONE ||
        !same_shape(patch, t, y))
      continue;
    std::vector<int32_t> inputs(patch.node(p).inputs.begin(), patch.node(p).inputs.end());
    inputs.resize(std::max(inputs.size(), where->bias + 1), kAbsent);
    int32_t &weights = inputs[where->weights], &bias = inputs[where->bias];
    const int32_t channels = patch.shape(t)[patch.shape(t).rank - 1];
    if (!per_channel(patch, c, channels) || !patch.constant(weights) ||
        patch.type(weights) != Type::float32 || patch.shape(weights).elements() == 0 ||
        (bias != kAbsent && !per_channel(patch, bias, channels)) ||
        (product && patch.consumers(weights).size() != 1) ||
        !set_activation(patch, p, fused_activation(patch, n)))
      continue;
    if (product) weights = scaled_weights(patch, weights, c, channels, where->channel_last);
    if (!product || bias != kAbsent) bias = changed_bias(patch, bias, c, channels, product);
    if (inputs.back() == kAbsent && !patch.is(p, Builtin::FULLY_CONNECTED)) inputs.pop_back();
    patch.set_inputs_of(p, inputs);
    patch.replace(y, t);
    patch.erase(n);
    return true;
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n)
    if (!patch.erased(n) && patch.node(n).outputs.size() == 1) rewrites += fold(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// A factor or an offset for each channel behind an operator with weights moves into its weights
/// and bias: batch normalization, a bias on its own.
extern const Pass kFoldAffineBackward;
const Pass kFoldAffineBackward = {.name = "fold-affine-backward",
                                  .summary = "MUL and ADD behind weights, folded into them",
                                  .level = PassLevel::fuse,
                                  .run = run};

}  // namespace cygnet::passes
