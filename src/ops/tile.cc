// SPDX-License-Identifier: Apache-2.0
// TILE: input 0 repeated input 1[d] times along each dimension d.
//   input 0: any shape, any type of whole bytes or STRING; input 1: int32 or int64 [rank], each ≥ 0
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(expect_moved_type(op, 0, {Type::string}));
  CYGNET_TRY(expect_integer_vector("input 1", op.input(1), in.rank));
  if (!op.known(1)) return op.defer();
  Shape shape, times;
  CYGNET_TRY(read_dimensions("input 1", op.input(1), &times));
  for (int d = 0; d < in.rank; ++d) {
    const int64_t n = int64_t{in[d]} * times[d];
    CYGNET_TRY(expect_range("T3: tiled dimension", n, 0, INT32_MAX));
    shape.push(static_cast<int32_t>(n));
  }
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  Elements elements(op);
  if (op.output(0).shape.elements() == 0) return elements.finish();
  const Shape& in = op.input(0).shape;
  StridedCopy copy;
  copy.element_bytes = elements.bytes();
  for (int d = 0; d < in.rank; ++d) {
    copy.push(op.output(0).shape[d] / in[d], 0, 0);
    copy.push(in[d], in.elements(d + 1, in.rank), 0);
  }
  copy.make_dense_output();
  run_copy(op, copy, elements.in(0), elements.out());
  return elements.finish();
}

}  // namespace

extern const OpDef kTile;
const OpDef kTile = {
    .name = "TILE",
    .builtin = 69,
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::TileOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = Elements::prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
