// SPDX-License-Identifier: Apache-2.0
// MATRIX_DIAG: matrices with the given diagonals and 0 elsewhere.
//   input 0: diagonals […, n], rank ≥ 1; output 0: […, n, n]
// MATRIX_SET_DIAG: matrices with other diagonals.
//   input 0: matrices […, m, n], rank ≥ 2; input 1: diagonals […, min(m, n)]
//   output 0: of input 0's shape
// Types f32, int8, uint8, int16, int32, int64. Source: TFLite's reference kernels, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status expect_number(const OpContext& op) {
  CYGNET_TRY(
      expect_type("input 0", op.input(0),
                  {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64}));
  return expect_same_type("input 0", op.input(0), "output 0", op.output(0));
}

Status infer_diag(OpContext& op) {
  CYGNET_TRY(expect_number(op));
  CYGNET_TRY(expect_rank_between("input 0", op.input(0), 1, kMaxRank - 1));
  Shape shape = op.input(0).shape;
  shape.push(shape[shape.rank - 1]);
  return op.set_output(0, shape);
}

Status infer_set_diag(OpContext& op) {
  const Shape& shape = op.input(0).shape;
  CYGNET_TRY(expect_number(op));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "input 1", op.input(1)));
  CYGNET_TRY(expect_rank_between("input 0", op.input(0), 2, kMaxRank));
  Shape diagonals = shape;
  --diagonals.rank;
  diagonals[diagonals.rank - 1] = std::min(shape[shape.rank - 2], shape[shape.rank - 1]);
  CYGNET_TRY(expect_shape("input 1", op.input(1), diagonals));
  return op.set_output(0, shape);
}

// Writes the diagonals [matrices, d] of `from` into matrices [m, n] of the output.
void write_diagonals(OpContext& op, const Tensor& from) {
  Tensor& out = op.output(0);
  const int rank = out.shape.rank;
  const int64_t m = out.shape[rank - 2], n = out.shape[rank - 1], d = std::min(m, n);
  StridedCopy copy;
  copy.element_bytes = type_bits(out.type) / 8;
  copy.push(out.shape.elements(0, rank - 2), d, m * n);
  copy.push(d, 1, n + 1);
  run_copy(op, copy, from.data, out.data);
}

Status invoke_diag(OpContext& op) {
  Tensor& out = op.output(0);
  if (out.bytes == 0) return {};
  std::memset(out.data, 0, out.bytes);
  write_diagonals(op, op.input(0));
  return {};
}

Status invoke_set_diag(OpContext& op) {
  CYGNET_TRY(invoke_view(op));
  if (op.output(0).bytes > 0) write_diagonals(op, op.input(1));
  return {};
}

}  // namespace

extern const OpDef kMatrixDiag;
const OpDef kMatrixDiag = {
    .name = "MATRIX_DIAG",
    .builtin = 113,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::MatrixDiagOptions),
    .infer = infer_diag,
    .invoke = invoke_diag,
};

extern const OpDef kMatrixSetDiag;
const OpDef kMatrixSetDiag = {
    .name = "MATRIX_SET_DIAG",
    .builtin = 115,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::MatrixSetDiagOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_set_diag,
    .invoke = invoke_set_diag,
};

}  // namespace cygnet::ops
