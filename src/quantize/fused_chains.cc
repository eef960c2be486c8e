// SPDX-License-Identifier: Apache-2.0
#include "quantize/fused_chains.h"

#include <algorithm>
#include <array>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using schema::ActivationFunctionType;
using schema::BuiltinOperator;

template <class Table>
int activation_of(const Node& node) {
  return static_cast<int>(static_cast<const Table*>(node.options)->fused_activation_function());
}

/// The activation that is all that an operator does; NONE for others.
ActivationFunctionType activation_alone(const Node& node) {
  switch (static_cast<BuiltinOperator>(node.builtin)) {
    case BuiltinOperator::RELU:
      return ActivationFunctionType::RELU;
    case BuiltinOperator::RELU6:
      return ActivationFunctionType::RELU6;
    case BuiltinOperator::RELU_N1_TO_1:
      return ActivationFunctionType::RELU_N1_TO_1;
    case BuiltinOperator::TANH:
      return ActivationFunctionType::TANH;
    default:
      return ActivationFunctionType::NONE;
  }
}

/// Whether the operator multiplies or adds, as folding takes in.
bool is_affine(const Node& node) {
  constexpr std::array kAffine = {BuiltinOperator::MUL, BuiltinOperator::ADD, BuiltinOperator::SUB,
                                  BuiltinOperator::DIV, BuiltinOperator::RESHAPE};
  return std::find(kAffine.begin(), kAffine.end(), static_cast<BuiltinOperator>(node.builtin)) !=
         kAffine.end();
}

/// The node that makes a tensor, −1: none.
int maker_of(const Subgraph& graph, int32_t tensor) {
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    for (const int32_t i : graph.nodes[n].outputs)
      if (i == tensor) return static_cast<int>(n);
  return -1;
}

/// The only node that reads a tensor, if all else that it reads is constant; −1: there is none.
int only_reader(const Subgraph& graph, int32_t tensor) {
  int reader = -1;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::span<const int32_t> inputs = graph.nodes[n].inputs;
    if (std::find(inputs.begin(), inputs.end(), tensor) == inputs.end()) continue;
    if (reader >= 0 || graph.nodes[n].outputs.size() != 1) return -1;
    reader = static_cast<int>(n);
    for (const int32_t i : inputs)
      if (i != tensor && i != kAbsent && !graph.tensors[static_cast<size_t>(i)].constant) return -1;
  }
  return reader;
}

/// Where along its chain the tensor lies that the other side's layer makes.
int32_t fused_end(const Subgraph& graph, int32_t tensor, int activation,
                  const std::vector<char>& taken) {
  int32_t end = tensor;
  const int own = maker_of(graph, tensor);
  if (own < 0 || fused_activation(graph.nodes[static_cast<size_t>(own)]) != 0) return tensor;
  for (const int32_t t : chain_behind(graph, tensor, taken)) {
    if (t == tensor) continue;
    const Node& node = graph.nodes[static_cast<size_t>(maker_of(graph, t))];
    const int alone = static_cast<int>(activation_alone(node));
    const int fused = fused_activation(node);
    if ((alone != 0 && alone == activation) ||
        (is_affine(node) && fused != 0 && fused == activation))
      return t;
    if (!is_affine(node) || fused != 0) break;
    end = t;
  }
  return end;
}

}  // namespace

int fused_activation(const Node& node) {
  if (node.options == nullptr) return 0;
  switch (static_cast<BuiltinOperator>(node.builtin)) {
    case BuiltinOperator::CONV_2D:
      return activation_of<schema::Conv2DOptions>(node);
    case BuiltinOperator::DEPTHWISE_CONV_2D:
      return activation_of<schema::DepthwiseConv2DOptions>(node);
    case BuiltinOperator::FULLY_CONNECTED:
      return activation_of<schema::FullyConnectedOptions>(node);
    case BuiltinOperator::ADD:
      return activation_of<schema::AddOptions>(node);
    case BuiltinOperator::SUB:
      return activation_of<schema::SubOptions>(node);
    case BuiltinOperator::MUL:
      return activation_of<schema::MulOptions>(node);
    case BuiltinOperator::DIV:
      return activation_of<schema::DivOptions>(node);
    case BuiltinOperator::AVERAGE_POOL_2D:
    case BuiltinOperator::MAX_POOL_2D:
      return activation_of<schema::Pool2DOptions>(node);
    default:
      return 0;
  }
}

std::vector<int32_t> chain_behind(const Subgraph& graph, int32_t tensor,
                                  const std::vector<char>& taken) {
  std::vector<int32_t> chain = {tensor};
  const Shape shape = graph.tensors[static_cast<size_t>(tensor)].shape;
  const auto is_output = [&](int32_t t) {
    return std::find(graph.outputs.begin(), graph.outputs.end(), t) != graph.outputs.end();
  };
  for (int32_t t = tensor; !is_output(t);) {
    const int reader = only_reader(graph, t);
    if (reader < 0) break;
    const Node& node = graph.nodes[static_cast<size_t>(reader)];
    t = node.outputs[0];
    if (taken[static_cast<size_t>(t)] != 0 || is_conversion(node)) break;
    if (graph.tensors[static_cast<size_t>(t)].shape == shape) chain.push_back(t);
  }
  return chain;
}

void follow_fusions(const Subgraph& a, const Subgraph& b, std::vector<AlignedLayer>* layers) {
  std::vector<char> in_a(a.tensors.size(), 0), in_b(b.tensors.size(), 0);
  for (const AlignedLayer& layer : *layers) {
    in_a[static_cast<size_t>(layer.tensor_a)] = 1;
    in_b[static_cast<size_t>(layer.tensor_b)] = 1;
  }
  for (AlignedLayer& layer : *layers) {
    const int of_a = fused_activation(a.nodes[static_cast<size_t>(layer.node_a)]);
    const int of_b = fused_activation(b.nodes[static_cast<size_t>(layer.node_b)]);
    const int32_t end_a = fused_end(a, layer.tensor_a, of_b, in_a);
    if (end_a != layer.tensor_a) {
      layer.tensor_a = end_a;
      layer.node_a = maker_of(a, end_a);
      continue;
    }
    const int32_t end_b = fused_end(b, layer.tensor_b, of_a, in_b);
    if (end_b == layer.tensor_b) continue;
    layer.tensor_b = end_b;
    layer.node_b = maker_of(b, end_b);
  }
}

}  // namespace cygnet
