// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE: dimension i of the output is dimension perm[i] of input 0.
//   input 0: any shape, any type of whole bytes or INT4; input 1: int32 [rank], a permutation
//   (negative entries count from the end)
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& in = op.input(0);
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{in.shape.rank}));
  if (!op.known(1)) return op.defer();
  Shape shape;
  bool used[kMaxRank] = {};
  for (int i = 0; i < in.shape.rank; ++i) {
    int axis = 0;
    CYGNET_TRY(resolve_axis("permutation", integer_at(op.input(1), i), in.shape.rank, &axis));
    if (used[axis]) return bad_model("permutation: dimension %d is named twice", axis);
    used[axis] = true;
    shape.push(in.shape[axis]);
  }
  return op.set_output(0, shape);
}

Status prepare(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(Elements::prepare(op));
  auto* copy = op.make_state<StridedCopy>();
  if (copy == nullptr) return {};
  copy->element_bytes = std::max(type_bits(op.input(0).type) / 8, 1);
  for (int i = 0; i < in.rank; ++i) {
    const int64_t axis = integer_at(op.input(1), i);
    const int from = static_cast<int>(axis < 0 ? axis + in.rank : axis);
    copy->push(in[from], in.elements(from + 1, in.rank), 0);
  }
  copy->make_dense_output();
  return {};
}

Status invoke(OpContext& op) {
  Elements elements(op);
  if (op.output(0).shape.elements() == 0) return elements.finish();
  run_copy(op, op.state<StridedCopy>(), elements.in(0), elements.out());
  return elements.finish();
}

}  // namespace

extern const OpDef kTranspose;
const OpDef kTranspose = {
    .name = "TRANSPOSE",
    .builtin = 39,
    .max_version = 9,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::TransposeOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
