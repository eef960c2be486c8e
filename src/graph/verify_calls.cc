// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_calls.h"

#include <algorithm>

#include "graph/located.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

// ---- Calls between subgraphs

// The subgraphs that a node calls; at most two.
int callees(const Node& node, int32_t out[2]) {
  if (node.options == nullptr) return 0;
  using enum schema::BuiltinOperator;
  switch (static_cast<schema::BuiltinOperator>(node.builtin)) {
    case WHILE: {
      const auto* options = static_cast<const schema::WhileOptions*>(node.options);
      out[0] = options->cond_subgraph_index();
      out[1] = options->body_subgraph_index();
      return 2;
    }
    case IF: {
      const auto* options = static_cast<const schema::IfOptions*>(node.options);
      out[0] = options->then_subgraph_index();
      out[1] = options->else_subgraph_index();
      return 2;
    }
    case CALL_ONCE:
      out[0] = static_cast<const schema::CallOnceOptions*>(node.options)->init_subgraph_index();
      return 1;
    case STABLEHLO_COMPOSITE:
      out[0] = static_cast<const schema::StableHLOCompositeOptions*>(node.options)->decomposition_subgraph_index();
      return 1;
    default:
      return 0;
  }
}

// Depth-first over the call graph with a stack of its own, so that no file decides on recursion.
class CallGraph {
 public:
  CallGraph(const Graph& graph, const Limits& limits) : graph_(graph), limits_(limits) {}

  Status run() {
    const size_t n = graph_.subgraphs.size();
    if (!reserve_or_fail(height_, n) || !reserve_or_fail(stack_, n + 1)) return out_of_memory("verification", n);
    height_.assign(n, kUnvisited);
    for (size_t i = 0; i < n; ++i)
      if (height_[i] == kUnvisited) CYGNET_TRY(visit(static_cast<int32_t>(i)));
    return {};
  }

 private:
  static constexpr int32_t kUnvisited = -2, kOpen = -1;
  struct Frame {
    int32_t subgraph;
    size_t node = 0;
    int callee = 0;
    int32_t height = 0;
  };

  Status visit(int32_t root) {
    stack_.push_back({root});
    height_[root] = kOpen;
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      int32_t next = -1;
      CYGNET_TRY(next_callee(&frame, &next));
      if (next < 0) {
        const Frame done = frame;
        height_[done.subgraph] = done.height;
        stack_.pop_back();
        if (!stack_.empty()) stack_.back().height = std::max(stack_.back().height, done.height + 1);
        if (done.height > limits_.call_depth)
          return Status::error(Code::limit, "G6: subgraph %d calls more than limit call_depth (%lld) deep", done.subgraph,
                               static_cast<long long>(limits_.call_depth));
      } else if (height_[next] == kOpen) {
        return bad_model("G6: subgraph %d calls itself through subgraph %d", next, frame.subgraph);
      } else if (height_[next] == kUnvisited) {
        height_[next] = kOpen;
        stack_.push_back({next});
      } else {
        frame.height = std::max(frame.height, height_[next] + 1);
      }
    }
    return {};
  }

  // The next subgraph that `frame` calls, −1 after the last.
  Status next_callee(Frame* frame, int32_t* next) const {
    const Subgraph& subgraph = graph_.subgraphs[frame->subgraph];
    for (; frame->node < subgraph.nodes.size(); ++frame->node, frame->callee = 0) {
      int32_t called[2];
      const int count = callees(subgraph.nodes[frame->node], called);
      if (frame->callee >= count) continue;
      *next = called[frame->callee++];
      if (*next >= 0 && *next < static_cast<int32_t>(graph_.subgraphs.size())) return {};
      return bad_model("G6: subgraph %d operator %zu: expected a subgraph index of 0 to %zu, got %d", frame->subgraph,
                       frame->node, graph_.subgraphs.size() - 1, *next);
    }
    *next = -1;
    return {};
  }

  const Graph& graph_;
  const Limits& limits_;
  Vector<int32_t> height_;  // calls below a subgraph, or kUnvisited, kOpen
  Vector<Frame> stack_;
};

// ---- What a caller gives and takes

// Whether subgraph `callee` has as many inputs as `given` and outputs as `taken`, of the same types.
class Arity {
 public:
  Arity(const Graph& graph, const Subgraph& caller, int32_t callee) : graph_(graph), caller_(caller), callee_(callee) {}

  Status inputs(std::span<const int32_t> given) const { return match("inputs", given, callee().inputs); }
  Status outputs(std::span<const int32_t> taken) const { return match("outputs", taken, callee().outputs); }
  /// A condition: one BOOL.
  Status condition() const {
    if (callee().outputs.size() == 1 && type_in_callee(callee().outputs[0]) == Type::boolean) return {};
    return bad_model("G6: expected subgraph %d to give one BOOL", callee_);
  }

 private:
  const Subgraph& callee() const { return graph_.subgraphs[callee_]; }
  Type type_in_callee(int32_t tensor) const { return callee().tensors[tensor].type; }

  Status match(const char* what, std::span<const int32_t> here, std::span<const int32_t> there) const {
    if (here.size() != there.size())
      return bad_model("G6: expected subgraph %d to have %zu %s, got %zu", callee_, here.size(), what, there.size());
    for (size_t k = 0; k < here.size(); ++k) {
      if (here[k] == kAbsent) continue;
      const Type wanted = caller_.tensors[here[k]].type;
      if (type_in_callee(there[k]) != wanted)
        return bad_model("G6: %s %zu of subgraph %d: expected type %s, got %s", what, k, callee_, type_name(wanted),
                         type_name(type_in_callee(there[k])));
    }
    return {};
  }

  const Graph& graph_;
  const Subgraph& caller_;
  const int32_t callee_;
};

Status verify_arity(const Graph& graph, const Subgraph& caller, const Node& node) {
  using enum schema::BuiltinOperator;
  int32_t called[2];
  const int count = callees(node, called);
  for (int c = 0; c < count; ++c) {
    const Arity arity(graph, caller, called[c]);
    switch (static_cast<schema::BuiltinOperator>(node.builtin)) {
      case WHILE:
        CYGNET_TRY(arity.inputs(node.inputs));
        CYGNET_TRY(c == 0 ? arity.condition() : arity.outputs(node.outputs));
        break;
      case IF:
        if (node.inputs.empty()) return bad_model("G2: expected at least 1 input, got 0");
        CYGNET_TRY(arity.inputs(node.inputs.subspan(1)));
        CYGNET_TRY(arity.outputs(node.outputs));
        break;
      case CALL_ONCE:
        CYGNET_TRY(arity.inputs({}));
        CYGNET_TRY(arity.outputs({}));
        break;
      default:
        CYGNET_TRY(arity.inputs(node.inputs));
        CYGNET_TRY(arity.outputs(node.outputs));
    }
  }
  return {};
}

Status verify_arities(const Graph& graph, Budget* budget) {
  for (size_t s = 0; s < graph.subgraphs.size(); ++s) {
    const Subgraph& caller = graph.subgraphs[s];
    for (size_t i = 0; i < caller.nodes.size(); ++i) {
      const Node& node = caller.nodes[i];
      CYGNET_TRY(budget->spend(static_cast<int64_t>(1 + node.inputs.size() + node.outputs.size())));
      CYGNET_TRY(located(verify_arity(graph, caller, node), "subgraph %zu operator %zu %.*s", s, i, text_length(node.name), node.name.data()));
    }
  }
  return {};
}

// ---- Signatures

Status verify_names(const Signature& signature, const Vector<SignatureTensor>& tensors, std::span<const int32_t> allowed, const char* what, Budget* budget) {
  const auto n = static_cast<int64_t>(tensors.size());
  CYGNET_TRY(budget->spend(n * (n + static_cast<int64_t>(allowed.size()))));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const SignatureTensor& entry = tensors[i];
    const char* wrong = nullptr;
    if (entry.name.empty()) wrong = "expected a name, got none";
    else if (std::find(allowed.begin(), allowed.end(), entry.tensor) == allowed.end()) wrong = "its tensor is not among those of the subgraph";
    for (size_t j = 0; j < i && wrong == nullptr; ++j)
      if (tensors[j].name == entry.name) wrong = "the name is used twice";
    if (wrong != nullptr)
      return bad_model("C12: signature \"%.*s\" %s %zu \"%.*s\": %s", text_length(signature.key), signature.key.data(), what, i, text_length(entry.name), entry.name.data(), wrong);
  }
  return {};
}

}  // namespace

Status verify_calls(const Graph& graph, const Limits& limits, Budget* budget) {
  CYGNET_TRY(CallGraph(graph, limits).run());
  return verify_arities(graph, budget);
}

Status verify_signatures(const Graph& graph, Budget* budget) {
  const auto n = static_cast<int64_t>(graph.signatures.size());
  CYGNET_TRY(budget->spend(n * n));
  for (size_t i = 0; i < graph.signatures.size(); ++i) {
    const Signature& signature = graph.signatures[i];
    if (signature.key.empty()) return bad_model("C12: signature %zu: expected a key, got none", i);
    for (size_t j = 0; j < i; ++j)
      if (graph.signatures[j].key == signature.key)
        return bad_model("C12: signature key \"%.*s\" is used twice", text_length(signature.key), signature.key.data());
    const Subgraph& subgraph = graph.subgraphs[signature.subgraph];
    CYGNET_TRY(verify_names(signature, signature.inputs, subgraph.inputs, "input", budget));
    CYGNET_TRY(verify_names(signature, signature.outputs, subgraph.outputs, "output", budget));
  }
  return {};
}

}  // namespace cygnet
