// SPDX-License-Identifier: Apache-2.0
// Cross-layer equalization: channels between two layers are scaled so that they share a range
// better, by factors that the first layer's weights take in and the second's give back.
// Sources: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction,
// 2019; Xiao et al., SmoothQuant, 2022, for factors that weigh activations against weights.
#pragma once

#include <vector>

#include "edit/draft.h"
#include "graph/registry.h"
#include "quantize/samples.h"

namespace cygnet {

/// Scales channels between each two layers (CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED) with
/// nothing but a ReLU between them and no other reader; the network computes the same but for float
/// rounding. Runs it on at most 16 samples to see the channels' ranges. Returns the tensors between
/// them: nothing but these holds other values than before.
std::vector<int32_t> equalize(Draft& draft, const OpRegistry& registry, const SampleSource& samples,
                              int threads);

}  // namespace cygnet
