// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/samples.h"

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
  int64_t measured_samples = 32;
  bool times = true;  ///< name the layers that become slower
  int threads = 1;
};

}  // namespace cygnet::cli
