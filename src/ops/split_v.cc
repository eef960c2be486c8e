// SPDX-License-Identifier: Apache-2.0
// SPLIT_V: input 0 cut along a dimension into parts of given sizes, one for each output.
//   input 0: any shape, any type of whole bytes; input 1: the sizes, int32 or int64 [outputs], each
//   ≥ 0, at most one of them −1, what is left; together the dimension; input 2: the axis, one int32
//   or int64, in [−rank, rank)
// Option num_splits: the number of outputs. Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status check_operands(const OpContext& op) {
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_integer_scalar("input 2", op.input(2)));
  const int32_t parts = op.options<schema::SplitVOptions>().num_splits();
  if (parts != op.outputs())
    return bad_model("num_splits: expected %d, the number of outputs, got %d", op.outputs(), parts);
  for (int i = 1; i < op.outputs(); ++i)
    if (op.output(i).type != in.type)
      return bad_model("output %d: expected type %s as input 0 has, got %s", i, type_name(in.type),
                       type_name(op.output(i).type));
  return expect_integer_vector("input 1", op.input(1), parts);
}

Status infer(OpContext& op) {
  CYGNET_TRY(check_operands(op));
  if (!op.known(1) || !op.known(2)) return op.defer();
  const Shape& in = op.input(0).shape;
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", integer_at(op.input(2), 0), in.rank, &axis));
  int64_t left = in[axis];
  bool open = false;
  for (int i = 0; i < op.outputs(); ++i) {
    const int64_t size = integer_at(op.input(1), i);
    if (size == -1 && open) return bad_model("sizes: more than one is -1");
    CYGNET_TRY(expect_range("size", size, -1, left));
    open = open || size == -1;
    left -= size == -1 ? 0 : size;
  }
  if (!open && left != 0)
    return bad_model("sizes: %lld of dimension %d of input 0 %s are left over",
                     static_cast<long long>(left), axis, shape_text(in).text);
  for (int i = 0; i < op.outputs(); ++i) {
    const int64_t size = integer_at(op.input(1), i);
    Shape shape = in;
    shape[axis] = static_cast<int32_t>(size == -1 ? left : size);
    CYGNET_TRY(op.set_output(i, shape));
  }
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& in = op.input(0);
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", integer_at(op.input(2), 0), in.shape.rank, &axis));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 0", in, &bytes));
  const int64_t rows = in.shape.elements(0, axis);
  const int64_t inner = in.shape.elements(axis + 1, in.shape.rank);
  int64_t first = 0;
  for (int i = 0; i < op.outputs(); ++i) {
    const int64_t row = op.output(i).shape[axis] * inner;
    if (op.output(i).bytes > 0) {
      StridedCopy copy;
      copy.element_bytes = bytes;
      copy.push(rows, in.shape[axis] * inner, row);
      copy.push(row, 1, 1);
      run_copy(op, copy, in.as<uint8_t>() + first * bytes, op.output(i).data);
    }
    first += row;
  }
  return {};
}

}  // namespace

extern const OpDef kSplitV;
const OpDef kSplitV = {
    .name = "SPLIT_V",
    .builtin = 102,
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SplitVOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
