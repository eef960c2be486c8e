// SPDX-License-Identifier: Apache-2.0
#include "edit/grid.h"
#include "passes/layers.h"

namespace cygnet::passes {
namespace {

// y = scale·x + offset for each channel: one element for all of them, or one each.
struct Affine {
  int32_t x = kAbsent, c = kAbsent;
  std::vector<double> scale, offset;  // empty: 1, 0
};

std::vector<double> map(std::span<const float> values, double (*f)(double)) {
  std::vector<double> result;
  for (float v : values) result.push_back(f(static_cast<double>(v)));
  return result;
}

// Whether c has one element, or one for each element of the last dimension of x.
bool per_channel(Patch& patch, int32_t c, int32_t x) {
  if (!patch.constant(c) || patch.type(c) != Type::float32 || patch.constant(x)) return false;
  const Shape &s = patch.shape(c), &y = patch.shape(x);
  if (s.elements() == 1) return true;
  return y.rank >= 1 && s.elements() == s[s.rank - 1] && s[s.rank - 1] == y[y.rank - 1];
}

Affine read(Patch& patch, int32_t n) {
  const auto inputs = patch.node(n).inputs;
  const auto as = [&](size_t k, std::vector<double> scale, std::vector<double> offset) {
    return Affine{inputs[1 - k], inputs[k], std::move(scale), std::move(offset)};
  };
  for (size_t k = 0; k < 2; ++k) {
    if (!per_channel(patch, inputs[k], inputs[1 - k])) continue;
    const auto c = patch.values<float>(inputs[k]);
    const auto same = [](double v) { return v; };
    const auto negative = [](double v) { return -v; };
    if (patch.is(n, Builtin::MUL)) return as(k, map(c, same), {});
    if (patch.is(n, Builtin::ADD)) return as(k, {}, map(c, same));
    if (patch.is(n, Builtin::SUB) && k == 1) return as(k, {}, map(c, negative));
    if (patch.is(n, Builtin::SUB)) return as(k, {-1.0}, map(c, same));
    if (patch.is(n, Builtin::DIV) && k == 1)
      return as(k, map(c, [](double v) { return 1 / v; }), {});
  }
  return {};
}

// Whether a slice takes the last dimension's elements in their order.
bool keeps_last_order(Patch& patch, int32_t p) {
  const auto strides = patch.integers(patch.node(p).inputs[3]);
  return strides && !strides->empty() && strides->back() == 1 &&
         patch.options<schema::StridedSliceOptions>(patch.node(p)).ellipsis_mask == 0;
}

// Whether node p only moves elements, so that what happens to each channel may as well happen
// before: channel c of the result is made of channels c, c + count, c + 2·count, … Zeros may come
// between where they stay zeros.
bool moves_channels(Patch& patch, int32_t p, bool zeros_stay) {
  if (patch.is(p, Builtin::BATCH_TO_SPACE_ND) || patch.is(p, Builtin::DEPTH_TO_SPACE)) return true;
  if (patch.is(p, Builtin::STRIDED_SLICE)) {
    const int32_t from = patch.node(p).inputs[0], to = patch.node(p).outputs[0];
    const Shape &a = patch.shape(from), &b = patch.shape(to);
    return !patch.shape_unknown(from) && !patch.shape_unknown(to) && a.rank == b.rank &&
           a.rank >= 1 && a[a.rank - 1] == b[b.rank - 1] &&
           patch.options<schema::StridedSliceOptions>(patch.node(p)).new_axis_mask == 0 &&
           patch.options<schema::StridedSliceOptions>(patch.node(p)).shrink_axis_mask == 0 &&
           keeps_last_order(patch, p);
  }
  if (patch.is(p, Builtin::TRANSPOSE)) {
    const auto order = patch.integers(patch.node(p).inputs[1]);
    return order && !order->empty() && order->back() == static_cast<int64_t>(order->size()) - 1;
  }
  if (patch.is(p, Builtin::RESHAPE) || patch.is(p, Builtin::SQUEEZE) ||
      patch.is(p, Builtin::EXPAND_DIMS)) {
    const int32_t from = patch.node(p).inputs[0], to = patch.node(p).outputs[0];
    const Shape &a = patch.shape(from), &b = patch.shape(to);
    return !patch.shape_unknown(from) && !patch.shape_unknown(to) && a.rank >= 1 && b.rank >= 1 &&
           b[b.rank - 1] > 0 && a[a.rank - 1] % b[b.rank - 1] == 0;
  }
  if (!zeros_stay || (!patch.is(p, Builtin::PAD) && !patch.is(p, Builtin::PADV2))) return false;
  const auto list = paddings(patch, p);
  return list && padding_value(patch, p) == 0.0f && list->size() >= 2 &&
         (*list)[list->size() - 1] == 0 && (*list)[list->size() - 2] == 0;
}

// The layer that makes t, to which nothing else has access.
int32_t layer_behind(Patch& patch, int32_t t, bool zeros_stay) {
  while (patch.single_use(t)) {
    const int32_t p = patch.producer(t);
    if (is_layer(patch, p)) return fused_activation(patch, p) == Activation::NONE ? p : -1;
    if (p < 0 || !moves_channels(patch, p, zeros_stay)) return -1;
    t = patch.node(p).inputs[0];
  }
  return -1;
}

double at(const std::vector<double>& list, int64_t channel, double without) {
  if (list.empty()) return without;
  return list[static_cast<size_t>(channel) % list.size()];
}

// Appends the value as a float; false when it is none.
bool push(std::vector<float>& list, double value) {
  list.push_back(static_cast<float>(value));
  return std::isfinite(list.back());
}

bool scaled_weights(Patch& patch, int32_t p, const Affine& affine, std::vector<float>& out) {
  const int32_t w = patch.node(p).inputs[1];
  const Shape& shape = patch.shape(w);
  const int axis = channel_axis(patch, p);
  const int64_t inner = shape.elements(axis + 1, shape.rank), channels = shape[axis];
  const auto values = patch.values<float>(w);
  out.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t channel = static_cast<int64_t>(i) / inner % channels;
    if (!push(out, static_cast<double>(values[i]) * at(affine.scale, channel, 1))) return false;
  }
  return true;
}

bool moved_bias(Patch& patch, int32_t bias, int64_t channels, const Affine& affine,
                std::vector<float>& out) {
  for (int64_t c = 0; c < channels; ++c) {
    const double b = bias == kAbsent
                         ? 0.0
                         : static_cast<double>(patch.values<float>(bias)[static_cast<size_t>(c)]);
    if (!push(out, b * at(affine.scale, c, 1) + at(affine.offset, c, 0))) return false;
  }
  return true;
}

bool fold(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  if (patch.type(y) != Type::float32) return false;
  const Affine affine = read(patch, n);
  if (affine.x == kAbsent || !same_shape(patch, affine.x, y)) return false;
  const int32_t p = layer_behind(patch, affine.x, affine.offset.empty());
  if (p < 0) return false;
  std::vector<int32_t> inputs(patch.node(p).inputs.begin(), patch.node(p).inputs.end());
  const size_t b = bias_operand(patch, p);
  if (inputs.size() <= b) inputs.resize(b + 1, kAbsent);
  const int64_t channels = patch.shape(inputs[1])[channel_axis(patch, p)];
  const int64_t most = static_cast<int64_t>(std::max(affine.scale.size(), affine.offset.size()));
  if (most == 0 || channels % most != 0 ||
      (inputs[b] != kAbsent && patch.shape(inputs[b]).elements() != channels))
    return false;
  std::vector<float> weights, bias;
  if (!affine.scale.empty() && !scaled_weights(patch, p, affine, weights)) return false;
  if (!moved_bias(patch, inputs[b], channels, affine, bias)) return false;
  if (!affine.scale.empty()) {
    const Shape shape = patch.shape(inputs[1]);
    const int axis = channel_axis(patch, p);
    std::vector<double> factors;
    for (int64_t c = 0; c < channels; ++c) factors.push_back(at(affine.scale, c, 1));
    if (affine.scale.size() == 1) factors = affine.scale;
    const Grid grid = scaled_grid(patch.grid(inputs[1]), shape, factors, axis, weights);
    inputs[1] = patch.constant<float>(shape, weights, std::string(patch.tensor(inputs[1]).name));
    patch.set_grid(inputs[1], grid);
  }
  if (inputs[b] != kAbsent || !affine.offset.empty()) {
    const std::string name(patch.tensor(inputs[b] == kAbsent ? affine.c : inputs[b]).name);
    inputs[b] = patch.constant<float>({static_cast<int32_t>(channels)}, bias, name);
  }
  const Activation activation = fused_activation(patch, n);
  if (!set_activation(patch, p, activation)) return false;
  inputs.resize(inputs[b] == kAbsent ? std::min(inputs.size(), patch.node(p).inputs.size())
                                     : inputs.size());
  patch.set_inputs_of(p, inputs);
  patch.replace(y, affine.x);
  patch.erase(n);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n)
    if (patch.is(n, Builtin::MUL) || patch.is(n, Builtin::ADD) || patch.is(n, Builtin::SUB) ||
        patch.is(n, Builtin::DIV))
      rewrites += fold(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// A constant factor or offset for each channel behind a convolution (normal, depthwise,
/// transposed) or FULLY_CONNECTED moves into its weights and bias: batch normalization, bias.
/// What only moves channels may come between: BATCH_TO_SPACE_ND, DEPTH_TO_SPACE, reshapes, slices.
extern const Pass kFoldBatchNorm;
const Pass kFoldBatchNorm = {.name = "fold-batch-norm",
                             .summary = "MUL and ADD behind weights, folded into them",
                             .level = PassLevel::fuse,
                             .run = run};

}  // namespace cygnet::passes
