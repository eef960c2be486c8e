// SPDX-License-Identifier: Apache-2.0
#include "runtime/fuse/code_table.h"

#include <array>

#include "runtime/fuse/makers.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

constexpr int kMostSteps = 16;  // between DEQUANTIZE and QUANTIZE
constexpr int kOperands = 3;    // of the two, in Plan::table_operands

constexpr auto kCodes = [] {
  std::array<uint8_t, 256> codes = {};
  for (int i = 0; i < 256; ++i) codes[static_cast<size_t>(i)] = static_cast<uint8_t>(i);
  return codes;
}();

bool is_bytes(const Tensor& t) {
  return (t.type == Type::int8 || t.type == Type::uint8) && t.quantization.per_tensor();
}

bool is_unary(const Node& node) {
  return node.op != nullptr && node.inputs.size() == 1 && node.inputs[0] != kAbsent &&
         node.outputs.size() == 1;
}

class Finder {
 public:
  explicit Finder(const Subgraph& graph) : graph_(graph) {}

  bool prepare() { return makers_.find(graph_); }

  // The DEQUANTIZE node of the chain that `last` ends, or −1.
  int32_t chain_start(const Node& last) const {
    if (!is(last, Builtin::QUANTIZE) || !is_bytes(graph_.tensors[last.outputs[0]])) return -1;
    int32_t t = last.inputs[0];
    for (int steps = 0; steps <= kMostSteps; ++steps) {
      const GraphTensor& tensor = graph_.tensors[t];
      const int32_t at = makers_.maker[t];
      if (at < 0 || makers_.uses[t] != 1 || tensor.type != Type::float32 || tensor.variable)
        return -1;
      const Node& node = graph_.nodes[at];
      if (!is_unary(node)) return -1;
      const GraphTensor& operand = graph_.tensors[node.inputs[0]];
      if (is(node, Builtin::DEQUANTIZE))
        return is_bytes(operand) && !operand.variable && !operand.constant ? at : -1;
      if (!node.op->pure || node.op->sharing != Sharing::elementwise ||
          node.op->by_parts == nullptr)
        return -1;
      t = node.inputs[0];
    }
    return -1;
  }

 private:
  static bool is(const Node& node, Builtin op) {
    return is_unary(node) && node.builtin == static_cast<int32_t>(op);
  }

  const Subgraph& graph_;
  Makers makers_;
};

// Adds a tensor of all codes of x's type and scale to the plan.
Status add_codes(const GraphTensor& x, Plan* plan) {
  GraphTensor codes;
  codes.name = x.name;
  codes.type = x.type;
  codes.constant = true;
  codes.shape = Shape{256};
  codes.quantization = x.quantization;
  codes.data = const_cast<uint8_t*>(kCodes.data());
  codes.bytes = kCodes.size();
  plan->rewritten.tensors.push_back(codes);
  plan->tensors.push_back(codes);
  plan->places.push_back(Place::constant);
  plan->block_of.push_back(-1);
  plan->in_parts.push_back(0);
  plan->buffers.emplace_back();
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

}  // namespace

Status fuse_code_tables(const Subgraph& graph, Plan* plan) {
  Finder finder(graph);
  if (!finder.prepare()) return out_of_memory("plan", graph.tensors.size());
  size_t chains = 0;
  for (const Node& node : graph.nodes) chains += finder.chain_start(node) >= 0 ? 1 : 0;
  if (chains == 0) return {};
  if (plan->rewritten.nodes.empty()) plan->rewritten = graph;
  if (!reserve_or_fail(plan->table_operands, chains * kOperands))
    return out_of_memory("plan", chains);
  for (size_t k = 0; k < graph.nodes.size(); ++k) {
    const int32_t start = finder.chain_start(graph.nodes[k]);
    if (start < 0) continue;
    const auto codes = static_cast<int32_t>(plan->rewritten.tensors.size());
    const int32_t x = graph.nodes[start].inputs[0];
    CYGNET_TRY(add_codes(graph.tensors[x], plan));
    const size_t first = plan->table_operands.size();
    for (int32_t i : {codes, x, graph.nodes[k].inputs[0]}) plan->table_operands.push_back(i);
    const int32_t* operands = plan->table_operands.data() + first;
    plan->rewritten.nodes[start].inputs = {operands, 1};
    plan->rewritten.nodes[k].inputs = {operands + 1, 2};
  }
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

}  // namespace cygnet
