// SPDX-License-Identifier: Apache-2.0
// DENSIFY: a sparse constant x → y, the same tensor with its zeros. Types f32, f16, int8.
// The planner makes every sparse constant dense before an operator sees it (graph/sparsity.h), so
// that what is left here is a copy. Source: tensorflow/lite/kernels/densify.cc.
#include <cstring>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::float16, Type::int8}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  if (!x.constant) return bad_model("input 0: expected a constant");
  return op.set_output(0, x.shape);
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes > 0) std::memcpy(op.output(0).data, op.input(0).data, op.output(0).bytes);
  return {};
}

}  // namespace

extern const OpDef kDensify;
extern const OpDef kDensify = {
    .name = "DENSIFY",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::DENSIFY),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DensifyOptions),
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
