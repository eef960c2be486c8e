// SPDX-License-Identifier: Apache-2.0
// REVERSE_V2: input 0 with the order of elements reversed along some dimensions.
//   input 0: any shape, any type of whole bytes; input 1: the dimensions, int32 or int64 [n], each
//   in [−rank, rank) and named once
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status read_axes(const OpContext& op, bool (&reversed)[kMaxRank]) {
  const Tensor& axes = op.input(1);
  for (int64_t i = 0; i < axes.shape.elements(); ++i) {
    int axis = 0;
    CYGNET_TRY(resolve_axis("axis", integer_at(axes, i), op.input(0).shape.rank, &axis));
    if (reversed[axis]) return bad_model("axis: dimension %d is named twice", axis);
    reversed[axis] = true;
  }
  return {};
}

Status infer(OpContext& op) {
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 1));
  bool reversed[kMaxRank] = {};
  if (op.known(1)) CYGNET_TRY(read_axes(op, reversed));
  return op.set_output(0, op.input(0).shape);
}

Status invoke(OpContext& op) {
  const Shape& in = op.input(0).shape;
  bool reversed[kMaxRank] = {};
  CYGNET_TRY(read_axes(op, reversed));
  if (op.output(0).bytes == 0) return {};
  StridedCopy copy;
  CYGNET_TRY(element_bytes("input 0", op.input(0), &copy.element_bytes));
  int64_t first = 0;
  for (int d = 0; d < in.rank; ++d) {
    const int64_t stride = in.elements(d + 1, in.rank);
    if (reversed[d]) first += (in[d] - 1) * stride;
    copy.push(in[d], reversed[d] ? -stride : stride, 0);
  }
  copy.make_dense_output();
  run_copy(op, copy, op.input(0).as<uint8_t>() + first * copy.element_bytes, op.output(0).data);
  return {};
}

}  // namespace

extern const OpDef kReverseV2;
const OpDef kReverseV2 = {
    .name = "REVERSE_V2",
    .builtin = 105,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReverseV2Options),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
