// SPDX-License-Identifier: Apache-2.0
// EMBEDDING_LOOKUP: rows of a table by number.
//   input 0: numbers, int32 [n]; input 1: table [rows, …], rank ≥ 2, any type of whole bytes
//   output 0: [n, …] of the table's type. A number that is not in [0, rows) is an error of the run.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& table = op.input(1);
  CYGNET_TRY(expect_moved_type(op, 1));
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 1));
  CYGNET_TRY(expect_rank_between("input 1", table, 2, kMaxRank));
  Shape shape = table.shape;
  shape[0] = op.input(0).shape[0];
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  const Tensor& table = op.input(1);
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 1", table, &bytes));
  const int64_t row = table.shape.elements(1, table.shape.rank) * bytes;
  for (int32_t i = 0; i < op.input(0).shape[0]; ++i) {
    const int64_t number = integer_at(op.input(0), i);
    if (number < 0 || number >= table.shape[0])
      return Status::error(Code::invalid_argument,
                           "input 0: number %lld at position %d is not in [0, %d)",
                           static_cast<long long>(number), i, table.shape[0]);
    if (row > 0)
      copy_bytes(op.output(0).as<uint8_t>() + i * row, table.as<uint8_t>() + number * row, row);
  }
  return {};
}

}  // namespace

extern const OpDef kEmbeddingLookup;
const OpDef kEmbeddingLookup = {
    .name = "EMBEDDING_LOOKUP",
    .builtin = 7,
    .max_version = 5,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
