// SPDX-License-Identifier: Apache-2.0
// How real numbers are stored as integers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cygnet/custom_op.h"

namespace cygnet {

/// How a tensor is (to be) stored as integers: real = scale · (q − zero_point).
struct QuantizedType {
  Type type = Type::int8;
  std::vector<float> scales;         ///< one, or one for each index of dimension `axis`
  std::vector<int64_t> zero_points;  ///< as many
  int32_t axis = 0;

  bool operator==(const QuantizedType&) const = default;
  float scale() const { return scales[0]; }
  int64_t zero_point() const { return zero_points[0]; }
};

/// The integers that a float constant stands for: training has rounded its values to them. Null:
/// none are known.
using Grid = std::shared_ptr<const QuantizedType>;

}  // namespace cygnet
