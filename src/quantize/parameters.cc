// SPDX-License-Identifier: Apache-2.0
#include "quantize/parameters.h"

#include <algorithm>
#include <cmath>

#include "edit/failure.h"

namespace cygnet {
namespace {

// Below this the reciprocal of a scale, or its product with another, leaves float32.
constexpr double kLeastScale = 1e-30;

float usable_scale(double scale) {
  return scale < kLeastScale || !std::isfinite(scale) ? 1.0f : static_cast<float>(scale);
}

// The integer that stands for the real 0: of the two that the ends of the interval suggest, the one
// with the smaller rounding error.
int64_t zero_point_of(double min, double max, double scale, IntegerRange range) {
  const double low = static_cast<double>(range.least), high = static_cast<double>(range.largest);
  const double by_min = low - min / scale, by_max = high - max / scale;
  const bool take_min =
      std::fabs(low) + std::fabs(min / scale) < std::fabs(high) + std::fabs(max / scale);
  return static_cast<int64_t>(std::clamp(std::round(take_min ? by_min : by_max), low, high));
}

}  // namespace

IntegerRange integer_range(Type type, bool narrow) {
  switch (type) {
    case Type::uint8:
      return {narrow ? 1 : 0, 255};
    case Type::int16:
      return {narrow ? -32767 : -32768, 32767};
    case Type::int4:
      return {narrow ? -7 : -8, 7};
    default:
      return {narrow ? -127 : -128, 127};
  }
}

QuantizedType activation_type(Type type, const Interval& interval) {
  const double min = std::min(interval.min, 0.0), max = std::max(interval.max, 0.0);
  const IntegerRange range = integer_range(type);
  if (type == Type::int16)
    return {type, {usable_scale(std::max(-min, max) / static_cast<double>(range.largest))}, {0}, 0};
  const double scale = (max - min) / static_cast<double>(range.largest - range.least);
  if (scale < kLeastScale) return {type, {1.0f}, {type == Type::uint8 ? 128 : 0}, 0};
  return {type, {static_cast<float>(scale)}, {zero_point_of(min, max, scale, range)}, 0};
}

QuantizedType weight_type(Type type, std::span<const float> values, const Shape& shape, int axis) {
  const auto channels = static_cast<size_t>(axis < 0 ? 1 : shape[axis]);
  const auto inner =
      axis < 0 ? values.size() : static_cast<size_t>(shape.elements(axis + 1, shape.rank));
  std::vector<float> largest(channels, 0.0f);
  for (size_t begin = 0, c = 0; begin < values.size(); begin += inner, ++c) {
    if (c == channels) c = 0;
    for (float v : values.subspan(begin, inner)) largest[c] = std::max(largest[c], std::fabs(v));
  }
  QuantizedType q{type, {}, std::vector<int64_t>(channels, 0), std::max(axis, 0)};
  const auto most = static_cast<double>(integer_range(type).largest);
  for (float m : largest) q.scales.push_back(usable_scale(static_cast<double>(m) / most));
  return q;
}

std::vector<uint8_t> quantized_bytes(std::span<const float> values, const Shape& shape,
                                     const QuantizedType& q, bool narrow) {
  const IntegerRange range = integer_range(q.type, narrow);
  const double low = static_cast<double>(range.least), high = static_cast<double>(range.largest);
  const size_t channels = q.scales.size();
  const auto inner =
      static_cast<size_t>(channels == 1 ? 1 : shape.elements(q.axis + 1, shape.rank));
  const auto integer = [&](size_t i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    const double v = std::round(static_cast<double>(values[i]) / static_cast<double>(q.scales[c])) +
                     static_cast<double>(q.zero_points[c]);
    return static_cast<int64_t>(std::clamp(v, low, high));
  };
  std::vector<uint8_t> bytes;
  if (q.type == Type::int4) {
    bytes.assign((values.size() + 1) / 2, 0);
    for (size_t i = 0; i < values.size(); ++i)
      bytes[i / 2] |= static_cast<uint8_t>((integer(i) & 0xF) << (i % 2 * 4));
  } else if (q.type == Type::int16) {
    bytes.resize(values.size() * 2);
    for (size_t i = 0; i < values.size(); ++i) {
      const int64_t v = integer(i);
      bytes[2 * i] = static_cast<uint8_t>(v & 0xFF);
      bytes[2 * i + 1] = static_cast<uint8_t>(v >> 8 & 0xFF);
    }
  } else {
    bytes.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) bytes[i] = static_cast<uint8_t>(integer(i) & 0xFF);
  }
  return bytes;
}

}  // namespace cygnet
