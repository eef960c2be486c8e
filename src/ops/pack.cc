// SPDX-License-Identifier: Apache-2.0
// PACK: the inputs, all of one shape and type, stacked along a new dimension.
//   output 0: the inputs' shape with dimension `axis` of size values_count put in; their type
// Options: values_count, the number of inputs; axis in [−rank − 1, rank].
// UNPACK: its inverse: output i is slice i of input 0 along `axis`; `num`, the number of outputs,
// is the size of that dimension. Any type of whole bytes, quantized alike. Source: TFLite's
// reference kernels, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// Copies between a stack of shape [outer, n, inner] and its slice, [outer, inner].
void copy_slice(OpContext& op, int64_t bytes, int64_t outer, int64_t n, int64_t inner,
                bool into_stack, const void* in, void* out) {
  StridedCopy copy;
  copy.element_bytes = bytes;
  copy.push(outer, into_stack ? inner : n * inner, into_stack ? n * inner : inner);
  copy.push(inner, 1, 1);
  run_copy(op, copy, in, out);
}

Status infer_pack(OpContext& op) {
  const auto& options = op.options<schema::PackOptions>();
  const Tensor& first = op.input(0);
  CYGNET_TRY(expect_moved_type(op));
  if (options.values_count() != op.inputs())
    return bad_model("values_count: expected %d, the number of inputs, got %d", op.inputs(),
                     options.values_count());
  if (first.shape.rank == kMaxRank)
    return bad_model("T2: input 0 has %d dimensions already", kMaxRank);
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", options.axis(), first.shape.rank + 1, &axis));
  for (int i = 1; i < op.inputs(); ++i) {
    const Tensor& in = op.input(i);
    if (in.type != first.type || !(in.shape == first.shape))
      return bad_model("input %d: expected %s %s as input 0 has, got %s %s", i,
                       type_name(first.type), shape_text(first.shape).text, type_name(in.type),
                       shape_text(in.shape).text);
  }
  Shape shape;
  for (int i = 0; i <= first.shape.rank; ++i) {
    if (i == axis) shape.push(op.inputs());
    if (i < first.shape.rank) shape.push(first.shape[i]);
  }
  return op.set_output(0, shape);
}

Status invoke_pack(OpContext& op) {
  const Shape& shape = op.output(0).shape;
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", op.options<schema::PackOptions>().axis(), shape.rank, &axis));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("output 0", op.output(0), &bytes));
  const int64_t outer = shape.elements(0, axis);
  const int64_t inner = shape.elements(axis + 1, shape.rank);
  for (int i = 0; i < op.inputs(); ++i)
    copy_slice(op, bytes, outer, op.inputs(), inner, true, op.input(i).data,
               op.output(0).as<uint8_t>() + i * inner * bytes);
  return {};
}

Status infer_unpack(OpContext& op) {
  const auto& options = op.options<schema::UnpackOptions>();
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_moved_type(op));
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", options.axis(), in.shape.rank, &axis));
  if (options.num() != op.outputs())
    return bad_model("num: expected %d, the number of outputs, got %d", op.outputs(),
                     options.num());
  if (in.shape[axis] != op.outputs())
    return bad_model("input 0: expected %d slices along axis %d, one for each output, got shape %s",
                     op.outputs(), axis, shape_text(in.shape).text);
  Shape shape;
  for (int i = 0; i < in.shape.rank; ++i)
    if (i != axis) shape.push(in.shape[i]);
  for (int i = 0; i < op.outputs(); ++i) {
    if (op.output(i).type != in.type)
      return bad_model("output %d: expected type %s as input 0 has, got %s", i, type_name(in.type),
                       type_name(op.output(i).type));
    CYGNET_TRY(op.set_output(i, shape));
  }
  return {};
}

Status invoke_unpack(OpContext& op) {
  const Shape& shape = op.input(0).shape;
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", op.options<schema::UnpackOptions>().axis(), shape.rank, &axis));
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 0", op.input(0), &bytes));
  const int64_t outer = shape.elements(0, axis);
  const int64_t inner = shape.elements(axis + 1, shape.rank);
  for (int i = 0; i < op.outputs(); ++i)
    copy_slice(op, bytes, outer, op.outputs(), inner, false,
               op.input(0).as<uint8_t>() + i * inner * bytes, op.output(i).data);
  return {};
}

}  // namespace

extern const OpDef kPack;
const OpDef kPack = {
    .name = "PACK",
    .builtin = 83,
    .max_version = 5,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::PackOptions),
    .min_inputs = 1,
    .max_inputs = kAnyCount,
    .infer = infer_pack,
    .invoke = invoke_pack,
};

extern const OpDef kUnpack;
const OpDef kUnpack = {
    .name = "UNPACK",
    .builtin = 88,
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::UnpackOptions),
    .min_outputs = 1,
    .max_outputs = kAnyCount,
    .infer = infer_unpack,
    .invoke = invoke_unpack,
};

}  // namespace cygnet::ops
