// SPDX-License-Identifier: Apache-2.0
// SHAPE: the dimensions of input 0, an int32 or int64 vector [rank], as the option out_type says.
// RANK: their number, an int32 scalar.
//   input 0: any shape and type
// Both are known as soon as the shape is. Source: TFLite's reference kernels, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer_shape(OpContext& op) {
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32, Type::int64}));
  const auto wanted = static_cast<Type>(op.options<schema::ShapeOptions>().out_type());
  if (op.has_options() && wanted != op.output(0).type)
    return bad_model("output 0: expected type %s as out_type says, got %s", type_name(wanted),
                     type_name(op.output(0).type));
  return op.set_output(0, Shape{op.input(0).shape.rank});
}

Status invoke_shape(OpContext& op) {
  const Shape& shape = op.input(0).shape;
  Tensor& out = op.output(0);
  for (int i = 0; i < shape.rank; ++i) {
    if (out.type == Type::int64)
      out.as<int64_t>()[i] = shape[i];
    else
      out.as<int32_t>()[i] = shape[i];
  }
  return {};
}

Status infer_rank(OpContext& op) {
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32}));
  return op.set_output(0, {});
}

Status invoke_rank(OpContext& op) {
  *op.output(0).as<int32_t>() = op.input(0).shape.rank;
  return {};
}

}  // namespace

extern const OpDef kShape;
const OpDef kShape = {
    .name = "SHAPE",
    .builtin = 77,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ShapeOptions),
    .shapes_only = true,
    .infer = infer_shape,
    .invoke = invoke_shape,
};

extern const OpDef kRank;
const OpDef kRank = {
    .name = "RANK",
    .builtin = 110,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::RankOptions),
    .shapes_only = true,
    .infer = infer_rank,
    .invoke = invoke_rank,
};

}  // namespace cygnet::ops
