// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "importers/importer.h"
#include "importers/tensorflow/source.h"

namespace cygnet::tensorflow {

/// Looks at all operators that the outputs need. Throws Failure with every one that the table lacks
/// and all its places, unless they are to stay as custom operators; warns of float16.
void check_operators(const Source& source, const ImportOptions& options, Draft& draft);

}  // namespace cygnet::tensorflow
