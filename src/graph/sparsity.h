// SPDX-License-Identifier: Apache-2.0
// Sparse constants. Their description holds, for each level of a traversal order (first the
// tensor's dimensions, then those within blocks), a dense size or lists of segments and indices as
// in compressed sparse rows; their buffer holds the elements that are stored, in that order.
#pragma once

#include <cstdint>

#include "graph/graph.h"
#include "schema/tflite_generated.h"

namespace cygnet {

/// One integer list of a sparse dimension, whatever its element type.
struct IndexList {
  const uint8_t* data = nullptr;
  int width = 0;      ///< bytes of an element: 1, 2 (unsigned) or 4
  int64_t size = -1;  ///< −1: absent
  int64_t at(int64_t i) const {
    if (width == 1) return data[i];
    if (width == 2) return reinterpret_cast<const uint16_t*>(data)[i];
    return reinterpret_cast<const int32_t*>(data)[i];
  }
};
IndexList segments_of(const schema::DimensionMetadata& metadata);
IndexList indices_of(const schema::DimensionMetadata& metadata);

/// Writes all elements of a sparse constant, whose description was verified (rule T7), to `out`,
/// which holds zeros. Its type has whole bytes.
void densify(const GraphTensor& tensor, void* out);

}  // namespace cygnet
