// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "graph/graph.h"

namespace cygnet {

/// The subgraphs that a node calls, in the order of its options: WHILE's condition and body, IF's
/// branches, and so on. Valid as long as the node's options.
struct Callees {
  int32_t own[2] = {};
  int own_count = 0;
  std::span<const int32_t> list;

  size_t size() const { return list.empty() ? static_cast<size_t>(own_count) : list.size(); }
  int32_t operator[](size_t i) const { return list.empty() ? own[i] : list[i]; }
  void add(int32_t index) { own[own_count++] = index; }
};

/// Empty for a node that calls none or has no options to say which.
Callees callees(const Node& node);

}  // namespace cygnet
