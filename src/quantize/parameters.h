// SPDX-License-Identifier: Apache-2.0
// The arithmetic of quantization: intervals and weights to scales and zero points, real numbers to
// integers.
// Source: TensorFlow Lite 8-bit quantization specification; rounding as TensorFlow 2.21's
// converter.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cygnet/custom_op.h"
#include "edit/quantized_type.h"
#include "quantize/ranges.h"

namespace cygnet {

/// The least and largest integer of a quantized type; `narrow` leaves out the least.
struct IntegerRange {
  int64_t least, largest;
};
IntegerRange integer_range(Type type, bool narrow = false);

/// For activations: int8 and uint8 with a zero point that is exactly the real 0, int16 symmetric
/// about 0. An interval without extent (a constant 0) gets scale 1.
QuantizedType activation_type(Type type, const Interval& range);

/// For weights [shape], symmetric about 0 with the least integer left out: int8 or int4, a scale
/// for each index of `axis`, or one for all with axis −1. A channel of zeros gets scale 1.
QuantizedType weight_type(Type type, std::span<const float> values, const Shape& shape, int axis);

/// The integers nearest to the values (halves away from zero), clamped; int4 two in a byte.
/// The result has the bytes of a tensor of q.type and `shape`.
std::vector<uint8_t> quantized_bytes(std::span<const float> values, const Shape& shape,
                                     const QuantizedType& q, bool narrow = false);

}  // namespace cygnet
