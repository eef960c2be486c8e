// SPDX-License-Identifier: Apache-2.0
// TRANSPOSE_CONV: output shape [4] (int32), filter [M, KH, KW, C], x [N, H, W, C], bias [M]
// (optional) → y [N, OH, OW, M]: the transpose of the convolution from OH × OW to H × W, see
// transposed.h. Types as CONV_2D. Source: tensorflow/lite/kernels/transpose_conv.cc.
#include "ops/transposed.h"

namespace cygnet::ops {
namespace {

TransposedOperands operands(const OpContext& op) {
  return {op.input(2), op.input(1), op.input_or_null(3)};
}

Status geometry_of(const OpContext& op, int32_t out_h, int32_t out_w, ConvGeometry* g) {
  const auto& options = op.options<schema::TransposeConvOptions>();
  return transposed_geometry(operands(op), options.padding(), options.stride_h(),
                             options.stride_w(), out_h, out_w, g);
}

Status infer(OpContext& op) {
  const TransposedOperands in = operands(op);
  const Tensor& shape = op.input(0);
  CYGNET_TRY(expect_type("input 0", shape, {Type::int32}));
  CYGNET_TRY(expect_rank("input 0", shape, 1));
  CYGNET_TRY(expect_elements("input 0", shape, 4));
  CYGNET_TRY(check_transposed(op, in));
  if (!op.known(0)) return op.defer();
  const int32_t* y = shape.as<int32_t>();
  if (y[0] != in.x.shape[0] || y[3] != in.filter.shape[0])
    return bad_model("input 0: expected batch %d and %d channels, got %d and %d", in.x.shape[0],
                     in.filter.shape[0], y[0], y[3]);
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, y[1], y[2], &g));
  return op.set_output(0, {y[0], y[1], y[2], y[3]});
}

Status prepare(OpContext& op) {
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, op.output(0).shape[1], op.output(0).shape[2], &g));
  const auto activation = op.options<schema::TransposeConvOptions>().fused_activation_function();
  return prepare_transposed(op, operands(op), g, activation);
}

Status invoke(OpContext& op) {
  return invoke_transposed(op, operands(op));
}

int64_t macs(const OpContext& op) {
  return transposed_macs(operands(op));
}

}  // namespace

extern const OpDef kTransposeConv;
extern const OpDef kTransposeConv = {
    .name = "TRANSPOSE_CONV",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::TRANSPOSE_CONV),
    .max_version = 5,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::TransposeConvOptions),
    .min_inputs = 3,
    .max_inputs = 4,
    .optional_inputs = 0b1000,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .macs = macs};

}  // namespace cygnet::ops
