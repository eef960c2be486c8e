// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/tensorflow.h"

#include <memory>

#include "importers/tensorflow/graph_importer.h"
#include "importers/tensorflow/source.h"

namespace cygnet::tensorflow {
namespace {

void import(const std::string& path, const ImportOptions& options, Draft& draft) {
  auto source = std::make_shared<Source>(load_source(path, {.tags = options.tags,
                                                            .signature = options.signature,
                                                            .checkpoint = options.checkpoint,
                                                            .inputs = options.inputs,
                                                            .outputs = options.outputs}));
  draft.hold(source);  // variables are read from its mapped files
  GraphImporter(*source, options, draft).run();
}

}  // namespace

const Importer kImporter = {.name = "TensorFlow", .sniff = sniff_source, .import = import};

}  // namespace cygnet::tensorflow
