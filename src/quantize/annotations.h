// SPDX-License-Identifier: Apache-2.0
// Annotations: how tensors of a float graph are to be quantized, found by calibration or given by
// quantization-aware training.
#pragma once

#include <map>

#include "edit/draft.h"
#include "graph/registry.h"
#include "quantize/parameters.h"

namespace cygnet {

/// By tensor index of the main subgraph, activations and weights alike.
using Annotations = std::map<int32_t, QuantizedType>;

/// Whether the graph says itself how tensors are to be quantized: FAKE_QUANT, or QUANTIZE followed
/// by DEQUANTIZE.
bool has_trained_ranges(const Draft& draft);

/// Takes FAKE_QUANT operators and QUANTIZE-DEQUANTIZE pairs out of the main subgraph and returns
/// what they say: of activations the type of the tensor they stood behind, of weights the type of
/// the float constant that takes their place. Unsigned 8-bit ranges become int8 ones. Where a tensor
/// has one type for some readers and another for others, FAKE_QUANT stays between: its operand has
/// the first type, its result the other one. Throws Failure.
Annotations take_trained_ranges(Draft& draft, const OpRegistry& registry);

}  // namespace cygnet
