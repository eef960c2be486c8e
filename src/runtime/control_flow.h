// SPDX-License-Identifier: Apache-2.0
// WHILE and IF: a called subgraph has a plan and a driver of its own.
#pragma once

#include <cstdint>

#include "runtime/op_driver.h"
#include "runtime/plan.h"

namespace cygnet {

/// A subgraph as one node calls it.
struct Callee {
  int32_t subgraph = 0;
  bool planned = false;
  int64_t counted_bytes = 0;  ///< of `plan`, counted among the caller's persistent bytes
  Plan plan;
  OpDriver driver;
};

/// Whether a node is run by OpDriver itself: WHILE and IF.
bool is_control_flow(const Node& node);
/// Whether such a node is a WHILE.
bool is_loop(const Node& node);
/// The subgraphs that such a node calls: WHILE's condition and body, IF's branches. False when the
/// node has no options, so that nothing says which they are.
bool called_subgraphs(const Node& node, int32_t called[2]);

/// Multiply-adds of the subgraphs that an inferred step calls: those of one turn of a WHILE, of the
/// greater branch of an IF.
int64_t callee_macs(const Step& step);

/// Sets every variable tensor of a plan and of those it calls to zero (int8: to its zero point).
void reset_variables(Plan* plan);

}  // namespace cygnet
