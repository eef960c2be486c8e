// SPDX-License-Identifier: Apache-2.0
// Quantizing from the command line: flags into options, the report for people and programs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/output.h"
#include "cli/samples.h"
#include "convert/convert.h"

namespace cygnet::cli {

/// What `quantize` and `convert --quantize` take besides.
struct QuantizeFlags {
  std::string mode;  ///< "int8", "dynamic" ...; empty: not quantized
  SampleFlags samples;
  std::string ranges = "auto";          ///< a name of range_method
  double percentile = 99.999;           ///< for ranges "percentile"
  std::string io;                       ///< type of inputs and outputs; empty: float32
  std::string input_type, output_type;  ///< instead of io
  std::string weights;                  ///< of the int8 mode: "int4"; empty: int8
  bool per_tensor = false;              ///< one scale for all weights of a layer
  int64_t least_elements = 1024;
  std::vector<std::string> keep_float;        ///< patterns of names of layers' results
  std::vector<std::string> keep_float_kinds;  ///< operators
  std::string bias_correction = "measured", equalization = "measured";
  std::string max_drop;                 ///< "1%" or "0.01"; empty: all is quantized
  std::string save_statistics;          ///< path; empty: none
  std::vector<std::string> statistics;  ///< paths of statistics to merge
  int64_t measured_samples = 64;
  int threads = 1;
};

/// One quantization: what its options view, and what is to be said about it.
class Quantization {
 public:
  /// Throws Failure when flags don't fit together.
  Quantization(const QuantizeFlags& flags, const std::string& output);

  /// Asks for it.
  void put_into(ConvertOptions* options);
  /// Writes the statistics if that is wanted, and says which samples were unreadable.
  void finish(const Conversion& conversion) const;

  /// What was tried, what it cost, what stays float.
  void print(const Conversion& conversion) const;
  Json to_json(const Conversion& conversion) const;

 private:
  std::unique_ptr<SampleSource> open(const Draft& draft);

  const QuantizeFlags& flags_;
  bool statistics_only_;
  QuantizeOptions options_;
  std::optional<Statistics> statistics_;
  Graph graph_;                           // that the samples are for
  const FileSamples* samples_ = nullptr;  // while the options live
  std::unique_ptr<SampleSource> keep_;
  std::unique_ptr<Progress> progress_;
  std::string shown_;
};

}  // namespace cygnet::cli
