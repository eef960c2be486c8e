// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

// Part [first, first + count) of one dimension of operand 0; all of the others.
struct Part {
  int axis = 0;
  int32_t first = 0, count = 0;
};

std::optional<Part> part_of(Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const int32_t x = node.inputs[0], y = node.outputs[0];
  if (patch.shape_unknown(x) || patch.shape_unknown(y) || !same_kind(patch, x, y) ||
      patch.shape(x).rank != patch.shape(y).rank || patch.tensor(y).variable)
    return std::nullopt;
  std::vector<int64_t> begin;
  unsigned from_start = 0;
  if (patch.is(n, Builtin::STRIDED_SLICE)) {
    const auto options = patch.options<schema::StridedSliceOptions>(node);
    const auto strides = patch.integers(node.inputs[3]);
    if (options.new_axis_mask != 0 || options.shrink_axis_mask != 0 || options.ellipsis_mask != 0 ||
        !strides || std::any_of(strides->begin(), strides->end(), [](int64_t s) { return s != 1; }))
      return std::nullopt;
    from_start = static_cast<unsigned>(options.begin_mask);
  } else if (!patch.is(n, Builtin::SLICE)) {
    return std::nullopt;
  }
  const auto list = patch.integers(node.inputs[1]);
  if (!list || static_cast<int32_t>(list->size()) != patch.shape(x).rank) return std::nullopt;
  std::optional<Part> part;
  for (int d = 0; d < patch.shape(x).rank; ++d) {
    bool whole = true;
    for (size_t b = 0; b < kBatches.size(); ++b)
      whole = whole && shapes(patch, x)[b][d] == shapes(patch, y)[b][d];
    if (whole) continue;
    if (part || patch.dim_free(x, d) || patch.dim_free(y, d)) return std::nullopt;
    int64_t first = (from_start >> d & 1) != 0 ? 0 : (*list)[static_cast<size_t>(d)];
    if (first < 0) first += patch.shape(x)[d];
    part = Part{d, static_cast<int32_t>(first), patch.shape(y)[d]};
  }
  return part;
}

// The slices of x that cut one axis into equal parts, each taken once, in order; empty: they don't.
std::vector<int32_t> equal_parts(Patch& patch, int32_t x, int* axis) {
  std::map<int32_t, int32_t> slices;  // first → node
  std::optional<Part> model;
  for (int32_t n : patch.consumers(x)) {
    if (patch.node(n).inputs[0] != x) continue;
    const auto part = part_of(patch, n);
    if (!part) continue;
    if (model && (model->axis != part->axis || model->count != part->count)) return {};
    if (!slices.emplace(part->first, n).second) return {};
    model = part;
  }
  if (slices.size() < 2) return {};
  const int32_t whole = patch.shape(x)[model->axis];
  if (static_cast<int64_t>(slices.size()) * model->count != whole) return {};
  std::vector<int32_t> nodes;
  for (const auto& [first, n] : slices) {
    if (first != static_cast<int32_t>(nodes.size()) * model->count) return {};
    nodes.push_back(n);
  }
  *axis = model->axis;
  return nodes;
}

// Whether LiteRT's SPLIT takes elements of this type.
bool splittable(Type type) {
  return type == Type::float32 || type == Type::int32 || type == Type::int16 ||
         type == Type::int8 || type == Type::uint8;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  if (!has(patch, Builtin::SPLIT)) return 0;
  const int32_t count = static_cast<int32_t>(patch.subgraph().tensors.size());
  for (int32_t x = 0; x < count; ++x) {
    int axis = 0;
    if (!splittable(patch.type(x))) continue;
    const std::vector<int32_t> slices = equal_parts(patch, x, &axis);
    if (slices.empty()) continue;
    std::vector<int32_t> results;
    for (int32_t n : slices) {
      const int32_t y = patch.node(n).outputs[0];
      results.push_back(y);
      patch.erase(n);
    }
    schema::SplitOptionsT options;
    options.num_splits = static_cast<int32_t>(results.size());
    patch.add_into(Builtin::SPLIT, {patch.scalar<int32_t>(axis), x}, results, options);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// Slices that cut a dimension into equal parts become one SPLIT.
extern const Pass kMergeSlices;
const Pass kMergeSlices = {.name = "merge-slices",
                           .summary = "slices that cut a dimension into equal parts: one SPLIT",
                           .level = PassLevel::safe,
                           .run = run};

}  // namespace cygnet::passes
