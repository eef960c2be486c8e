// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cygnet {

/// Bounds on what a model may ask for. Reaching one is a Status that carries the limit's name.
/// A value of 0 for time, loops and work means "none".
struct Limits {
  int64_t file_bytes;
  int64_t flatbuffer_bytes;
  int64_t memory_bytes;  ///< arena + scratch + dynamic tensors, checked before allocation
  int64_t tensor_elements;
  int64_t tensors;  ///< in the whole model, as are `operators` and `buffers`
  int64_t operators;
  int64_t buffers;
  int64_t subgraphs;
  int64_t operands;       ///< of one operator
  int64_t import_factor;  ///< memory of a conversion: this times the source's size ...
  int64_t import_bytes;   ///< ... and this
  int64_t fold_bytes;     ///< what computing constants may add to a network
  int64_t call_depth;
  int64_t loop_iterations;  ///< of one WHILE in one invoke
  int64_t invoke_ms;        ///< wall time of one invoke
  int64_t macs;             ///< estimated multiply-adds of one invoke
  int32_t threads;
  bool custom_operators;  ///< whether registered custom operators may run
  bool external_files;    ///< whether buffers in other files of the model's folder may be read

  /// For models that the user made or trusts. memory_bytes: half of RAM, 16 GiB at most.
  static Limits standard();
  /// For models from anywhere.
  static Limits untrusted();
  /// By name, "default" or "untrusted"; false when there is no such profile.
  static bool from_name(std::string_view name, Limits* limits);
};

}  // namespace cygnet
