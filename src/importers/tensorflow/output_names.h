// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

/// Index among all of a node's outputs of the one that an input of a function's body names by its
/// output argument: "node:indices:0" → 1 for TopKV2. Operators that are not listed have one output
/// argument, of one tensor or a list.
size_t output_index(const NodeDef& node, const InputName& input);

}  // namespace cygnet::tensorflow
