// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/softsign.h"

#include "runtime/fuse/layer_norm.h"
#include "runtime/fuse/makers.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

constexpr int kOperands = 4;

struct Chain {
  int32_t abs = -1, add = -1;                                         // nodes
  int32_t x = kAbsent, size = kAbsent, one = kAbsent, sum = kAbsent;  // tensors
};

bool is(const Node& node, Builtin op, size_t inputs) {
  if (node.builtin != static_cast<int32_t>(op) || node.op == nullptr ||
      node.inputs.size() != inputs || node.outputs.size() != 1)
    return false;
  for (const int32_t i : node.inputs)
    if (i == kAbsent) return false;
  return true;
}

template <class Options>
bool has_activation(const Node& node) {
  return node.options != nullptr &&
         static_cast<const Options*>(node.options)->fused_activation_function() !=
             schema::ActivationFunctionType::NONE;
}

// Whether |x| plus this constant is never 0, as a code of `sum` either; of f32: whether it is 1.
bool is_one(const GraphTensor& one, const GraphTensor& sum) {
  if (!one.constant || one.shape.elements() != 1 || one.data == nullptr) return false;
  if (one.type == Type::float32) return one.as<float>()[0] == 1.0f;
  const Quantization &q = one.quantization, &s = sum.quantization;
  const auto value = static_cast<float>(one.as<int8_t>()[0] - q.zero_point()) * q.scale();
  return value >= s.scale() && s.zero_point() < 127;
}

class Finder {
 public:
  explicit Finder(const Subgraph& graph) : graph_(graph) {}

  bool prepare() { return makers_.find(graph_); }

  // Whether `quotient` ends a softsign.
  bool match(const Node& quotient, Chain* chain) const {
    if (!is(quotient, Builtin::DIV, 2) || has_activation<schema::DivOptions>(quotient))
      return false;
    chain->x = quotient.inputs[0];
    chain->sum = quotient.inputs[1];
    const GraphTensor& x = graph_.tensors[chain->x];
    if ((x.type != Type::float32 && x.type != Type::int8) || x.variable) return false;
    chain->add = maker_of(chain->sum, x.type);
    if (chain->add < 0) return false;
    const Node& add = graph_.nodes[chain->add];
    if (!is(add, Builtin::ADD, 2) || has_activation<schema::AddOptions>(add)) return false;
    const bool turned = graph_.tensors[add.inputs[0]].constant;
    chain->size = add.inputs[turned ? 1 : 0];
    chain->one = add.inputs[turned ? 0 : 1];
    const GraphTensor& one = graph_.tensors[chain->one];
    if (one.type != x.type || one.shape.rank > x.shape.rank || !is_coded(quotient, *chain) ||
        !is_one(one, graph_.tensors[chain->sum]))
      return false;
    chain->abs = maker_of(chain->size, x.type);
    return chain->abs >= 0 && is(graph_.nodes[chain->abs], Builtin::ABS, 1) &&
           graph_.nodes[chain->abs].inputs[0] == chain->x &&
           graph_.tensors[quotient.outputs[0]].type == x.type;
  }

 private:
  // The node that makes a tensor of this type, which only one node reads, or −1.
  int32_t maker_of(int32_t t, Type type) const {
    return makers_.uses[t] == 1 && graph_.tensors[t].type == type ? makers_.maker[t] : -1;
  }

  // Whether int8 tensors have one scale each.
  bool is_coded(const Node& quotient, const Chain& chain) const {
    for (int32_t i : {chain.x, chain.size, chain.one, chain.sum, quotient.outputs[0]}) {
      const GraphTensor& t = graph_.tensors[i];
      if (t.type == Type::int8 && !t.quantization.per_tensor()) return false;
    }
    return true;
  }

  const Subgraph& graph_;
  Makers makers_;
};

}  // namespace

Status fuse_softsigns(const Subgraph& graph, Plan* plan) {
  Finder finder(graph);
  if (!finder.prepare()) return out_of_memory("plan", graph.tensors.size());
  size_t chains = 0;
  Chain chain;
  for (const Node& node : graph.nodes) chains += finder.match(node, &chain) ? 1 : 0;
  if (chains == 0) return {};
  if (plan->rewritten.nodes.empty()) plan->rewritten = graph;
  if (!reserve_or_fail(plan->softsign_operands, chains * kOperands))
    return out_of_memory("plan", chains);
  for (size_t k = 0; k < graph.nodes.size(); ++k) {
    if (!finder.match(graph.nodes[k], &chain)) continue;
    const size_t first = plan->softsign_operands.size();
    for (int32_t i : {chain.x, chain.size, chain.one, chain.sum})
      plan->softsign_operands.push_back(i);
    Node& quotient = plan->rewritten.nodes[k];
    const auto outputs = quotient.outputs;
    quotient = plan->rewritten.nodes[chain.abs];
    quotient.name = "SOFTSIGN";
    quotient.inputs = {plan->softsign_operands.data() + first, kOperands};
    quotient.outputs = outputs;
    for (const int32_t gone : {chain.abs, chain.add}) {
      plan->rewritten.nodes[gone].builtin = kFusedAway;
      plan->rewritten.nodes[gone].inputs = plan->rewritten.nodes[gone].outputs = {};
    }
  }
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

}  // namespace cygnet
