// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cygnet::tensorflow {

/// The key under which a checkpoint holds a slice of a partitioned variable: the number 0, the
/// variable's name, the rank, then start and length (-1: all) of each dimension, in an encoding
/// that sorts as the values do (TensorFlow 2.21, saved_tensor_slice_util.cc and ordered_code.cc).
std::string slice_key(std::string_view name, const std::vector<int64_t>& start,
                      const std::vector<int64_t>& length);

}  // namespace cygnet::tensorflow
