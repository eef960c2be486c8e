// SPDX-License-Identifier: Apache-2.0
// EXPAND_DIMS: input 0 with a dimension of size 1 put in before dimension `axis`.
//   input 1: int32 or int64, one element, in [−rank − 1, rank]
// Any type of fixed size. Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_same_type("input 0", in, "output 0", op.output(0)));
  CYGNET_TRY(expect_integer_scalar("input 1", op.input(1)));
  if (in.shape.rank == kMaxRank)
    return bad_model("T2: input 0 has %d dimensions already", kMaxRank);
  if (!op.known(1)) return op.defer();
  int axis = 0;
  CYGNET_TRY(resolve_axis("axis", integer_at(op.input(1), 0), in.shape.rank + 1, &axis));
  Shape shape;
  for (int i = 0; i <= in.shape.rank; ++i) {
    if (i == axis) shape.push(1);
    if (i < in.shape.rank) shape.push(in.shape[i]);
  }
  return op.set_output(0, shape);
}

}  // namespace

extern const OpDef kExpandDims;
const OpDef kExpandDims = {
    .name = "EXPAND_DIMS",
    .builtin = 70,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ExpandDimsOptions),
    .sharing = Sharing::view,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke_view,
};

}  // namespace cygnet::ops
