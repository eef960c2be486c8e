// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "importers/tensorflow/graph_def.h"

namespace cygnet::tensorflow {

/// What a constant may grow to where the file holds fewer elements than it has (a "splat").
inline constexpr int64_t kMaxSplatBytes = int64_t{256} << 20;

/// The elements of a tensor, dense and little-endian, or strings.
struct TensorValue {
  DataType dtype = DataType::invalid;
  std::vector<int64_t> dims;
  std::string_view bytes;                 ///< in the file, or in `owned`; empty for strings
  std::vector<std::string_view> strings;  ///< in the file
  std::shared_ptr<const std::string> owned;

  /// Product of dims.
  int64_t elements() const;
};

/// Reads the elements: tensor_content, or the *_val list of the type, whose last value stands for
/// all that follow (none: zeros, empty strings). Throws Failure (rule I2) when the shape is open,
/// the count does not fit, the type has no elements in a file, or a splat exceeds max_splat_bytes.
TensorValue decode_tensor(const TensorProto& tensor, int64_t max_splat_bytes = kMaxSplatBytes);

/// The product of dims; throws Failure when one is negative or the product exceeds 2^48.
int64_t count_elements(const std::vector<int64_t>& dims);

}  // namespace cygnet::tensorflow
