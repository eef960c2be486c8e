// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::passes {
namespace {

// y[..., j] = x[..., from[j]]
struct Shuffle {
  int32_t x = kAbsent, y = kAbsent, last = -1;  // `last` is the node that makes y
  std::vector<int64_t> from;
};

// RESHAPE [.., c] → [.., g, c/g], TRANSPOSE of the last two, RESHAPE → [.., c].
std::optional<Shuffle> find(Patch& patch, int32_t n) {
  Shuffle s;
  s.last = n;
  s.y = patch.node(n).outputs[0];
  const int32_t turned = patch.node(n).inputs[0];
  const int32_t t = patch.producer(turned, Builtin::TRANSPOSE);
  if (t < 0 || !patch.single_use(turned)) return std::nullopt;
  const int32_t split = patch.node(t).inputs[0];
  const int32_t r = patch.producer(split, Builtin::RESHAPE);
  if (r < 0 || !patch.single_use(split)) return std::nullopt;
  s.x = patch.node(r).inputs[0];
  const auto perm = permutation(patch, t);
  if (!perm || !same_shape(patch, s.x, s.y) || patch.shape_unknown(split)) return std::nullopt;
  const Shape &x = patch.shape(s.x), &groups = patch.shape(split);
  const int rank = groups.rank;
  if (x.rank < 2 || rank < 3 || x[x.rank - 1] < 1) return std::nullopt;
  for (int d = 0; d < rank; ++d) {
    const int wanted = d == rank - 2 ? rank - 1 : d == rank - 1 ? rank - 2 : d;
    if ((*perm)[static_cast<size_t>(d)] != wanted) return std::nullopt;
  }
  const int64_t g = groups[rank - 2], m = groups[rank - 1];
  if (g * m != x[x.rank - 1]) return std::nullopt;
  for (int64_t j = 0; j < g * m; ++j) s.from.push_back(j % g * m + j / g);
  return s;
}

// The constant with its dimension `axis` in the order of the channels before the shuffle.
int32_t reordered(Patch& patch, int32_t constant, int axis, const std::vector<int64_t>& from) {
  const Shape shape = patch.shape(constant);
  const std::span<const float> values = patch.values<float>(constant);
  const int64_t inner = shape.elements(axis + 1, shape.rank), count = shape[axis];
  std::vector<float> result(values.size());
  for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
    const int64_t j = i / inner % count;
    const int64_t to = i + (from[static_cast<size_t>(j)] - j) * inner;
    result[static_cast<size_t>(to)] = values[static_cast<size_t>(i)];
  }
  Grid grid = patch.grid(constant);
  if (grid && grid->scales.size() > 1 && grid->axis == axis) {
    QuantizedType q = *grid;
    for (size_t j = 0; j < from.size(); ++j) {
      q.scales[static_cast<size_t>(from[j])] = grid->scales[j];
      q.zero_points[static_cast<size_t>(from[j])] = grid->zero_points[j];
    }
    grid = std::make_shared<const QuantizedType>(std::move(q));
  }
  const int32_t moved =
      patch.constant<float>(shape, result, std::string(patch.tensor(constant).name));
  patch.set_grid(moved, grid);
  return moved;
}

bool float_constant(const Patch& patch, int32_t t) {
  return patch.constant(t) && patch.type(t) == Type::float32;
}

// A depthwise convolution of one filter a channel, in which the channels stay apart.
bool is_depthwise(const Patch& patch, int32_t c, int64_t channels) {
  if (!patch.is(c, Builtin::DEPTHWISE_CONV_2D) || !is_layer(patch, c)) return false;
  const Shape& filter = patch.shape(patch.node(c).inputs[1]);
  return filter[3] == channels && patch.shape(patch.node(c).inputs[0])[3] == channels;
}

bool keeps_channels(const Patch& patch, int32_t c) {
  return (is_unary(patch, c) || patch.is(c, Builtin::AVERAGE_POOL_2D) ||
          patch.is(c, Builtin::MAX_POOL_2D) || patch.is(c, Builtin::RESIZE_BILINEAR) ||
          patch.is(c, Builtin::RESIZE_NEAREST_NEIGHBOR)) &&
         patch.node(c).outputs.size() == 1;
}

// The layer that takes every channel, on the way to which the channels stay apart; `way` are the
// depthwise convolutions on it.
int32_t layer_ahead(const Patch& patch, const Shuffle& s, std::vector<int32_t>& way) {
  const auto channels = static_cast<int64_t>(s.from.size());
  for (int32_t t = s.y; patch.single_use(t);) {
    const int32_t c = patch.consumers(t)[0];
    if (patch.node(c).inputs[0] != t) return -1;
    if (patch.is(c, Builtin::CONV_2D) || patch.is(c, Builtin::FULLY_CONNECTED)) {
      if (!is_layer(patch, c)) return -1;
      const Shape& w = patch.shape(patch.node(c).inputs[1]);
      const Shape& x = patch.shape(t);
      return w[w.rank - 1] == channels && x[x.rank - 1] == channels ? c : -1;
    }
    if (is_depthwise(patch, c, channels))
      way.push_back(c);
    else if (!keeps_channels(patch, c))
      return -1;
    t = patch.node(c).outputs[0];
  }
  return -1;
}

void reorder_operand(Patch& patch, int32_t n, size_t k, int axis,
                     const std::vector<int64_t>& from) {
  std::vector<int32_t> inputs(patch.node(n).inputs.begin(), patch.node(n).inputs.end());
  inputs[k] = reordered(patch, inputs[k], axis, from);
  patch.set_inputs_of(n, inputs);
}

bool fold(Patch& patch, int32_t n) {
  const auto s = find(patch, n);
  if (!s || patch.type(s->x) != Type::float32) return false;
  std::vector<int32_t> way;
  const int32_t layer = layer_ahead(patch, *s, way);
  if (layer < 0) return false;
  for (int32_t d : way) {
    reorder_operand(patch, d, 1, 3, s->from);
    const auto inputs = patch.node(d).inputs;
    if (inputs.size() > 2 && float_constant(patch, inputs[2]))
      reorder_operand(patch, d, 2, 0, s->from);
  }
  const int32_t w = patch.node(layer).inputs[1];
  reorder_operand(patch, layer, 1, patch.shape(w).rank - 1, s->from);
  patch.replace(s->y, s->x);
  patch.erase(s->last);
  return true;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n)
    if (patch.is(n, Builtin::RESHAPE)) rewrites += fold(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// A channel shuffle whose channels a convolution or FULLY_CONNECTED all takes, perhaps behind
/// depthwise convolutions and activations: their weights take the order of the channels before it.
extern const Pass kFoldChannelShuffle;
const Pass kFoldChannelShuffle = {.name = "fold-channel-shuffle",
                                  .summary = "channel shuffles, as the order of weights",
                                  .level = PassLevel::fuse,
                                  .run = run};

}  // namespace cygnet::passes
