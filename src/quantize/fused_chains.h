// SPDX-License-Identifier: Apache-2.0
// Fused chains: a layer of one network that does what a layer and the operators behind it do in the
// other, under the name of the first of them.
#pragma once

#include <vector>

#include "quantize/align.h"

namespace cygnet {

/// schema::ActivationFunctionType that the operator applies to its result.
int fused_activation(const Node& node);

/// For a tensor and those made of it by one operator after the other, each the only reader of the
/// one before, with constants besides, as far as none is in `taken`: those with the tensor's shape,
/// itself first.
std::vector<int32_t> chain_behind(const Subgraph& graph, int32_t tensor,
                                  const std::vector<char>& taken);

/// Moves aligned layers along such chains on either side: behind the factors and offsets that the
/// other side's layer has taken in, and behind the activation that it applies. Both sides' tensors
/// are in `layers`; names and kinds stay.
void follow_fusions(const Subgraph& a, const Subgraph& b, std::vector<AlignedLayer>* layers);

}  // namespace cygnet
