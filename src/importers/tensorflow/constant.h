// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "edit/editor.h"
#include "importers/tensorflow/graph_def.h"
#include "importers/tensorflow/tensor_value.h"

namespace cygnet::tensorflow {

/// Whether the type is float16 or bfloat16.
bool is_half(DataType type);
/// The elements of a float16 or bfloat16 tensor as float32.
std::vector<float> widen(const TensorValue& value);

/// A TensorFlow constant as a constant of the graph. Strings are packed as the format wants them:
/// count, offsets, characters. float16 and bfloat16 become float32. Throws Failure when the tensor
/// is broken or its type is missing in the format.
int32_t decode_constant(Editor& editor, const TensorProto& tensor, std::string_view name);

}  // namespace cygnet::tensorflow
