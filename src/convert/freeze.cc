// SPDX-License-Identifier: Apache-2.0
#include "convert/freeze.h"

#include <filesystem>

#include "edit/failure.h"
#include "importers/tensorflow/freeze.h"

namespace cygnet {

Frozen freeze(const std::string& path, const FreezeOptions& options) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw Failure(text(path, ": no such file or folder"));
  if (!tensorflow::sniff_source(path))
    throw Failure(text(path, ": expected a SavedModel folder, a .pb, .pbtxt or .meta file"));
  const tensorflow::Source source = tensorflow::load_source(path, {.tags = options.tags,
                                                                   .signature = options.signature,
                                                                   .checkpoint = options.checkpoint,
                                                                   .inputs = {},
                                                                   .outputs = options.outputs});
  tensorflow::FrozenGraph graph = tensorflow::freeze(source);
  return {std::move(graph.bytes),
          std::move(graph.inputs),
          std::move(graph.outputs),
          graph.source_nodes,
          graph.nodes,
          graph.variables,
          graph.variable_bytes};
}

}  // namespace cygnet
