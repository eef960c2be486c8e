// SPDX-License-Identifier: Apache-2.0
// Mixed precision: as few layers as possible stay float, so that a network loses no more than it
// may.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "quantize/integer.h"
#include "quantize/measure.h"

namespace cygnet {

/// What quantizing one layer alone does to the outputs.
struct Sensitivity {
  std::string kind, name;  ///< name: of the layer's first result
  double sqnr_db = 0;      ///< of the outputs, with this layer alone quantized
  bool stays_float = false;
};

/// What a network lost: of its accuracy where samples have labels, else the share of rows that
/// changed their class, else (rows of one element) the relative error.
double drop(const OutputError& error, double float_accuracy);

struct MixedOptions {
  double max_drop = 0.01;
  /// Told how many of the layers have been measured.
  std::function<void(size_t done, size_t all)> progress;
};

/// Measures every integer layer alone, then finds the fewest that must stay float: the most
/// sensitive ones first, each of them turned integer again where that does no harm. In the order of
/// sensitivity, most sensitive first; empty where the whole network may be integers.
std::vector<Sensitivity> keep_accuracy(const Draft& draft, const OpRegistry& registry,
                                       const TensorFindings& findings,
                                       const IntegerOptions& options,
                                       const OutputReference& reference, const MixedOptions& mixed);

}  // namespace cygnet
