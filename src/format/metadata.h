// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/budget.h"
#include "graph/graph.h"

namespace cygnet {

/// Rule C11 on one metadata entry whose data was found: texts that are read as such end inside
/// their buffer, and control dependencies decode to edges from earlier to later operators.
Status verify_metadata(const Metadata& metadata, const Graph& graph, Budget* budget);

}  // namespace cygnet
