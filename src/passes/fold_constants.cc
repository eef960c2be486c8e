// SPDX-License-Identifier: Apache-2.0
#include "edit/evaluate.h"
#include "passes/pass.h"

namespace cygnet::passes {
namespace {

constexpr int64_t kMostGrowth = 64 << 20;  // of one operator, in bytes

bool foldable(const Patch& patch, const Node& node) {
  if (node.op == nullptr || !node.op->pure || node.inputs.empty() || node.outputs.empty())
    return false;
  for (int32_t i : node.inputs)
    if (i != kAbsent && !patch.constant(i)) return false;
  return true;
}

int64_t bytes_of_constants(const Patch& patch) {
  int64_t bytes = 0;
  for (const GraphTensor& t : patch.subgraph().tensors)
    if (t.constant) bytes += static_cast<int64_t>(t.bytes);
  return bytes;
}

// Runs the node; its results become constants. False when what they take, beside operands that are
// used nowhere else, is more than `budget`, which shrinks by it: such growth is left to the
// runtime.
bool fold(Patch& patch, int32_t n, int64_t& budget) {
  const Node& node = patch.node(n);
  std::vector<GraphTensor> operands, results;
  int64_t before = 0, after = 0;
  for (int32_t i : node.inputs) {
    operands.push_back(i == kAbsent ? GraphTensor() : patch.tensor(i));
    if (i != kAbsent && patch.single_use(i)) before += static_cast<int64_t>(operands.back().bytes);
  }
  for (int32_t i : node.outputs) {
    if (patch.shape_unknown(i) || type_bits(patch.type(i)) == 0) return false;
    results.push_back(patch.tensor(i));
    after += (patch.shape(i).elements() * type_bits(patch.type(i)) + 7) / 8;
  }
  const int64_t growth = std::max<int64_t>(0, after - before);
  if (growth > 0 && growth > std::min(budget, kMostGrowth)) return false;
  // Memory of constants that are used up is given back after each round.
  if (after > patch.draft().bytes_left() / 2) return false;
  const Evaluation e = evaluate(node, operands, results, true, patch.draft().source);
  if (e.deferred) return false;
  const std::vector<int32_t> outputs(node.outputs.begin(), node.outputs.end());
  for (size_t k = 0; k < outputs.size(); ++k) {
    const GraphTensor& t = patch.tensor(outputs[k]);
    const int32_t constant = patch.copied_constant(t.type, e.shapes[k], e.bytes[k], t.name);
    patch.tensor(constant).quantization = patch.tensor(outputs[k]).quantization;
    if (k == 0) patch.keep_grid(node, constant);
    patch.replace(outputs[k], constant);
  }
  patch.erase(n);
  budget -= growth;
  return true;
}

int run(Patch& patch, const PassOptions& options) {
  int rewrites = 0;
  int64_t budget = options.constant_bytes - bytes_of_constants(patch) / 2;
  const int32_t end = patch.node_count();
  for (int32_t n = 0; n < end; ++n)
    if (!patch.erased(n) && foldable(patch, patch.node(n)))
      rewrites += fold(patch, n, budget) ? 1 : 0;
  return rewrites;
}

}  // namespace

/// Runs operators whose operands are all constant, by the runtime itself.
extern const Pass kFoldConstants;
const Pass kFoldConstants = {.name = "fold-constants",
                             .summary = "operators on constants alone, computed now",
                             .level = PassLevel::safe,
                             .run = run};

}  // namespace cygnet::passes
