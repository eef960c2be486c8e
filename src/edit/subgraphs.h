// SPDX-License-Identifier: Apache-2.0
// Which subgraphs call which.
#pragma once

#include <optional>
#include <vector>

#include "edit/draft.h"

namespace cygnet {

/// The subgraphs that a node of WHILE, IF, CALL or CALL_ONCE calls; none for operators that call
/// nothing. Nothing for operators that may call in ways this does not follow.
std::optional<std::vector<int32_t>> called_subgraphs(const Node& node);

/// How many nodes, of any subgraph, call each subgraph; nothing where some node may call unseen.
std::optional<std::vector<int>> count_callers(const Draft& draft);

/// Removes the subgraphs that neither the main one nor a signature reaches, and renumbers the rest.
/// Returns how many. Does nothing where some node may call unseen.
int drop_unused_subgraphs(Draft& draft);

}  // namespace cygnet
