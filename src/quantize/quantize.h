// SPDX-License-Identifier: Apache-2.0
// Quantize: a float network into one of fewer bits, and what that cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "quantize/hybrid.h"
#include "quantize/integer.h"
#include "quantize/layer_times.h"
#include "quantize/measure.h"
#include "quantize/mixed.h"
#include "quantize/ranges.h"
#include "quantize/statistics.h"

namespace cygnet {

enum class QuantizeMode {
  dynamic,  ///< int8 weights, float activations
  float16,  ///< float16 weights, float arithmetic
  int8,     ///< integers throughout, 8 bits
  int16x8,  ///< integers throughout, 16-bit activations and 8-bit weights
  int4      ///< 4-bit weights of convolutions and fully connected layers, float activations
};
/// By its name on the command line.
std::optional<QuantizeMode> quantize_mode(std::string_view name);
const char* name_of(QuantizeMode mode);
/// Whether activations are integers too.
bool is_integer(QuantizeMode mode);

/// What may be done besides and may help or not.
enum class Extra {
  off,
  measured,  ///< tried, kept where the outputs come closer to the float network's
  on
};

struct QuantizeOptions {
  QuantizeMode mode = QuantizeMode::int8;
  RangeOptions ranges{.method = RangeMethod::automatic};
  IntegerOptions integer;  ///< `activations` follows from the mode
  HybridOptions hybrid;    ///< `weights` follows from the mode
  /// Patterns (of file names: *, ?, [...]) of names of layers' results that stay float.
  std::vector<std::string> excluded;
  std::set<std::string> excluded_kinds;  ///< operators that stay float
  Extra bias_correction = Extra::measured;
  Extra equalization = Extra::measured;
  /// The largest share of rows (0.01: 1 %) that may change their class, or of the accuracy that may
  /// be lost where samples have labels: as few layers as that takes stay float.
  std::optional<double> max_drop;
  const SampleSource* samples = nullptr;  ///< what the network will see; null: none
  /// Statistics from earlier calibrations, merged with those of `samples`; null: none.
  const Statistics* statistics = nullptr;
  size_t measured_samples = 32;  ///< at most so many are used to measure what it cost
  bool keep_histograms = false;  ///< the statistics are to be saved: other methods may want them
  bool times = true;             ///< measure every layer before and after, on one thread
  int threads = 1;
  /// Told what is done, and how much of it.
  std::function<void(const char* what, size_t done, size_t all)> progress;
};

/// Something that was tried, and how close the outputs were then.
struct Trial {
  std::string name;
  OutputError error;
  bool kept = false;
};

struct QuantizeReport {
  IntegerReport integer;   ///< of the integer modes
  HybridReport hybrid;     ///< of the others
  bool trained = false;    ///< ranges came from quantization-aware training
  int64_t calibrated = 0;  ///< samples that the ranges were found on
  std::vector<Trial> trials;
  bool before_functions = false;          ///< trials compared what the functions at the outputs get
  std::vector<Sensitivity> layers;        ///< with max_drop: most sensitive first; empty: no need
  std::optional<OutputError> error;       ///< of the result; nothing without samples
  double float_accuracy = -1;             ///< −1: no labels
  double float_us = 0, quantized_us = 0;  ///< least time of a run; 0: not measured
  std::vector<SlowLayer> slower;          ///< layers that take longer now (b_us) than before (a_us)
  Statistics statistics;                  ///< to be saved
};

/// Quantizes an optimized float network in place. Throws Failure: the network is quantized already,
/// neither samples nor statistics nor trained ranges say what its tensors hold, a pattern matches
/// no layer, the network can't run on the samples.
QuantizeReport quantize(Draft& draft, const OpRegistry& registry, const QuantizeOptions& options);

/// Statistics of a network alone, to be merged with others (quantize does the same before).
Statistics calibrate_for(Draft& draft, const OpRegistry& registry, const QuantizeOptions& options);

}  // namespace cygnet
