// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "passes/match.h"

namespace cygnet::passes {
namespace {

// Puts a RESHAPE of x in the place of result 0 of node n.
bool become_reshape(Patch& patch, int32_t n, int32_t x) {
  const int32_t y = patch.node(n).outputs[0];
  const int32_t z = add_reshape(patch, x, y);
  if (z == kAbsent) return false;
  patch.replace(y, z);
  patch.erase(n);
  return true;
}

// Whether the TRANSPOSE keeps the order of all dimensions but those of size 1.
bool moves_only_ones(const Patch& patch, int32_t n) {
  const auto perm = permutation(patch, n);
  const int32_t x = patch.node(n).inputs[0];
  int32_t last = -1;
  if (!perm || patch.shape_unknown(x)) return false;
  for (int32_t p : *perm) {
    if (patch.shape(x)[p] == 1 && !patch.dim_free(x, p)) continue;
    if (p < last) return false;
    last = p;
  }
  return true;
}

// Whether the STRIDED_SLICE takes every element in order, and only adds or drops dimensions.
bool takes_all(Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  const auto strides = patch.integers(node.inputs[3]);
  const int32_t x = node.inputs[0], y = node.outputs[0];
  if (!strides || patch.shape_unknown(x) || patch.shape_unknown(y) ||
      std::any_of(strides->begin(), strides->end(), [](int64_t s) { return s < 0; }))
    return false;
  for (size_t b = 0; b < kBatches.size(); ++b)
    if (shapes(patch, x)[b].elements() != shapes(patch, y)[b].elements()) return false;
  return true;
}

// Whether result 0 has the elements of operand 0 in order.
bool is_view(Patch& patch, int32_t n) {
  const Node& node = patch.node(n);
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::EXPAND_DIMS:
    case Builtin::SQUEEZE:
      return true;
    case Builtin::PACK:
      return node.inputs.size() == 1;
    case Builtin::UNPACK:
      return node.outputs.size() == 1;
    case Builtin::TRANSPOSE:
      return moves_only_ones(patch, n);
    case Builtin::STRIDED_SLICE:
      return takes_all(patch, n);
    default:
      return false;
  }
}

bool is_reduction(const Patch& patch, int32_t n) {
  for (Builtin op : {Builtin::MEAN, Builtin::SUM, Builtin::REDUCE_MAX, Builtin::REDUCE_MIN,
                     Builtin::REDUCE_PROD, Builtin::REDUCE_ANY, Builtin::REDUCE_ALL})
    if (patch.is(n, op)) return true;
  return false;
}

// Whether y has the shape of the reduction of x over `list` with or without the reduced dimensions.
bool reduces_to(Patch& patch, int32_t x, const std::vector<int32_t>& list, bool keep, int32_t y) {
  if (patch.shape_unknown(x) || patch.shape_unknown(y)) return false;
  for (size_t b = 0; b < kBatches.size(); ++b) {
    Shape shape;
    for (int d = 0; d < shapes(patch, x)[b].rank; ++d) {
      const bool reduced = std::find(list.begin(), list.end(), d) != list.end();
      if (!reduced || keep) shape.push(reduced ? 1 : shapes(patch, x)[b][d]);
    }
    if (!(shape == shapes(patch, y)[b])) return false;
  }
  return true;
}

// A RESHAPE behind a reduction that only keeps or drops the reduced dimensions.
bool merge_into_reduction(Patch& patch, int32_t n) {
  const int32_t x = patch.node(n).inputs[0], y = patch.node(n).outputs[0];
  const int32_t reduction = patch.producer(x);
  if (!is_reduction(patch, reduction) || !patch.single_use(x)) return false;
  const Node node = patch.node(reduction);
  auto options = patch.options<schema::ReducerOptions>(node);
  options.keep_dims = !options.keep_dims;
  const auto list = axes(patch, node.inputs[1], patch.shape(node.inputs[0]).rank);
  if (!list || !reduces_to(patch, node.inputs[0], *list, options.keep_dims, y)) return false;
  const std::string name(patch.tensor(y).name);
  const int32_t z = patch.add(static_cast<Builtin>(node.builtin), {node.inputs[0], node.inputs[1]},
                              options, Results(name, patch.type(y)));
  patch.tensor(z).quantization = patch.tensor(y).quantization;
  patch.replace(y, z);
  patch.erase(n);
  return true;
}

// RESHAPE – unary – RESHAPE: the first one moves behind the unary operator, where both merge.
bool sink_through_unary(Patch& patch, int32_t n) {
  const int32_t middle = patch.producer(patch.node(n).inputs[0]);
  if (middle < 0 || !is_unary(patch, middle)) return false;
  const Node unary = patch.node(middle);
  const int32_t first = patch.producer(unary.inputs[0], Builtin::RESHAPE);
  if (first < 0 || !patch.single_use(unary.inputs[0]) || !patch.single_use(unary.outputs[0]))
    return false;
  const int32_t x = patch.node(first).inputs[0], y = unary.outputs[0];
  if (patch.shape_unknown(x)) return false;
  const int32_t moved = patch.tensor_like(x, patch.type(y), patch.tensor(y).name);
  patch.tensor(moved).quantization = patch.tensor(y).quantization;
  std::vector<int32_t> inputs(unary.inputs.begin(), unary.inputs.end());
  inputs[0] = x;
  patch.set_outputs_of(middle, {moved});
  patch.set_inputs_of(middle, inputs);
  return become_reshape(patch, n, moved);
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (patch.erased(n)) continue;
    if (is_view(patch, n)) {
      rewrites += become_reshape(patch, n, patch.node(n).inputs[0]) ? 1 : 0;
      continue;
    }
    if (!patch.is(n, Builtin::RESHAPE) || patch.shape_unknown(patch.node(n).outputs[0])) continue;
    const int32_t first = patch.producer(patch.node(n).inputs[0], Builtin::RESHAPE);
    const bool changed = (first >= 0 && become_reshape(patch, n, patch.node(first).inputs[0])) ||
                         merge_into_reduction(patch, n) || sink_through_unary(patch, n);
    rewrites += changed ? 1 : 0;
  }
  return rewrites;
}

}  // namespace

/// One RESHAPE for everything that only changes the shape; none behind reductions, which can keep
/// or drop the dimensions themselves.
extern const Pass kMergeReshapes;
const Pass kMergeReshapes = {.name = "merge-reshapes",
                             .summary = "RESHAPE, SQUEEZE, EXPAND_DIMS and the like in a row",
                             .level = PassLevel::safe,
                             .run = run};

}  // namespace cygnet::passes
