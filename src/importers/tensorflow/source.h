// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "importers/tensorflow/checkpoint.h"
#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

/// An input or output of what is to be converted.
struct Port {
  std::string name;    ///< key in the signature; without a signature the node's name
  std::string tensor;  ///< "node:k"
  DataType dtype = DataType::invalid;  ///< invalid where the file does not say
  TensorShape shape{.unknown_rank = true,
                    .dims = {}};  ///< unknown rank where the file does not say
};

/// Which part of the files is wanted.
struct SourceOptions {
  std::vector<std::string> tags;  ///< of the meta graph, as a set; empty: {"serve"} or the only one
  std::string signature;          ///< key; empty: "serving_default" or the only one
  std::string checkpoint;         ///< prefix; empty: the one that belongs to the file, if any
  std::vector<std::string> inputs;   ///< "node" or "node:k": instead of those the file names
  std::vector<std::string> outputs;  ///< as inputs
};

/// The variables of a graph that have a saved value: name of the node that is the variable
/// (VarHandleOp, VariableV2, ...) in the main graph → where its value is.
using Variables = std::map<std::string, CheckpointEntry, std::less<>>;

/// A trained network as TensorFlow's files hold it. Moving it keeps every view in it good.
struct Source {
  enum class Kind { graph, meta_graph, saved_model };

  Kind kind = Kind::graph;
  std::string path;
  GraphDef graph;
  std::string signature;  ///< key; empty where there is none
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  Checkpoint checkpoint;
  Variables variables;
  std::vector<std::shared_ptr<const void>> storage;  ///< what the views point into
};

/// Whether the path looks like a SavedModel folder, a GraphDef (.pb, .pbtxt) or a MetaGraph
/// (.meta).
bool sniff_source(const std::string& path);

/// Reads a SavedModel folder (saved_model.pb or .pbtxt, variables/), a GraphDef (.pb, .pbtxt) or a
/// MetaGraph (.meta, with the checkpoint beside it). Without a signature the inputs are the
/// placeholders and the outputs the nodes whose result nobody takes. Throws Failure that names the
/// file.
Source load_source(const std::string& path, const SourceOptions& options = {});

}  // namespace cygnet::tensorflow
