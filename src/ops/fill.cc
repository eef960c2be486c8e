// SPDX-License-Identifier: Apache-2.0
// FILL: a tensor of one value.
//   input 0: the shape, int32 or int64 [rank], each dimension ≥ 0; input 1: the value, a scalar of
//   any type of whole bytes, or STRING
//   output 0: input 1's type, quantized alike. Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& dims = op.input(0);
  CYGNET_TRY(expect_moved_type(op, 1, {Type::string}));
  CYGNET_TRY(expect_type("input 0", dims, {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 0", dims, 1));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 0));
  if (op.input(1).quantization.count == 1 && op.output(0).quantization.count == 1)
    CYGNET_TRY(expect_same_quantization("input 1", op.input(1), "output 0", op.output(0)));
  if (!op.known(0)) return op.defer();
  Shape shape;
  CYGNET_TRY(read_dimensions("input 0", dims, &shape));
  return op.set_output(0, shape);
}

Status invoke(OpContext& op) {
  if (op.output(0).type == Type::string) {
    const Strings value(op.input(1));
    return write_strings(op, 0, op.output(0).shape.elements(), [&](int64_t) { return value[0]; });
  }
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 1", op.input(1), &bytes));
  const Filler fill(op.input(1).as<uint8_t>(), bytes);
  const auto total = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, total / bytes, total, [&](int64_t begin, int64_t end, int) {
    fill(op.output(0).as<uint8_t>() + begin * bytes, (end - begin) * bytes);
  });
  return {};
}

}  // namespace

extern const OpDef kFill;
const OpDef kFill = {
    .name = "FILL",
    .builtin = 94,
    .max_version = 5,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FillOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
