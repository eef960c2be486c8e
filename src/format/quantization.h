// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "schema/tflite_generated.h"

namespace cygnet {

/// Views the scales and zero points of a tensor; verify() checks them (T8).
Status read_quantization(const schema::QuantizationParameters& source, Quantization* quantization);

/// Rule T8 for scales that lie in a tensor of their own, one for each block of elements: the tensor
/// exists and fits. No operator of this build takes such a tensor; to them it is not quantized.
/// `subgraph` has all its tensors; `index` is the quantized one.
Status verify_blockwise(const schema::Tensor& source, const Subgraph& subgraph, size_t index);

}  // namespace cygnet
