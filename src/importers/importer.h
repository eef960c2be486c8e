// SPDX-License-Identifier: Apache-2.0
// Importer: a training file → Draft.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "edit/draft.h"
#include "graph/limits.h"
#include "graph/registry.h"

namespace cygnet {

/// How a depthwise convolution that has both a stride and a dilation is read.
enum class Atrous {
  as_tensorflow,  ///< what TensorFlow computed in training: the stride acts in the dilated grid
  as_written      ///< the mathematics: every stride-th output of the dilated convolution
};

struct ImportOptions {
  const OpRegistry* registry = nullptr;
  Limits limits = Limits::standard();
  std::string signature;             ///< key; empty: "serving_default" or the only one
  std::vector<std::string> tags;     ///< of the SavedModel's meta graph; empty: {"serve"}
  std::string checkpoint;            ///< prefix of the variables of an unfrozen graph
  std::vector<std::string> inputs;   ///< tensor names, in order; empty: what the source says
  std::vector<std::string> outputs;  ///< as inputs
  /// Shapes of inputs that the source leaves open or that the user wants otherwise; −1 stays open.
  std::map<std::string, std::vector<int32_t>> input_shapes;
  Atrous atrous = Atrous::as_tensorflow;
  bool allow_custom = false;  ///< operators without a counterpart become custom operators
  /// Operators that round as quantization will (quantization-aware training) stay such that
  /// take_trained_ranges (quantize/annotations.h) finds all their integers; not for writing a file.
  bool keep_ranges = false;
  bool unroll = false;        ///< loops with a known number of turns are unrolled, not WHILE
  /// The functions whose loops stay loops nevertheless: passes make operators of them.
  std::set<std::string> rolled;
};

/// One source format.
struct Importer {
  const char* name;  ///< "SavedModel", for people
  /// Whether the path looks like this format.
  bool (*sniff)(const std::string& path);
  /// Fills an empty draft: main subgraph, inputs and outputs in the source's order, one signature
  /// with the source's names. Throws Failure; operators that are not supported are all named in it.
  void (*import)(const std::string& path, const ImportOptions& options, Draft& draft);
};

}  // namespace cygnet
