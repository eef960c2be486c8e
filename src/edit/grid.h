// SPDX-License-Identifier: Apache-2.0
// Grids: float constants that training has rounded to integers of a scale (FAKE_QUANT, QUANTIZE and
// DEQUANTIZE) remember them while they are computed, transposed and scaled, so that exactly these
// integers can be stored.
#pragma once

#include <span>

#include "edit/editor.h"

namespace cygnet {

/// The integers of FAKE_QUANT. Up to 8 bits: int8, the zero point as near to min as the nudged
/// limits of TensorFlow have it; more: int16, symmetric about 0. min = max = 0 gives scale 1.
/// Expects finite min <= max, bits 2 to 16.
QuantizedType fake_quant_type(float min, float max, int bits, bool narrow);

/// Gives a tensor scales and zero points, which live as long as the draft.
void set_quantization(Editor& e, int32_t tensor, const QuantizedType& q);

/// A tensor's own scales and zero points, those of unsigned 8-bit integers moved to signed ones;
/// null when it has none, or integers of other types.
Grid quantization_grid(const GraphTensor& tensor);

/// The type as a grid if all values lie on it, or do with a zero point one off (single precision
/// places it otherwise where 0 lies between two steps); else null.
Grid held_grid(QuantizedType type, const Shape& shape, std::span<const float> values);

/// The grid of values that are those of a grid multiplied by `factors`, one or one for each index
/// of `axis`; null where they have none. `values` are the products.
Grid scaled_grid(const Grid& grid, const Shape& shape, std::span<const double> factors, int axis,
                 std::span<const float> values);

/// The grid of the same elements in the same order under another shape; null where the scales don't
/// follow one dimension of it.
Grid reshaped_grid(const Grid& grid, const Shape& from, const Shape& to);

/// The grid of the result of a node whose operands are all constants, one entry for each operand:
/// FAKE_QUANT and DEQUANTIZE make one, TRANSPOSE, RESHAPE and their like keep it, MUL and DIV by
/// factors along one dimension scale it. Null for all others.
Grid result_grid(const Node& node, std::span<const GraphTensor> operands,
                 std::span<const Grid> grids, const GraphTensor& result);

}  // namespace cygnet
