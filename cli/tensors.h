// SPDX-License-Identifier: Apache-2.0
// Tensors of a model as the subcommands see them.
#pragma once

#include <string>
#include <vector>

#include "cli/npz.h"
#include "cli/session.h"

namespace cygnet::cli {

/// "UINT8 [1,224,224,3]".
std::string describe(Type type, const Shape& shape);
std::string describe(const Tensor& tensor);
std::string describe(const Array& array);

/// "0.0078125 (q - 128)", "per channel (32)", "" when the tensor is not quantized.
std::string describe_quantization(const Quantization& quantization);

/// The real values of a numeric tensor: quantized ones are scaled, float16 widened. Empty when the
/// type has no such values (string, complex).
std::vector<float> real_values(const Tensor& tensor);

/// A copy of the tensor's elements. Throws Failure when the type has no form in .npy files.
Array to_array(const Tensor& tensor, const std::string& name);

/// The two names of a model input: that by which users know it, and its tensor's.
struct InputNames {
  std::string name, tensor;
};
/// Indices of the arrays that inputs take: of an input's name, or of "in:" and its name; a bare
/// .npy goes to the only input. Throws Failure, which names file and key, for a missing or unknown
/// key.
std::vector<int> match_keys(const std::vector<InputNames>& inputs, const ArchiveReader& arrays);

/// Makes the shapes of inputs those of `arrays`, allocates, and writes the arrays. Each input takes
/// the array of its name, or of "in:" and its name (recorded examples); a bare .npy goes to the
/// only input. Throws Failure, which names the file and the key, for a missing or unknown key and a
/// wrong type or shape.
void write_inputs(Session* session, const ArchiveReader& arrays);

/// Allocates and fills inputs with values that `seed` determines: floats in [-1, 1), 8- and 16-bit
/// integers over their whole range, larger ones in [0, 10), booleans.
void write_random_inputs(Session* session, uint64_t seed);

}  // namespace cygnet::cli
