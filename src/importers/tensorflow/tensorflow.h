// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "importers/importer.h"

namespace cygnet::tensorflow {

/// Every TensorFlow format that holds a graph: frozen GraphDef (.pb, .pbtxt), MetaGraph (.meta)
/// with a checkpoint, SavedModel folder.
extern const Importer kImporter;

}  // namespace cygnet::tensorflow
