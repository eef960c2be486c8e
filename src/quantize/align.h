// SPDX-License-Identifier: Apache-2.0
// Align: which layers of two networks compute the same tensor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace cygnet {

/// A layer of A and the layer of B that computes the same tensor. Nodes and tensors are indices in
/// the main subgraphs.
struct AlignedLayer {
  int32_t node_a = -1, node_b = -1;
  int32_t tensor_a = -1, tensor_b = -1;
  std::string name;            ///< of A's tensor
  std::string kind_a, kind_b;  ///< operators
  bool by_name = true;  ///< false: by kind and shape between layers that have names in common
};

/// What align finds.
struct Alignment {
  std::vector<AlignedLayer> layers;  ///< in the execution order of A
  int only_a = 0, only_b = 0;        ///< tensors that could be layers and have no partner
};

/// The tensors of real numbers that both networks compute.
///
/// Names come first: equal ones, ones that differ in what converters append ("_int8", ":0"), then
/// the names that fusing joins ("relu;add;conv"), of which most must be common. QUANTIZE and
/// DEQUANTIZE are no layers; what they make lends its name to what they are given. Between layers
/// found so the longest common sequence of operator kind, fused activation, result shape and
/// weights' shape. Where one side has operators behind a layer that the other side's layer has
/// taken in, it is their result that is aligned. Results that follow from constants alone are left
/// out. Shapes may differ in their first dimension.
Alignment align(const Graph& a, const Graph& b);

/// For each node of a subgraph the index in `tensors` of the layer that it works for: the one whose
/// tensor it makes, else the first of those that read what it makes, else the last of those that it
/// reads; −1: none of them.
std::vector<int> layers_of_nodes(const Subgraph& graph, const std::vector<int32_t>& tensors);

/// Whether the operator only changes how numbers are stored: QUANTIZE, DEQUANTIZE.
bool is_conversion(const Node& node);
/// Whether the elements stand for real numbers: floats and quantized integers.
bool is_real(const Tensor& tensor);

}  // namespace cygnet
