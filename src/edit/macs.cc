// SPDX-License-Identifier: Apache-2.0
#include "edit/macs.h"

#include <algorithm>

#include "edit/evaluate.h"
#include "graph/callees.h"
#include "runtime/control_flow.h"

namespace cygnet {

namespace {

int64_t saturating_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

class Counter {
 public:
  explicit Counter(const Draft& draft)
      : draft_(draft), counted_(draft.graph.subgraphs.size(), kUncounted) {}

  int64_t subgraph(int32_t index) {
    const auto s = static_cast<size_t>(index);
    if (index < 0 || s >= counted_.size()) return 0;
    if (counted_[s] != kUncounted) return counted_[s];
    counted_[s] = 0;
    int64_t sum = 0;
    for (const Node& n : draft_.graph.subgraphs[s].nodes) sum = saturating_sum(sum, node(s, n));
    return counted_[s] = sum;
  }

 private:
  static constexpr int64_t kUncounted = -1;

  int64_t node(size_t s, const Node& node) {
    if (is_control_flow(node)) {
      const Callees called = callees(node);
      int64_t sum = 0, most = 0;
      for (size_t k = 0; k < called.size(); ++k) {
        const int64_t macs = subgraph(called[k]);
        sum = saturating_sum(sum, macs);
        most = std::max(most, macs);
      }
      return is_loop(node) ? sum : most;
    }
    if (node.op == nullptr || node.op->macs == nullptr) return 0;
    const Subgraph& graph = draft_.graph.subgraphs[s];
    std::vector<GraphTensor> operands, results, intermediates;
    for (int32_t i : node.inputs) {
      operands.push_back(i == kAbsent ? GraphTensor() : graph.tensors[i]);
      if (i != kAbsent && draft_.facts[s][static_cast<size_t>(i)].shape_unknown) return 0;
    }
    for (int32_t i : node.outputs) results.push_back(graph.tensors[i]);
    for (int32_t i : node.intermediates)
      intermediates.push_back(i == kAbsent ? GraphTensor() : graph.tensors[i]);
    return evaluate(node, operands, results, false, draft_.source, intermediates).macs;
  }

  const Draft& draft_;
  std::vector<int64_t> counted_;  ///< by subgraph
};

}  // namespace

int64_t count_macs(const Draft& draft) {
  return Counter(draft).subgraph(0);
}

}  // namespace cygnet
