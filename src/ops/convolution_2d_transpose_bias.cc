// SPDX-License-Identifier: Apache-2.0
// Convolution2DTransposeBias, MediaPipe's custom operator: x [N, H, W, C], filter [M, KH, KW, C],
// bias [M] (optional) → y, the transpose of a convolution (transposed.h), of H·sh × W·sw (SAME) or
// (H − 1)·sh + KH × (W − 1)·sw + KW (VALID). f32.
// Source: MediaPipe, util/tflite/operations/transpose_conv_bias.cc.
#include <cstring>

#include "ops/transposed.h"

namespace cygnet::ops {
namespace {

TransposedOperands operands(const OpContext& op) {
  return {op.input(0), op.input(1), op.input_or_null(2)};
}

// What its custom options hold, in this order.
struct CustomOptions {
  int32_t padding, stride_w, stride_h;
};

Status geometry_of(const OpContext& op, ConvGeometry* g) {
  CustomOptions options;
  if (op.custom_options().size() < sizeof(options))
    return bad_model("C10: expected %zu bytes of options, got %zu", sizeof(options),
                     op.custom_options().size());
  std::memcpy(&options, op.custom_options().data(), sizeof(options));
  constexpr int32_t kSame = 1, kValid = 2;
  if (options.padding != kSame && options.padding != kValid)
    return bad_model("C9: padding: expected 1 (SAME) or 2 (VALID), got %d", options.padding);
  CYGNET_TRY(expect_range("stride", options.stride_w, 1, 1 << 16));
  CYGNET_TRY(expect_range("stride", options.stride_h, 1, 1 << 16));
  const TransposedOperands in = operands(op);
  const auto size = [&](int64_t n, int64_t stride, int64_t filter) {
    return options.padding == kSame ? n * stride : (n - 1) * stride + filter;
  };
  const int64_t h = size(in.x.shape[1], options.stride_h, in.filter.shape[1]),
                w = size(in.x.shape[2], options.stride_w, in.filter.shape[2]);
  if (h > INT32_MAX || w > INT32_MAX)
    return bad_model("T3: an output of %lld x %lld is too large", static_cast<long long>(h),
                     static_cast<long long>(w));
  return transposed_geometry(
      in, options.padding == kSame ? schema::Padding::SAME : schema::Padding::VALID,
      options.stride_h, options.stride_w, static_cast<int32_t>(h), static_cast<int32_t>(w), g);
}

Status infer(OpContext& op) {
  const TransposedOperands in = operands(op);
  CYGNET_TRY(expect_type("input 0", in.x, {Type::float32}));
  CYGNET_TRY(expect_type("input 1", in.filter, {Type::float32}));
  CYGNET_TRY(check_transposed(op, in));
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, &g));
  return op.set_output(0, {in.x.shape[0], g.h.in, g.w.in, in.filter.shape[0]});
}

Status prepare(OpContext& op) {
  ConvGeometry g;
  CYGNET_TRY(geometry_of(op, &g));
  return prepare_transposed(op, operands(op), g, schema::ActivationFunctionType::NONE);
}

Status invoke(OpContext& op) {
  return invoke_transposed(op, operands(op));
}

int64_t macs(const OpContext& op) {
  return transposed_macs(operands(op));
}

}  // namespace

extern const OpDef kConvolution2dTransposeBias;
extern const OpDef kConvolution2dTransposeBias = {.name = "Convolution2DTransposeBias",
                                                  .min_inputs = 2,
                                                  .max_inputs = 3,
                                                  .optional_inputs = 0b100,
                                                  .infer = infer,
                                                  .prepare = prepare,
                                                  .invoke = invoke,
                                                  .macs = macs};

}  // namespace cygnet::ops
