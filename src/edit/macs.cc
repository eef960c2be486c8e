// SPDX-License-Identifier: Apache-2.0
#include "edit/macs.h"

#include "edit/evaluate.h"

namespace cygnet {

int64_t count_macs(const Draft& draft) {
  int64_t sum = 0;
  if (draft.graph.subgraphs.empty()) return 0;
  const Subgraph& main = draft.graph.subgraphs[0];
  for (const Node& node : main.nodes) {
    if (node.op == nullptr || node.op->macs == nullptr) continue;
    std::vector<GraphTensor> operands, results;
    bool known = true;
    for (int32_t i : node.inputs) {
      operands.push_back(i == kAbsent ? GraphTensor() : main.tensors[i]);
      known = known && (i == kAbsent || !draft.facts[0][static_cast<size_t>(i)].shape_unknown);
    }
    for (int32_t i : node.outputs) results.push_back(main.tensors[i]);
    if (known) sum += evaluate(node, operands, results, false, draft.source).macs;
  }
  return sum;
}

}  // namespace cygnet
