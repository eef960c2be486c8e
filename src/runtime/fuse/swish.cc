// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/swish.h"

#include "runtime/fuse/layer_norm.h"
#include "runtime/fuse/makers.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

bool is(const Node& node, Builtin op) {
  return node.builtin == static_cast<int32_t>(op) && node.op != nullptr && node.outputs.size() == 1;
}

class Finder {
 public:
  explicit Finder(const Subgraph& graph) : graph_(graph) {}

  bool prepare() { return makers_.find(graph_); }

  // The LOGISTIC node that `product` ends a swish with, or −1.
  int32_t logistic_of(const Node& product) const {
    if (!is(product, Builtin::MUL) || product.inputs.size() != 2 || has_activation(product))
      return -1;
    const int32_t x = product.inputs[0], s = product.inputs[1];
    if (x == kAbsent || s == kAbsent || makers_.uses[s] != 1 || makers_.maker[s] < 0) return -1;
    const Node& logistic = graph_.nodes[makers_.maker[s]];
    if (!is(logistic, Builtin::LOGISTIC) || logistic.inputs.size() != 1 || logistic.inputs[0] != x)
      return -1;
    const GraphTensor& tensor = graph_.tensors[x];
    const bool bytes = tensor.type == Type::int8 || tensor.type == Type::uint8;
    const bool same = graph_.tensors[s].type == tensor.type &&
                      graph_.tensors[product.outputs[0]].type == tensor.type;
    return bytes && same && !tensor.variable ? makers_.maker[s] : -1;
  }

 private:
  static bool has_activation(const Node& node) {
    return node.options != nullptr &&
           static_cast<const schema::MulOptions*>(node.options)->fused_activation_function() !=
               schema::ActivationFunctionType::NONE;
  }

  const Subgraph& graph_;
  Makers makers_;
};

}  // namespace

Status fuse_swishes(const Subgraph& graph, Plan* plan) {
  Finder finder(graph);
  if (!finder.prepare()) return out_of_memory("plan", graph.tensors.size());
  for (size_t k = 0; k < graph.nodes.size(); ++k) {
    const int32_t logistic = finder.logistic_of(graph.nodes[k]);
    if (logistic < 0) continue;
    if (plan->rewritten.nodes.empty()) plan->rewritten = graph;
    Node& product = plan->rewritten.nodes[k];
    Node& gone = plan->rewritten.nodes[logistic];
    const auto inputs = product.inputs, outputs = product.outputs;
    product = gone;
    product.name = "SWISH";
    product.inputs = inputs;
    product.outputs = outputs;
    gone.builtin = kFusedAway;
    gone.inputs = gone.outputs = {};
  }
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

}  // namespace cygnet
