// SPDX-License-Identifier: Apache-2.0
// Who makes and who takes a subgraph's tensors.
#pragma once

#include "base/vector.h"
#include "graph/graph.h"

namespace cygnet {

struct Makers {
  Vector<int32_t> maker;  ///< by tensor: the node that makes it, or −1
  Vector<int32_t> uses;   ///< by tensor: how often nodes and results of the subgraph take it

  /// False when memory is short.
  [[nodiscard]] bool find(const Subgraph& graph) {
    const size_t n = graph.tensors.size();
    if (!reserve_or_fail(maker, n) || !reserve_or_fail(uses, n)) return false;
    maker.assign(n, -1);
    uses.assign(n, 0);
    for (size_t k = 0; k < graph.nodes.size(); ++k) {
      for (int32_t i : graph.nodes[k].outputs) maker[i] = static_cast<int32_t>(k);
      for (int32_t i : graph.nodes[k].inputs)
        if (i != kAbsent) ++uses[i];
    }
    for (int32_t i : graph.outputs) ++uses[i];
    return true;
  }
};

}  // namespace cygnet
