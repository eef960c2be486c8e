// SPDX-License-Identifier: Apache-2.0
// Plan: the flat list that runs, with its memory.
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "base/vector.h"
#include "cygnet/custom_op.h"
#include "graph/graph.h"

namespace cygnet {

/// Where a tensor's bytes lie.
enum class Place : uint8_t {
  none,        ///< not used by any step
  constant,    ///< in the model's image
  arena,       ///< at Plan::offsets[i] of the arena
  alias,       ///< shares the bytes of another tensor, which is in the arena
  persistent,  ///< variables and folded constants: outside the arena, for the plan's lifetime
  dynamic      ///< a buffer of its own, taken while running
};

/// One operator that runs.
struct Step {
  int32_t node = 0;      ///< index in the subgraph
  bool dynamic = false;  ///< shapes are inferred, memory taken and the node prepared while running
  OpContext context;
};

/// Memory of one tensor or scratch block in the arena: [offset, offset + bytes) from step `first`
/// to step `last`.
struct ArenaBlock {
  int32_t tensor = -1;  ///< −1: scratch
  int32_t first = 0;
  int32_t last = 0;
  int64_t offset = -1;
  int64_t bytes = 0;
};

/// What Interpreter::allocate makes of a subgraph.
struct Plan {
  Vector<Tensor> tensors;  ///< by the subgraph's tensor indices, with present shapes and data
  Vector<Place> places;    ///< of each tensor
  Vector<Step> steps;
  Vector<Tensor*> operands;  ///< the pointer lists of all steps' contexts
  Vector<ArenaBlock> blocks;
  Vector<void*> scratch;     ///< by handle
  base::Buffer arena;
  int64_t arena_bytes = 0;
  int64_t persistent_bytes = 0;  ///< variables, folded constants, packed weights, tables
  int64_t macs = 0;              ///< multiply-adds of one invoke, as far as shapes are known
};

}  // namespace cygnet
