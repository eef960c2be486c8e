// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "importers/tensorflow/source.h"

namespace cygnet::tensorflow {

/// A graph without variables.
struct FrozenGraph {
  std::string bytes;                         ///< a GraphDef in protobuf's wire format
  std::vector<std::string> inputs, outputs;  ///< names of nodes, in the source's order
  int64_t source_nodes = 0;                  ///< of the source's graph and functions
  int64_t nodes = 0;                         ///< of the frozen graph and its functions
  int64_t variables = 0;
  int64_t variable_bytes = 0;
};

/// Freezes: variables become constants of their names, calls of functions are replaced by their
/// bodies, bodies of While and If take the values instead of the variables, and what the outputs
/// don't need is left out. Inputs and outputs of a signature get their names there. TensorFlow
/// reads the result. Throws Failure that names file and node.
FrozenGraph freeze(const Source& source);

}  // namespace cygnet::tensorflow
