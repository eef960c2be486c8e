// SPDX-License-Identifier: Apache-2.0
#include "passes/match.h"

namespace cygnet::passes {
namespace {

int axis_of(const Patch& patch, int32_t n) {
  const int axis = patch.options<schema::ConcatenationOptions>(patch.node(n)).axis;
  return axis < 0 ? axis + patch.shape(patch.node(n).outputs[0]).rank : axis;
}

// The operands of n, those of inner CONCATENATIONs on the same axis in their place.
std::vector<int32_t> flattened(const Patch& patch, int32_t n) {
  std::vector<int32_t> list;
  for (int32_t i : patch.node(n).inputs) {
    const int32_t inner = patch.producer(i, Builtin::CONCATENATION);
    const bool merges =
        inner >= 0 && patch.single_use(i) && fused_activation(patch, inner) == Activation::NONE &&
        axis_of(patch, inner) == axis_of(patch, n) && same_kind(patch, i, patch.node(n).outputs[0]);
    if (!merges) {
      list.push_back(i);
      continue;
    }
    const auto parts = patch.node(inner).inputs;
    list.insert(list.end(), parts.begin(), parts.end());
  }
  return list;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  for (int32_t n = 0; n < patch.node_count(); ++n) {
    if (!patch.is(n, Builtin::CONCATENATION) || patch.shape_unknown(patch.node(n).outputs[0]))
      continue;
    const std::vector<int32_t> list = flattened(patch, n);
    if (list.size() == patch.node(n).inputs.size()) continue;
    patch.set_inputs_of(n, list);
    ++rewrites;
  }
  return rewrites;
}

}  // namespace

/// A CONCATENATION of CONCATENATIONs on the same axis becomes one.
extern const Pass kMergeConcatenations;
const Pass kMergeConcatenations = {.name = "merge-concatenations",
                                   .summary = "CONCATENATION of CONCATENATIONs",
                                   .level = PassLevel::safe,
                                   .run = run};

}  // namespace cygnet::passes
