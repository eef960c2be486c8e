// SPDX-License-Identifier: Apache-2.0
#include "edit/recurrent.h"
#include "passes/match.h"

namespace cygnet::passes {
namespace {

bool rewrite(Patch& patch, int32_t n) {
  const int32_t y = patch.node(n).outputs[0];
  const auto value = patch.uniform(patch.node(n).inputs[1]);
  if (!value || patch.is_output(y) || patch.tensor(y).variable) return false;
  const auto dims = target_shape(patch, y);
  if (!dims) return false;
  // Operators in front of this one don't depend on it.
  std::vector<int32_t> sources;
  for (int32_t m = 0; m < n; ++m)
    if (!patch.erased(m))
      for (int32_t t : patch.node(m).outputs)
        if (!patch.tensor(t).variable) sources.push_back(t);
  for (size_t d = 0; d < dims->size(); ++d) {
    if ((*dims)[d] != -1) continue;
    const std::string name(patch.tensor(y).name);
    const int32_t filled = fill_batch(patch, y, static_cast<int>(d), *dims, *value, name, sources);
    if (filled == kAbsent) return false;
    patch.replace(y, filled);
    patch.erase(n);
    return true;
  }
  return false;
}

int run(Patch& patch, const PassOptions&) {
  int rewrites = 0;
  if (!has(patch, Builtin::SELECT_V2) || !has(patch, Builtin::STRIDED_SLICE)) return 0;
  const int32_t count = patch.node_count();
  for (int32_t n = 0; n < count; ++n)
    if (patch.is(n, Builtin::FILL)) rewrites += rewrite(patch, n) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// FILL of a shape that only lacks the batch, whose arithmetic with SHAPE goes: runtimes know the
/// result's shape before the run.
extern const Pass kFillBatch;
const Pass kFillBatch = {.name = "fill-batch",
                         .summary = "FILL of a shape that depends on the batch alone",
                         .level = PassLevel::safe,
                         .run = run};

}  // namespace cygnet::passes
