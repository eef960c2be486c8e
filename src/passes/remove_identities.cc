// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

bool all(const std::optional<std::vector<int64_t>>& list, int64_t value) {
  return list && std::all_of(list->begin(), list->end(), [&](int64_t v) { return v == value; });
}

// Slices forward, without adding or dropping dimensions. When such a slice has the shape of its
// operand, it takes every element.
bool forward_slice(const Patch& patch, const Node& node) {
  const auto options = patch.options<schema::StridedSliceOptions>(node);
  const auto strides = patch.integers(node.inputs[3]);
  return options.new_axis_mask == 0 && options.shrink_axis_mask == 0 && strides &&
         std::all_of(strides->begin(), strides->end(), [](int64_t s) { return s > 0; });
}

bool in_order(const std::optional<std::vector<int32_t>>& perm) {
  return perm && std::is_sorted(perm->begin(), perm->end());
}

// Whether the node, whose result 0 has the shape and kind of operand 0, hands it on unchanged.
bool hands_on(const Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::RESHAPE:
    case Builtin::SQUEEZE:
    case Builtin::EXPAND_DIMS:
    case Builtin::CAST:
    case Builtin::SLICE:
    case Builtin::BROADCAST_TO:
    case Builtin::TILE:
    // Of the same shape, these reduce over dimensions of size 1 only.
    case Builtin::MEAN:
    case Builtin::SUM:
    case Builtin::REDUCE_MAX:
    case Builtin::REDUCE_MIN:
    case Builtin::REDUCE_PROD:
    // Of the same size, every sample falls on a pixel.
    case Builtin::RESIZE_BILINEAR:
    case Builtin::RESIZE_NEAREST_NEIGHBOR:
      return true;
    case Builtin::TRANSPOSE:
      return in_order(permutation(patch, n));
    case Builtin::CONCATENATION:
      return node.inputs.size() == 1 && fused_activation(patch, n) == Activation::NONE;
    case Builtin::PAD:
    case Builtin::PADV2:
    case Builtin::MIRROR_PAD:
      return all(patch.integers(node.inputs[1]), 0);
    case Builtin::STRIDED_SLICE:
      return forward_slice(patch, node);
    case Builtin::SPACE_TO_DEPTH:
      return true;
    case Builtin::DEPTH_TO_SPACE:
      return true;
    default:
      return false;
  }
}

int run(Patch& patch, const PassOptions&) {
  int removed = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (patch.erased(n)) continue;
    const Node& node = patch.node(n);
    if (node.outputs.size() != 1 || node.inputs.empty()) continue;
    const int32_t x = node.inputs[0], y = node.outputs[0];
    if (x == kAbsent || !same_kind(patch, x, y) || !same_shape(patch, x, y) ||
        !may_replace(patch, y, x) || !hands_on(patch, n))
      continue;
    patch.bypass(n);
    ++removed;
  }
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (!patch.is(n, Builtin::SPLIT) || patch.node(n).outputs.size() != 1) continue;
    if (!may_replace(patch, patch.node(n).outputs[0], patch.node(n).inputs[1])) continue;
    patch.bypass(n, 1);
    ++removed;
  }
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (!patch.is(n, Builtin::DYNAMIC_UPDATE_SLICE)) continue;
    // The start is clamped, so an update of the whole shape replaces everything.
    const int32_t update = patch.node(n).inputs[1], y = patch.node(n).outputs[0];
    if (!same_shape(patch, update, y) || !may_replace(patch, y, update)) continue;
    patch.bypass(n, 1);
    ++removed;
  }
  return removed;
}

}  // namespace

/// Removes operators whose result is their operand.
extern const Pass kRemoveIdentities;
const Pass kRemoveIdentities = {.name = "remove-identities",
                                .summary = "operators that change nothing",
                                .level = PassLevel::safe,
                                .run = run};

}  // namespace cygnet::passes
