// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "edit/editor.h"
#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

/// A TensorFlow constant as a constant of the graph. Strings are packed as the format wants them:
/// count, offsets, characters. Throws Failure when the tensor is broken or its type is missing in
/// the format.
int32_t decode_constant(Editor& editor, const TensorProto& tensor, std::string_view name);

}  // namespace cygnet::tensorflow
