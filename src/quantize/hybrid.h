// SPDX-License-Identifier: Apache-2.0
// Hybrid: float graphs whose weights are stored in fewer bits.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edit/patch.h"

namespace cygnet {

struct HybridOptions {
  Type weights = Type::int8;  ///< int8, int4 (convolutions and fully connected layers, others int8)
                              ///< or float16
  bool per_channel = true;    ///< weights of layers have a scale for each channel
  /// Weights of fewer elements stay float.
  int64_t least_elements = 1024;
  bool recurrent_alone = false;  ///< only recurrent layers
  /// Means by channel of layers' inputs in the main subgraph, by tensor: what rounding the weights
  /// adds to a layer's result on average is taken off its bias (quantize/bias.h). Empty: not.
  std::map<int32_t, std::vector<double>> means{};
  std::set<std::string> excluded{};        ///< layers by the name of their first result
  std::set<std::string> excluded_kinds{};  ///< operators: "FULLY_CONNECTED"
};

struct HybridReport {
  int quantized = 0;  ///< constants that are stored in fewer bits now
  int kept = 0;  ///< weights that stay float: few elements, excluded, operator without the form
  /// Operators with such weights: kind ("SVDF"), name of the first result.
  std::set<std::pair<std::string, std::string>> layers{};
};

/// Stores weights as integers beside float activations, which the runtime quantizes while it runs
/// (dynamic range quantization): of convolutions, fully connected and recurrent layers,
/// BATCH_MATMUL, EMBEDDING_LOOKUP. Or, as float16, all float constants, with DEQUANTIZE behind
/// each. Every subgraph. Throws Failure.
HybridReport make_hybrid(Draft& draft, const OpRegistry& registry, const HybridOptions& options);

}  // namespace cygnet
