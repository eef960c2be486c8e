// SPDX-License-Identifier: Apache-2.0
// What quantize and compare show of layers.
#pragma once

#include <string>
#include <vector>

#include "quantize/layer_times.h"

namespace cygnet::cli {

/// A layer's name short enough for a table: the first of those that fusing joined, shortened at its
/// front, where it says least.
std::string short_name(const std::string& name);

/// "CONV_2D", or "CONV_2D > DEPTHWISE_CONV_2D" where the networks differ.
std::string kinds(const AlignedLayer& layer);

/// The whole times of two networks and the layers that are slower in the second; `a` and `b` are
/// what they are called. Nothing where the times are 0.
void print_slower(const std::string& a, const std::string& b, double a_us, double b_us,
                  const std::vector<SlowLayer>& slower);

}  // namespace cygnet::cli
