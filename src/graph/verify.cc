// SPDX-License-Identifier: Apache-2.0
#include "graph/verify.h"

#include <algorithm>

#include "graph/verify_tensor.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

int text_length(std::string_view s) { return static_cast<int>(std::min<size_t>(s.size(), 200)); }

// What is known of a tensor while a subgraph's operators are walked in order.
enum class Origin : uint8_t { unset, input, constant, variable, produced };

class SubgraphVerifier {
 public:
  SubgraphVerifier(const Subgraph& subgraph, int index) : subgraph_(subgraph), index_(index) {}

  Status run(const Limits& limits) {
    for (size_t i = 0; i < subgraph_.tensors.size(); ++i) {
      Status status = verify_tensor(subgraph_.tensors[i], limits);
      if (!status.ok()) return at_tensor(static_cast<int32_t>(i), std::move(status));
    }
    if (!reserve_or_fail(origins_, subgraph_.tensors.size())) return out_of_memory("verification", origins_.size());
    origins_.assign(subgraph_.tensors.size(), Origin::unset);
    CYGNET_TRY(inputs());
    for (size_t i = 0; i < subgraph_.nodes.size(); ++i) {
      const Node& node = subgraph_.nodes[i];
      Status status = operands(node);
      if (status.ok()) status = counts(node);
      if (status.ok()) status = produce(node);
      if (!status.ok())
        return Status::error(status.code(), "%.4ssubgraph %d operator %zu %.*s: %s", status.message(), index_, i,
                             text_length(node.name), node.name.data(), status.message() + 4);
    }
    return outputs();
  }

 private:
  Status inputs();
  Status operands(const Node& node) const;
  Status counts(const Node& node) const;
  Status produce(const Node& node);
  Status outputs() const;

  int count() const { return static_cast<int>(subgraph_.tensors.size()); }
  std::string_view name(int32_t tensor) const { return subgraph_.tensors[tensor].name; }
  Status at_tensor(int32_t i, Status status) const {
    return Status::error(status.code(), "%.4ssubgraph %d tensor %d \"%.*s\": %s", status.message(), index_, i,
                         text_length(name(i)), name(i).data(), status.message() + 4);
  }

  const Subgraph& subgraph_;
  const int index_;
  Vector<Origin> origins_;
};

Status SubgraphVerifier::inputs() {
  for (size_t i = 0; i < subgraph_.tensors.size(); ++i) {
    const GraphTensor& tensor = subgraph_.tensors[i];
    if (tensor.constant) origins_[i] = Origin::constant;
    else if (tensor.variable) origins_[i] = Origin::variable;
  }
  for (size_t k = 0; k < subgraph_.inputs.size(); ++k) {
    const int32_t i = subgraph_.inputs[k];
    if (i < 0 || i >= count())
      return bad_model("G1: subgraph %d input %zu: expected a tensor index of 0 to %d, got %d", index_, k, count() - 1, i);
    if (origins_[i] == Origin::constant) return at_tensor(i, bad_model("G4: a subgraph's input can't be constant"));
    if (origins_[i] == Origin::input) return at_tensor(i, bad_model("G4: listed twice among the subgraph's inputs"));
    origins_[i] = Origin::input;
  }
  return {};
}

Status SubgraphVerifier::operands(const Node& node) const {
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const int32_t i = node.inputs[k];
    if (i == kAbsent) continue;  // counts() knows where that is allowed
    if (i < 0 || i >= count())
      return bad_model("G1: input %zu: expected a tensor index of 0 to %d, or -1, got %d", k, count() - 1, i);
    if (origins_[i] == Origin::unset)
      return bad_model("G3: input %zu: tensor %d \"%.*s\" has no value yet: not a subgraph input, constant, variable or "
                       "result of an earlier operator", k, i, text_length(name(i)), name(i).data());
  }
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    const int32_t i = node.outputs[k];
    if (i < 0 || i >= count())
      return bad_model("G1: output %zu: expected a tensor index of 0 to %d, got %d", k, count() - 1, i);
    static constexpr const char* kWhat[] = {"", "an input of the subgraph", "a constant", "a variable", "the result of an earlier operator"};
    if (origins_[i] != Origin::unset)
      return bad_model("G3: output %zu: tensor %d \"%.*s\" can't be written, it is %s", k, i, text_length(name(i)),
                       name(i).data(), kWhat[static_cast<int>(origins_[i])]);
    if (std::find(node.outputs.begin(), node.outputs.begin() + static_cast<ptrdiff_t>(k), i) != node.outputs.begin() + static_cast<ptrdiff_t>(k))
      return bad_model("G3: output %zu: tensor %d \"%.*s\" is written twice", k, i, text_length(name(i)), name(i).data());
  }
  for (size_t k = 0; k < node.intermediates.size(); ++k)
    if (node.intermediates[k] != kAbsent && (node.intermediates[k] < 0 || node.intermediates[k] >= count()))
      return bad_model("G1: intermediate %zu: expected a tensor index of 0 to %d, got %d", k, count() - 1, node.intermediates[k]);
  return {};
}

Status SubgraphVerifier::counts(const Node& node) const {
  const OpDef* op = node.op;
  if (op == nullptr) return {};
  const auto inputs = static_cast<int64_t>(node.inputs.size()), results = static_cast<int64_t>(node.outputs.size());
  if (inputs < op->min_inputs || inputs > op->max_inputs)
    return op->max_inputs == kAnyCount ? bad_model("G2: expected at least %d inputs, got %lld", op->min_inputs, static_cast<long long>(inputs))
                                       : bad_model("G2: expected %d to %d inputs, got %lld", op->min_inputs, op->max_inputs, static_cast<long long>(inputs));
  if (results < op->min_outputs || results > op->max_outputs)
    return op->max_outputs == kAnyCount ? bad_model("G2: expected at least %d outputs, got %lld", op->min_outputs, static_cast<long long>(results))
                                        : bad_model("G2: expected %d to %d outputs, got %lld", op->min_outputs, op->max_outputs, static_cast<long long>(results));
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const uint64_t bit = k < 64 ? uint64_t{1} << k : 0;
    if (node.inputs[k] == kAbsent) {
      if ((op->optional_inputs & bit) == 0) return bad_model("G1: input %zu is not optional, got -1", k);
      continue;
    }
    const GraphTensor& tensor = subgraph_.tensors[node.inputs[k]];
    const bool state = (op->variable_inputs & bit) != 0;
    if (state != tensor.variable && (state || origins_[node.inputs[k]] == Origin::variable))
      return bad_model("G5: input %zu: tensor %d \"%.*s\": expected a %s tensor", k, node.inputs[k],
                       text_length(tensor.name), tensor.name.data(), state ? "variable" : "non-variable");
  }
  return {};
}

Status SubgraphVerifier::produce(const Node& node) {
  for (int32_t i : node.outputs) origins_[i] = Origin::produced;
  return {};
}

Status SubgraphVerifier::outputs() const {
  for (size_t k = 0; k < subgraph_.outputs.size(); ++k) {
    const int32_t i = subgraph_.outputs[k];
    if (i < 0 || i >= count())
      return bad_model("G1: subgraph %d output %zu: expected a tensor index of 0 to %d, got %d", index_, k, count() - 1, i);
    if (origins_[i] == Origin::unset) return at_tensor(i, bad_model("G4: a subgraph's output that nothing produces"));
  }
  return {};
}

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

// ---- Signatures (rule C12)

Status verify_signature_tensors(const Graph& graph, const Signature& signature, const Vector<SignatureTensor>& tensors,
                                std::span<const int32_t> allowed, const char* what) {
  const auto refuse = [&](const SignatureTensor& entry, const char* why) {
    return bad_model("C12: signature \"%.*s\" %s \"%.*s\": %s", text_length(signature.key), signature.key.data(), what,
                     text_length(entry.name), entry.name.data(), why);
  };
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name.empty()) return refuse(tensors[i], "expected a name, got none");
    if (std::find(allowed.begin(), allowed.end(), tensors[i].tensor) == allowed.end())
      return refuse(tensors[i], "its tensor is not among those of the subgraph");
    for (size_t j = 0; j < i; ++j)
      if (tensors[j].name == tensors[i].name) return refuse(tensors[i], "the name is used twice");
  }
  static_cast<void>(graph);
  return {};
}

Status verify_signatures(const Graph& graph) {
  constexpr size_t kMost = 10'000;
  if (graph.signatures.size() > kMost) return bad_model("C12: expected at most %zu signatures, got %zu", kMost, graph.signatures.size());
  for (size_t i = 0; i < graph.signatures.size(); ++i) {
    const Signature& signature = graph.signatures[i];
    if (signature.key.empty()) return bad_model("C12: signature %zu: expected a key, got none", i);
    for (size_t j = 0; j < i; ++j)
      if (graph.signatures[j].key == signature.key)
        return bad_model("C12: signature key \"%.*s\" is used twice", text_length(signature.key), signature.key.data());
    const Subgraph& subgraph = graph.subgraphs[signature.subgraph];
    if (signature.inputs.size() > kMost || signature.outputs.size() > kMost)
      return bad_model("C12: signature \"%.*s\": expected at most %zu tensors", text_length(signature.key), signature.key.data(), kMost);
    CYGNET_TRY(verify_signature_tensors(graph, signature, signature.inputs, subgraph.inputs, "input"));
    CYGNET_TRY(verify_signature_tensors(graph, signature, signature.outputs, subgraph.outputs, "output"));
  }
  return {};
}

}  // namespace

Status verify(const Graph& graph, const Limits& limits) {
  for (size_t i = 0; i < graph.subgraphs.size(); ++i)
    CYGNET_TRY(SubgraphVerifier(graph.subgraphs[i], static_cast<int>(i)).run(limits));
  CYGNET_TRY(CallGraph(graph, limits).run());
  return verify_signatures(graph);
}

}  // namespace cygnet
