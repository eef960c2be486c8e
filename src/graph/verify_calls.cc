// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_calls.h"

#include <algorithm>

#include "graph/callees.h"
#include "graph/located.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

// ---- What a caller passes and what the callee takes

struct Side {
  const Subgraph* subgraph;
  std::span<const int32_t> tensors;
};

Status match(const char* what, const Side& caller, const Side& callee, int32_t callee_index,
             Budget* budget) {
  if (caller.tensors.size() != callee.tensors.size())
    return bad_model("G6: subgraph %d: expected %zu %s as the caller has, got %zu", callee_index,
                     caller.tensors.size(), what, callee.tensors.size());
  CYGNET_TRY(budget->spend(static_cast<int64_t>(caller.tensors.size())));
  for (size_t k = 0; k < caller.tensors.size(); ++k) {
    if (caller.tensors[k] == kAbsent) continue;
    const Type expected = caller.subgraph->tensors[caller.tensors[k]].type;
    const Type got = callee.subgraph->tensors[callee.tensors[k]].type;
    if (expected != got)
      return bad_model("G6: subgraph %d %s %zu: expected type %s as the caller has, got %s",
                       callee_index, what, k, type_name(expected), type_name(got));
  }
  return {};
}

class Calls {
 public:
  Calls(const Graph& graph, const Limits& limits, Budget* budget)
      : graph_(graph), limits_(limits), budget_(*budget) {}

  Status run() {
    const size_t n = graph_.subgraphs.size();
    if (!reserve_or_fail(height_, n) || !reserve_or_fail(stack_, n + 1))
      return out_of_memory("verification", n);
    for (size_t i = 0; i < n; ++i) CYGNET_TRY(verify_nodes(static_cast<int32_t>(i)));
    height_.assign(n, kUnvisited);
    for (size_t i = 0; i < n; ++i)
      if (height_[i] == kUnvisited) CYGNET_TRY(visit(static_cast<int32_t>(i)));
    return {};
  }

 private:
  static constexpr int32_t kUnvisited = -2;
  static constexpr int32_t kOpen = -1;
  struct Frame {
    int32_t subgraph;
    size_t node = 0;
    size_t callee = 0;
    int32_t height = 0;
  };

  Status verify_nodes(int32_t index);
  Status verify_call(const Subgraph& caller, const Node& node, size_t k, int32_t callee);
  Status visit(int32_t root);
  int32_t next_callee(Frame* frame) const;

  const Graph& graph_;
  const Limits& limits_;
  Budget& budget_;
  Vector<int32_t> height_;  // calls below a subgraph, or kUnvisited, kOpen
  Vector<Frame> stack_;
};

Status Calls::verify_nodes(int32_t index) {
  const Subgraph& subgraph = graph_.subgraphs[index];
  const auto count = static_cast<int32_t>(graph_.subgraphs.size());
  for (size_t i = 0; i < subgraph.nodes.size(); ++i) {
    const Node& node = subgraph.nodes[i];
    const Callees called = callees(node);
    // Twice: here and in visit().
    CYGNET_TRY(budget_.spend(2 * static_cast<int64_t>(called.size())));
    for (size_t k = 0; k < called.size(); ++k) {
      Status status;
      if (called[k] < 0 || called[k] >= count)
        status =
            bad_model("G6: expected a subgraph index of 0 to %d, got %d", count - 1, called[k]);
      else
        status = verify_call(subgraph, node, k, called[k]);
      if (!status.ok())
        return located(std::move(status), "subgraph %d operator %zu %.*s", index, i,
                       text_length(node.name), node.name.data());
    }
  }
  return {};
}

// The k-th call of a node.
Status Calls::verify_call(const Subgraph& caller, const Node& node, size_t k, int32_t callee) {
  const Subgraph& body = graph_.subgraphs[callee];
  std::span<const int32_t> inputs = node.inputs;
  std::span<const int32_t> outputs = node.outputs;
  switch (static_cast<Builtin>(node.builtin)) {
    case Builtin::IF:
    case Builtin::STABLEHLO_CASE:
      if (inputs.empty()) return bad_model("G2: expected at least 1 inputs, got 0");
      inputs = inputs.subspan(1);
      break;
    case Builtin::WHILE:
    case Builtin::STABLEHLO_WHILE:
      if (k != 0) break;
      CYGNET_TRY(match("inputs", {&caller, inputs}, {&body, body.inputs}, callee, &budget_));
      if (body.outputs.size() == 1 && body.tensors[body.outputs[0]].type == Type::boolean)
        return {};
      return bad_model(
          "G6: subgraph %d: expected 1 outputs of type BOOL of a loop's condition, "
          "got %zu%s%s",
          callee, body.outputs.size(), body.outputs.empty() ? "" : " of type ",
          body.outputs.empty() ? "" : type_name(body.tensors[body.outputs[0]].type));
    case Builtin::CALL_ONCE:
      inputs = {};
      outputs = {};
      break;
    case Builtin::CALL:
    case Builtin::STABLEHLO_COMPOSITE:
      break;
    default:
      return {};  // reducers, comparators: the operator says what its body must be
  }
  CYGNET_TRY(match("inputs", {&caller, inputs}, {&body, body.inputs}, callee, &budget_));
  return match("outputs", {&caller, outputs}, {&body, body.outputs}, callee, &budget_);
}

// Depth-first with a stack of its own, so that no file decides on the depth of a recursion.
Status Calls::visit(int32_t root) {
  stack_.push_back({.subgraph = root});
  height_[root] = kOpen;
  while (!stack_.empty()) {
    Frame& frame = stack_.back();
    const int32_t next = next_callee(&frame);
    if (next < 0) {
      const Frame done = frame;
      height_[done.subgraph] = done.height;
      stack_.pop_back();
      if (!stack_.empty()) stack_.back().height = std::max(stack_.back().height, done.height + 1);
      if (done.height > limits_.call_depth)
        return Status::error(Code::limit,
                             "G6: subgraph %d: calls go deeper than limit call_depth (%lld)",
                             done.subgraph, static_cast<long long>(limits_.call_depth));
    } else if (height_[next] == kOpen) {
      return bad_model(
          "G6: subgraph %d: expected calls without a cycle, got one through subgraph %d", next,
          frame.subgraph);
    } else if (height_[next] == kUnvisited) {
      height_[next] = kOpen;
      stack_.push_back({.subgraph = next});
    } else {
      frame.height = std::max(frame.height, height_[next] + 1);
    }
  }
  return {};
}

// The next subgraph that `frame` calls, −1 after the last.
int32_t Calls::next_callee(Frame* frame) const {
  const Subgraph& subgraph = graph_.subgraphs[frame->subgraph];
  for (; frame->node < subgraph.nodes.size(); ++frame->node, frame->callee = 0) {
    const Callees called = callees(subgraph.nodes[frame->node]);
    if (frame->callee < called.size()) return called[frame->callee++];
  }
  return -1;
}

}  // namespace

Status verify_calls(const Graph& graph, const Limits& limits, Budget* budget) {
  return Calls(graph, limits, budget).run();
}

}  // namespace cygnet
