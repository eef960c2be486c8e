// SPDX-License-Identifier: Apache-2.0
// What STABLEHLO_GATHER and STABLEHLO_SCATTER share: lists of dimensions and index vectors.
#pragma once

#include <cstdint>

#include "cygnet/custom_op.h"
#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// A list of different dimensions.
struct DimList {
  int count = 0;
  int dims[kMaxRank] = {};

  /// Reads numbers in [0, rank), no two the same; `sorted`: rising.
  Status read(const char* name, const flatbuffers::Vector<int64_t>* numbers, int rank,
              bool sorted) {
    const auto n = numbers == nullptr ? 0u : numbers->size();
    CYGNET_TRY(expect_range(name, n, 0, rank));
    bool seen[kMaxRank] = {};
    for (unsigned i = 0; i < n; ++i) {
      const int64_t dim = numbers->Get(i);
      CYGNET_TRY(expect_range(name, dim, 0, rank - 1));
      if (seen[dim]) return bad_model("%s: dimension %d occurs twice", name, static_cast<int>(dim));
      if (sorted && i > 0 && dim < dims[i - 1])
        return bad_model("%s: expected rising dimensions, got %d behind %d", name,
                         static_cast<int>(dim), dims[i - 1]);
      seen[dim] = true;
      dims[count++] = static_cast<int>(dim);
    }
    return {};
  }
  /// Sets flags[d] for every dimension d of the list.
  void mark(bool* flags) const {
    for (int i = 0; i < count; ++i) flags[dims[i]] = true;
  }
};

/// index_vector_dim: a dimension of `indices` of size `count`, or its rank where count is 1.
inline Status read_vector_dim(int64_t given, const Tensor& indices, int count, int* dim) {
  CYGNET_TRY(expect_range("index_vector_dim", given, 0, indices.shape.rank));
  *dim = static_cast<int>(given);
  const int size = *dim == indices.shape.rank ? 1 : indices.shape[*dim];
  if (size == count) return {};
  return bad_model("index_vector_dim: expected a dimension of %d numbers, got %d", count, size);
}

/// The numbers of one index vector: `shape` without `vector_dim` is indexed by the entries of
/// `index` whose dimensions are not marked in `others`.
class IndexVector {
 public:
  IndexVector(const Shape& shape, int vector_dim, const bool* others, const Shape& index) {
    int64_t stride = 1;
    int from = index.rank - 1;
    for (int i = shape.rank - 1; i >= 0; stride *= shape[i--]) {
      if (i == vector_dim) {
        step_ = stride;
        continue;
      }
      while (from >= 0 && others[from]) --from;
      if (from >= 0) place_ += index[from--] * stride;
    }
  }
  /// Where number k lies.
  int64_t place(int k) const { return place_ + k * step_; }

 private:
  int64_t place_ = 0, step_ = 0;
};

/// The index behind `index` in `shape`, row by row.
inline void next_index(const Shape& shape, Shape* index) {
  for (int i = shape.rank - 1; i >= 0; --i) {
    if (++(*index)[i] < shape[i]) return;
    (*index)[i] = 0;
  }
}

}  // namespace cygnet::ops
