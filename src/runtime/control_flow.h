// SPDX-License-Identifier: Apache-2.0
// WHILE, IF, CALL_ONCE, STABLEHLO_CASE, STABLEHLO_COMPOSITE: a called subgraph has a plan and a
// driver of its own.
#pragma once

#include <cstdint>

#include "runtime/op_driver.h"
#include "runtime/plan.h"

namespace cygnet {

/// A subgraph as one node calls it.
struct Callee {
  int32_t subgraph = 0;
  bool planned = false;
  bool of_loop = false;
  int64_t counted_bytes = 0;  ///< of `plan`, counted among the caller's persistent bytes
  Vector<bool> borrows;  ///< of a WHILE's, by input: it is the loop variable itself, not a copy
  Plan plan;
  OpDriver driver;
};

/// Whether a node is run by OpDriver itself, since it calls subgraphs.
bool is_control_flow(const Node& node);
/// Whether such a node is a WHILE.
bool is_loop(const Node& node);

/// Multiply-adds of the subgraphs that an inferred step calls: those of one turn of a WHILE, else
/// of the greatest branch.
int64_t callee_macs(const Step& step);

/// Sets every variable tensor of a plan and of those it calls to zero (int8: to its zero point).
void reset_variables(Plan* plan);

}  // namespace cygnet
