// SPDX-License-Identifier: Apache-2.0
// Plan: the flat list that runs, with its memory. Made once from a subgraph by Planner.
#pragma once

#include <cstdint>
#include <utility>

#include "base/memory.h"
#include "base/pool.h"
#include "base/vector.h"
#include "cygnet/custom_op.h"
#include "graph/graph.h"
#include "runtime/memory_planner.h"

namespace cygnet {

/// Where a tensor's bytes lie.
enum class Place : uint8_t {
  none,        ///< nowhere: no step uses it
  constant,    ///< in the model's image
  arena,       ///< in the arena, in a block of its own or in another tensor's (Plan::block_of)
  persistent,  ///< variables, folded constants, strings: outside the arena
  dynamic      ///< a buffer of its own, taken while running
};

/// A subgraph that a step calls; runtime/control_flow.h.
struct Callee;

/// Owns a Callee, or is null.
class CalleePointer {
 public:
  CalleePointer() = default;
  CalleePointer(CalleePointer&& other) noexcept : callee_(std::exchange(other.callee_, nullptr)) {}
  CalleePointer& operator=(CalleePointer&& other) noexcept {
    std::swap(callee_, other.callee_);
    return *this;
  }
  ~CalleePointer();

  /// Makes a new one; null when memory is short.
  static CalleePointer make();
  Callee* get() const { return callee_; }
  Callee* operator->() const { return callee_; }
  Callee& operator*() const { return *callee_; }

 private:
  Callee* callee_ = nullptr;
};

/// One operator that runs, with those that are fused into it (runtime/fuse/).
struct Step {
  int32_t node = 0;           ///< index in the subgraph
  const OpDef* op = nullptr;  ///< the node's
  bool dynamic = false;       ///< inferred, given memory and prepared anew in each run
  OpContext context;
  Vector<int32_t> scratch_blocks;  ///< static steps: indices into Plan::blocks, by handle
  Vector<void*> scratch;           ///< by handle
  Vector<base::Buffer> memory;     ///< what prepare allocated
  Vector<CalleePointer> callees;   ///< in the order of the node's options
  bool loop = false;               ///< the callees are a WHILE's: condition, body
  bool in_parts = false;           ///< some operand is in Plan::in_parts
  bool wants = false;              ///< it asks for its input 0 in parts
  Vector<Step> leaders;    ///< element-wise steps that make parts of input 0 when this one asks
  Vector<Step> followers;  ///< element-wise steps on parts of this one's output, in their order
  /// Worth more threads than one, as far as is known before it runs.
  bool may_share = false;
  /// Least time that was measured, alone and shared (runtime/thread_choice.h).
  int64_t alone_ns = INT64_MAX, shared_ns = INT64_MAX;
  int64_t produced = 0;  ///< elements that the followers have had in this run, atomic
  int failed = 0;        ///< whether a leader or follower has failed in this run, atomic
  Status failure;        ///< of the first that did
};

/// Calls f(step) for a step's leaders, for itself and for its followers, in their order.
template <class S, class F>
void each_member(S& step, F f) {
  for (auto& leader : step.leaders) f(leader);
  f(step);
  for (auto& follower : step.followers) f(follower);
}

/// Leaders and followers work on parts of at most this many bytes of what they lead to or follow:
/// they and what is made of them stay in the first-level cache.
inline constexpr int64_t kPartBytes = 1 << 14;

/// What Interpreter::allocate makes of a subgraph.
struct Plan {
  Vector<Tensor> tensors;    ///< by the subgraph's tensor indices, with present shapes and data
  Vector<Place> places;      ///< of each tensor
  Vector<int32_t> block_of;  ///< index into `blocks` of each tensor in the arena, else −1
  Vector<Step> steps;
  Vector<Tensor*> operands;  ///< the pointer lists of all contexts
  /// By tensor: made and read by followers of one step only, so that each thread has room for the
  /// part at hand, kPartBytes elements, and no more.
  Vector<char> in_parts;
  Vector<ArenaBlock> blocks;
  base::Pool pool;               ///< the memory of static steps
  Vector<base::Buffer> buffers;  ///< of persistent and dynamic tensors, by tensor index
  base::Buffer arena;
  int64_t arena_bytes = 0;
  int64_t persistent_bytes = 0;  ///< variables, folded constants, packed weights, tables
  int64_t dynamic_bytes = 0;
  int64_t outer_bytes = 0;         ///< of a callee: what its callers hold
  Resources* resources = nullptr;  ///< the interpreter's, not owned
  /// The subgraph as it runs where runtime/fuse/ has made other nodes of some; its nodes keep their
  /// numbers. Without nodes: the model's.
  Subgraph rewritten;
  Vector<int32_t> fused_operands;     ///< of the nodes that were made
  Vector<int32_t> table_operands;     ///< of the ends of chains that became tables
  Vector<int32_t> softsign_operands;  ///< of the nodes that were made of softsigns
  int64_t macs = 0;  ///< multiply-adds of one invoke, as far as shapes are known before it
};

}  // namespace cygnet
