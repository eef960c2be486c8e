// SPDX-License-Identifier: Apache-2.0
// Freezing: a graph with variables → a GraphDef that holds their values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cygnet {

struct FreezeOptions {
  std::string signature;          ///< of a SavedModel; empty: serving_default or the only one
  std::vector<std::string> tags;  ///< of the SavedModel's meta graph; empty: {"serve"}
  std::string checkpoint;         ///< prefix of the variables' files; empty: beside the graph
  std::vector<std::string>
      outputs;  ///< nodes or names of the signature; empty: what the source says
};

struct Frozen {
  std::string bytes;                         ///< a GraphDef in protobuf's wire format
  std::vector<std::string> inputs, outputs;  ///< names of nodes
  int64_t source_nodes = 0, nodes = 0;       ///< functions' bodies included
  int64_t variables = 0, variable_bytes = 0;
};

/// Freezes a SavedModel, or a GraphDef or MetaGraph with its checkpoint. Throws Failure.
Frozen freeze(const std::string& path, const FreezeOptions& options);

}  // namespace cygnet
