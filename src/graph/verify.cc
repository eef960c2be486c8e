// SPDX-License-Identifier: Apache-2.0
#include "graph/verify.h"

#include "graph/budget.h"
#include "graph/located.h"
#include "graph/verify_calls.h"
#include "graph/verify_tensor.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

// What is known of a tensor while a subgraph's operators are walked in order.
enum class Origin : uint8_t {
  unset,
  input,
  constant,
  variable,  // that nobody has read yet: an operator may still set it
  state,     // a variable that an operator has read
  produced
};

const char* origin_name(Origin origin) {
  switch (origin) {
    case Origin::input:
      return "an input of the subgraph";
    case Origin::constant:
      return "a constant";
    case Origin::variable:
    case Origin::state:
      return "a variable";
    case Origin::produced:
      return "already the result of an operator";
    default:
      return "unset";
  }
}

class SubgraphVerifier {
 public:
  SubgraphVerifier(const Subgraph& subgraph, int index, const Limits& limits, Budget* budget)
      : subgraph_(subgraph), index_(index), limits_(limits), budget_(*budget) {}

  Status run() {
    CYGNET_TRY(tensors());
    CYGNET_TRY(inputs());
    for (size_t i = 0; i < subgraph_.nodes.size(); ++i) {
      const Node& node = subgraph_.nodes[i];
      Status status = verify_node(node);
      if (!status.ok())
        return located(std::move(status), "subgraph %d operator %zu %.*s", index_, i,
                       text_length(node.name), node.name.data());
    }
    return outputs();
  }

 private:
  Status tensors();
  Status inputs();
  Status outputs();
  Status verify_node(const Node& node);
  Status operands(const Node& node) const;
  Status counts(const Node& node);
  Status resources(const Node& node) const;
  Status results(const Node& node);

  int count() const { return static_cast<int>(subgraph_.tensors.size()); }
  std::string_view name(int32_t tensor) const { return subgraph_.tensors[tensor].name; }
  Status in_range(const char* what, size_t k, int32_t i) const {
    if (i >= 0 && i < count()) return {};
    return bad_model("G1: %s %zu: expected a tensor index of 0 to %d, got %d", what, k, count() - 1,
                     i);
  }
  Status at_tensor(int32_t i, Status status) const {
    return located(std::move(status), "subgraph %d tensor %d \"%.*s\"", index_, i,
                   text_length(name(i)), name(i).data());
  }

  // A variable whose value no caller gives.
  bool is_state(int32_t i) const {
    return subgraph_.tensors[i].variable && origins_[i] != Origin::input;
  }

  const Subgraph& subgraph_;
  const int index_;
  const Limits& limits_;
  Budget& budget_;
  Vector<Origin> origins_;
  Vector<const Node*> producers_;  // by tensor: who made a resource, for T10
};

Status SubgraphVerifier::tensors() {
  const size_t n = subgraph_.tensors.size();
  if (!reserve_or_fail(origins_, n) || !reserve_or_fail(producers_, n))
    return out_of_memory("verification", n);
  for (const GraphTensor& tensor : subgraph_.tensors) {
    Status status = verify_tensor(tensor, limits_, &budget_);
    const auto i = static_cast<int32_t>(origins_.size());
    if (!status.ok()) return at_tensor(i, std::move(status));
    origins_.push_back(tensor.constant   ? Origin::constant
                       : tensor.variable ? Origin::variable
                                         : Origin::unset);
  }
  producers_.assign(n, nullptr);
  return {};
}

Status SubgraphVerifier::inputs() {
  CYGNET_TRY(budget_.spend(static_cast<int64_t>(subgraph_.inputs.size())));
  for (size_t k = 0; k < subgraph_.inputs.size(); ++k) {
    const int32_t i = subgraph_.inputs[k];
    CYGNET_TRY(located(in_range("input", k, i), "subgraph %d", index_));
    if (origins_[i] == Origin::constant)
      return at_tensor(
          i, bad_model("G4: input %zu of the subgraph: expected a non-constant tensor", k));
    if (origins_[i] == Origin::input)
      return at_tensor(i, bad_model("G4: input %zu of the subgraph: expected each tensor once", k));
    origins_[i] = Origin::input;
  }
  return {};
}

Status SubgraphVerifier::outputs() {
  CYGNET_TRY(budget_.spend(static_cast<int64_t>(subgraph_.outputs.size())));
  for (size_t k = 0; k < subgraph_.outputs.size(); ++k) {
    const int32_t i = subgraph_.outputs[k];
    CYGNET_TRY(located(in_range("output", k, i), "subgraph %d", index_));
    if (origins_[i] == Origin::unset || is_state(i))
      return at_tensor(i, bad_model("G4: output %zu of the subgraph: expected the result of an "
                                    "operator, an input or a constant, got %s",
                                    k,
                                    origins_[i] == Origin::unset ? "a tensor that nothing produces"
                                                                 : "a variable"));
  }
  return {};
}

Status SubgraphVerifier::verify_node(const Node& node) {
  CYGNET_TRY(budget_.spend(
      static_cast<int64_t>(node.inputs.size() + node.outputs.size() + node.intermediates.size())));
  CYGNET_TRY(operands(node));
  CYGNET_TRY(counts(node));
  CYGNET_TRY(resources(node));
  return results(node);
}

Status SubgraphVerifier::operands(const Node& node) const {
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const int32_t i = node.inputs[k];
    if (i == kAbsent) continue;  // counts() knows where that is allowed
    CYGNET_TRY(in_range("input", k, i));
    if (origins_[i] == Origin::unset)
      return bad_model(
          "G3: input %zu: expected a subgraph input, a constant, a variable or the result of an "
          "earlier operator, got tensor %d \"%.*s\" that has no value yet",
          k, i, text_length(name(i)), name(i).data());
  }
  for (size_t k = 0; k < node.intermediates.size(); ++k)
    if (node.intermediates[k] != kAbsent)
      CYGNET_TRY(in_range("intermediate", k, node.intermediates[k]));
  return {};
}

Status count_in_range(const char* what, size_t got, int32_t low, int32_t high) {
  const auto n = static_cast<int64_t>(got);
  if (n >= low && n <= high) return {};
  if (high == kAnyCount) return bad_model("G2: expected at least %d %s, got %zu", low, what, got);
  if (low == high) return bad_model("G2: expected %d %s, got %zu", low, what, got);
  return bad_model("G2: expected %d to %d %s, got %zu", low, high, what, got);
}

Status SubgraphVerifier::counts(const Node& node) {
  const OpDef* op = node.op;
  if (op == nullptr) return {};
  CYGNET_TRY(count_in_range("inputs", node.inputs.size(), op->min_inputs, op->max_inputs));
  CYGNET_TRY(count_in_range("outputs", node.outputs.size(), op->min_outputs, op->max_outputs));
  const bool basic_lstm =
      op->builtin == static_cast<int32_t>(schema::BuiltinOperator::LSTM) && node.inputs.size() == 5;
  for (size_t k = 0; k < node.inputs.size(); ++k) {
    const uint64_t bit = k < 64 ? uint64_t{1} << k : 0;
    const int32_t i = node.inputs[k];
    if (i == kAbsent) {
      if ((op->optional_inputs & bit) == 0)
        return bad_model("G1: input %zu: expected a tensor, got -1: this input is not optional", k);
      continue;
    }
    const bool state = (op->variable_inputs & bit) != 0;
    if (basic_lstm && (k == 1 || k == 4)) {  // its states may be variables
      if (origins_[i] == Origin::variable) origins_[i] = Origin::state;
      continue;
    }
    const GraphTensor& tensor = subgraph_.tensors[i];
    // A variable that is also a subgraph input has its value from the caller.
    if (state && origins_[i] == Origin::variable) origins_[i] = Origin::state;
    if (state ? tensor.variable : !is_state(i)) continue;
    return bad_model("G5: input %zu: expected a %s tensor, got tensor %d \"%.*s\" that is %s", k,
                     state ? "variable" : "non-variable", i, text_length(tensor.name),
                     tensor.name.data(), state ? "not" : "one");
  }
  return {};
}

// Rule T10: a handle of a variable is not used as a hash table's, nor the other way round.
Status SubgraphVerifier::resources(const Node& node) const {
  using enum schema::BuiltinOperator;
  schema::BuiltinOperator maker = VAR_HANDLE;
  switch (static_cast<schema::BuiltinOperator>(node.builtin)) {
    case READ_VARIABLE:
    case ASSIGN_VARIABLE:
      break;
    case HASHTABLE_FIND:
    case HASHTABLE_IMPORT:
    case HASHTABLE_SIZE:
      maker = HASHTABLE;
      break;
    default:
      return {};
  }
  if (node.inputs.empty() || node.inputs[0] == kAbsent) return {};
  const int32_t i = node.inputs[0];
  if (subgraph_.tensors[i].type != Type::resource)
    return bad_model("T10: input 0: expected type RESOURCE, got %s",
                     type_name(subgraph_.tensors[i].type));
  const Node* producer = producers_[i];
  if (producer == nullptr || producer->builtin == static_cast<int32_t>(maker)) return {};
  return bad_model("T10: input 0: expected a handle that %s makes, got one of %.*s",
                   schema::EnumNameBuiltinOperator(maker), text_length(producer->name),
                   producer->name.data());
}

Status SubgraphVerifier::results(const Node& node) {
  for (size_t k = 0; k < node.outputs.size(); ++k) {
    const int32_t i = node.outputs[k];
    CYGNET_TRY(in_range("output", k, i));
    // A variable may be the result of one operator, which sets it anew in every run.
    if (origins_[i] != Origin::unset && origins_[i] != Origin::variable)
      return bad_model(
          "G3: output %zu: expected a tensor to write, got tensor %d \"%.*s\" that is %s", k, i,
          text_length(name(i)), name(i).data(), origin_name(origins_[i]));
    origins_[i] = Origin::produced;
    if (subgraph_.tensors[i].type == Type::resource) producers_[i] = &node;
  }
  return {};
}

}  // namespace

Status verify(const Graph& graph, const Limits& limits) {
  Budget budget(kMostEntries);
  for (size_t i = 0; i < graph.subgraphs.size(); ++i)
    CYGNET_TRY(SubgraphVerifier(graph.subgraphs[i], static_cast<int>(i), limits, &budget).run());
  CYGNET_TRY(verify_calls(graph, limits, &budget));
  return verify_signatures(graph, &budget);
}

}  // namespace cygnet
