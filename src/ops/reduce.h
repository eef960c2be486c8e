// SPDX-License-Identifier: Apache-2.0
// What operators that reduce over a list of axes share: reading the axes, the result's shape, and
// the walk over the elements.
#pragma once

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// Input 0 in merged dimensions, which are kept and reduced by turns.
struct Reduction {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  bool reduced[kMaxRank] = {};
  int64_t count = 1;  ///< elements of input 0 behind one of the result
};

/// reduced[i]: dimension i of input 0 is among the axes of input 1 (int32), each listed once.
inline Status read_axes(const OpContext& op, bool* reduced) {
  const Tensor &x = op.input(0), &axes = op.input(1);
  for (int64_t i = 0; i < axes.shape.elements(); ++i) {
    int axis = 0;
    CYGNET_TRY(resolve_axis("input 1: axis", axes.as<int32_t>()[i], x.shape.rank, &axis));
    if (reduced[axis]) return bad_model("input 1: axis %d is listed twice", axis);
    reduced[axis] = true;
  }
  return {};
}

/// infer for x of one of the types, axes (0-D or 1-D) → y of x's type, ReducerOptions: the axes are
/// dropped or, with keep_dims, kept at 1. Defers where the axes are not known.
inline Status infer_reduction(OpContext& op, std::initializer_list<Type> types) {
  const Tensor &x = op.input(0), &axes = op.input(1);
  CYGNET_TRY(expect_type("input 0", x, types));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", axes, {Type::int32}));
  CYGNET_TRY(expect_rank_between("input 1", axes, 0, 1));
  if (!op.known(1)) return op.defer();
  bool reduced[kMaxRank] = {};
  CYGNET_TRY(read_axes(op, reduced));
  const bool keep = op.options<schema::ReducerOptions>().keep_dims();
  Shape shape;
  for (int i = 0; i < x.shape.rank; ++i) {
    if (!reduced[i])
      shape.push(x.shape[i]);
    else if (keep)
      shape.push(1);
  }
  return op.set_output(0, shape);
}

/// In prepare: the merged dimensions.
inline Status make_reduction(const OpContext& op, Reduction* r) {
  bool reduced[kMaxRank] = {};
  CYGNET_TRY(read_axes(op, reduced));
  const Shape& shape = op.input(0).shape;
  for (int i = 0; i < shape.rank; ++i) {
    if (reduced[i]) r->count *= shape[i];
    if (r->rank > 0 && r->reduced[r->rank - 1] == reduced[i]) {
      r->dims[r->rank - 1] *= shape[i];
    } else {
      r->dims[r->rank] = shape[i];
      r->reduced[r->rank++] = reduced[i];
    }
  }
  return {};
}

/// Calls whole(from, n, at) for each row of n elements that all belong to element `at` of the
/// result, or each(from, n, at) for each row that belongs to elements at, at + 1, ... Rows come in
/// order; `from` is the row's first element in x of `elements` elements.
template <class Whole, class Each>
void each_reduced_row(const Reduction& r, int64_t elements, Whole whole, Each each) {
  const int64_t row = r.rank == 0 ? 1 : r.dims[r.rank - 1], rows = row == 0 ? 0 : elements / row;
  const bool row_reduced = r.rank > 0 && r.reduced[r.rank - 1];
  for (int64_t i = 0; i < rows; ++i) {
    int64_t rest = i, at = r.rank == 2 && row_reduced ? i : 0, stride = row_reduced ? 1 : row;
    for (int d = r.rank - 2; d >= 0 && r.rank > 2; --d) {
      if (!r.reduced[d]) at += rest % r.dims[d] * stride, stride *= r.dims[d];
      rest /= r.dims[d];
    }
    if (row_reduced)
      whole(i * row, row, at);
    else
      each(i * row, row, at);
  }
}

}  // namespace cygnet::ops
