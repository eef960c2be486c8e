// SPDX-License-Identifier: Apache-2.0
// Transposition of a matrix by blocks that are as wide as a vector of 16 bytes.
#pragma once

#include <cstdint>

namespace cygnet::ops {

/// out[r][c] = in[c][r] for r < rows, c < columns. Strides in bytes, of in from c to c + 1, of out
/// from r to r + 1; rows and columns at least block_side of the elements.
using BlockTranspose = void (*)(const uint8_t* in, int64_t in_stride, uint8_t* out,
                                int64_t out_stride, int64_t rows, int64_t columns);

/// For elements of 1, 2, 4 or 8 bytes; null for others.
BlockTranspose block_transpose(int64_t element_bytes);

/// Rows and columns of a block.
constexpr int64_t block_side(int64_t element_bytes) {
  return 16 / element_bytes;
}

}  // namespace cygnet::ops
