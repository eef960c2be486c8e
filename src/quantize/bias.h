// SPDX-License-Identifier: Apache-2.0
// Bias correction: what rounding a layer's weights adds to its results on average.
// Source: Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction,
// 2019, section 4.2.
#pragma once

#include <map>
#include <vector>

#include "edit/patch.h"

namespace cygnet {

/// What is to be added to the bias of layer n, for each channel of its result: Σ (w − w')·E[x] over
/// the weights of that channel, where w' are the quantized weights [as `weights`] and E[x] the mean
/// of their input channel. Empty where the means of the layer's input are not known.
std::vector<double> rounding_shift(const Patch& patch, int32_t n, int32_t quantized,
                                   int32_t weights,
                                   const std::map<int32_t, std::vector<double>>& means, int axis);

}  // namespace cygnet
