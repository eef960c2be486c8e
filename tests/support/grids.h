// SPDX-License-Identifier: Apache-2.0
// Constants of integers (edit/grid.h) in tests.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "edit/editor.h"

namespace cygnet::test {

/// The scale or zero point of element i.
inline size_t channel_of(const QuantizedType& q, const Shape& shape, int64_t i) {
  if (q.scales.size() == 1) return 0;
  int64_t inner = 1;
  for (int d = q.axis + 1; d < shape.rank; ++d) inner *= shape[d];
  return static_cast<size_t>(i / inner % shape[q.axis]);
}

/// A float constant of integers from −127 to 127 that remembers its grid.
inline int32_t grid_constant(Editor& e, const Shape& shape, const QuantizedType& q,
                             std::string_view name = "weights") {
  std::vector<float> values;
  for (int64_t i = 0; i < shape.elements(); ++i) {
    const size_t c = channel_of(q, shape, i);
    const auto code = static_cast<float>((i * 37 + 11) % 255 - 127);
    values.push_back(q.scales[c] * (code - static_cast<float>(q.zero_points[c])));
  }
  const int32_t t = e.constant<float>(shape, values, name);
  e.set_grid(t, std::make_shared<const QuantizedType>(q));
  return t;
}

/// Symmetric int8 with a different scale for each of n channels, or one for all.
inline QuantizedType symmetric(int32_t n = 1, int32_t axis = 0) {
  QuantizedType q{Type::int8, {}, {}, axis};
  for (int32_t c = 0; c < n; ++c) {
    q.scales.push_back(0.01f + 0.003f * static_cast<float>(c));
    q.zero_points.push_back(0);
  }
  return q;
}

/// The integers of a constant, which fails the test unless all values are on its grid.
inline std::vector<int64_t> codes_of(const Editor& e, int32_t tensor) {
  std::vector<int64_t> codes;
  const Grid grid = e.grid(tensor);
  EXPECT_TRUE(grid) << "no grid";
  if (!grid) return codes;
  const Shape shape = e.shape(tensor);
  const auto values = e.values<float>(tensor);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channel_of(*grid, shape, static_cast<int64_t>(i));
    const double steps = static_cast<double>(values[i]) / static_cast<double>(grid->scales[c]);
    EXPECT_NEAR(steps, std::round(steps), 1e-3) << "element " << i;
    codes.push_back(static_cast<int64_t>(std::round(steps)) + grid->zero_points[c]);
    EXPECT_GE(codes.back(), -128);
    EXPECT_LE(codes.back(), 127);
  }
  return codes;
}

}  // namespace cygnet::test
