// SPDX-License-Identifier: Apache-2.0
// Runs one operator, or its shape inference alone, outside of any model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace cygnet {

/// What one operator says about its results.
struct Evaluation {
  bool deferred = false;                    ///< the shapes depend on operands that have no values
  std::vector<Shape> shapes;                ///< of the results
  std::vector<std::vector<uint8_t>> bytes;  ///< of the results, when it was run
  int64_t macs = 0;                         ///< multiply-adds
};

/// Infers `node` on the given operands (absent ones are entries of their own that are not read;
/// constants have data) and, if `run`, computes it. `results` have name and type. Operand lists of
/// `node` are ignored but for kAbsent. WHILE and IF are deferred, with the shapes of `results`.
/// intermediates: of the node, in its order. Throws Failure with the operator's message, `where`
/// first.
Evaluation evaluate(const Node& node, const std::vector<GraphTensor>& operands,
                    const std::vector<GraphTensor>& results, bool run, const std::string& where,
                    const std::vector<GraphTensor>& intermediates = {});

}  // namespace cygnet
