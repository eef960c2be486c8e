// SPDX-License-Identifier: Apache-2.0
// SPLIT: input 1 cut along a dimension into num_splits equal parts, one for each output.
//   input 0: the axis, one int32, in [−rank, rank); input 1: any shape, any type of whole bytes
// Option num_splits: the number of outputs; it divides the dimension.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status split_axis(const OpContext& op, int* axis) {
  return resolve_axis("axis", integer_at(op.input(0), 0), op.input(1).shape.rank, axis);
}

Status infer(OpContext& op) {
  const Tensor& in = op.input(1);
  CYGNET_TRY(expect_moved_type(op, 1));
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32}));
  CYGNET_TRY(expect_elements("input 0", op.input(0), 1));
  const int32_t parts = op.options<schema::SplitOptions>().num_splits();
  if (parts != op.outputs())
    return bad_model("num_splits: expected %d, the number of outputs, got %d", op.outputs(), parts);
  for (int i = 1; i < op.outputs(); ++i)
    if (op.output(i).type != in.type)
      return bad_model("output %d: expected type %s as input 1 has, got %s", i, type_name(in.type),
                       type_name(op.output(i).type));
  if (!op.known(0)) return op.defer();
  int axis = 0;
  CYGNET_TRY(split_axis(op, &axis));
  Shape shape = in.shape;
  if (shape[axis] % parts != 0)
    return bad_model("num_splits %d does not divide dimension %d of input 1 %s", parts, axis,
                     shape_text(in.shape).text);
  shape[axis] /= parts;
  for (int i = 0; i < op.outputs(); ++i) CYGNET_TRY(op.set_output(i, shape));
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& in = op.input(1);
  int axis = 0;
  CYGNET_TRY(split_axis(op, &axis));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 1", in, &bytes));
  const int64_t rows = in.shape.elements(0, axis);
  const int64_t in_row = in.shape.elements(axis, in.shape.rank);
  const int64_t row = in_row / op.outputs();
  for (int i = 0; i < op.outputs(); ++i) {
    StridedCopy copy;
    copy.element_bytes = bytes;
    copy.push(rows, in_row, row);
    copy.push(row, 1, 1);
    run_copy(op, copy, in.as<uint8_t>() + i * row * bytes, op.output(i).data);
  }
  return {};
}

}  // namespace

extern const OpDef kSplit;
const OpDef kSplit = {
    .name = "SPLIT",
    .builtin = 49,
    .max_version = 5,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SplitOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
