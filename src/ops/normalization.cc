// SPDX-License-Identifier: Apache-2.0
// Operators on rows of n elements along the last dimension; x and y of one shape:
//   L2_NORMALIZATION              y[i] = x[i] / max(√(Σ_j x[j]²), 1e−6); fused activation NONE.
//                                 f32; int8 and uint8, whose result has scale 1/128 and zero point
//                                 0 and 128
//   LOCAL_RESPONSE_NORMALIZATION  f32: y[i] = x[i] / (bias + alpha · Σ_j x[j]²)^beta over |i − j| ≤
//                                 radius; x: [N, H, W, C]. (TensorFlow Lite's reference kernel
//                                 leaves j = i + radius out; its ordinary kernel does not.)
// Sources: tensorflow/lite/kernels/l2norm.cc, local_response_norm.cc,
// internal/reference/integer_ops/l2normalization.h.
#include <algorithm>
#include <cmath>

#include "ops/check.h"
#include "ops/fixed_point_math.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// row(x, n, y) for each row of elements of T.
template <class T, class Row>
void each_last_row(OpContext& op, Row row) {
  const Shape& shape = op.input(0).shape;
  const int64_t n = shape[shape.rank - 1];
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  op.parallel_for(shape.elements(0, shape.rank - 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end && !op.stopped(); ++i) row(x + i * n, n, y + i * n);
  });
}

// ---- L2_NORMALIZATION

Status infer_l2(OpContext& op) {
  const auto activation = op.options<schema::L2NormOptions>().fused_activation_function();
  if (activation != schema::ActivationFunctionType::NONE)
    return Status::error(Code::unsupported, "fused activation %d is not supported",
                         static_cast<int>(activation));
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::uint8}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", y));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  if (x.shape[x.shape.rank - 1] < 1)
    return bad_model("input 0: expected a last dimension >= 1, got %s", shape_text(x.shape).text);
  if (x.type != Type::float32) {
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    const int32_t zero = y.type == Type::int8 ? 0 : 128;
    if (y.quantization.scale() != 1.0f / 128 || y.quantization.zero_point() != zero)
      return bad_model("output 0: expected scale 1/128 and zero point %d, got %g and %d", zero,
                       static_cast<double>(y.quantization.scale()), y.quantization.zero_point());
  }
  return op.set_output(0, x.shape);
}

void l2_row(const float* x, int64_t n, float* y) {
  float sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float norm = std::max(std::sqrt(sum), 1e-6f);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] / norm;
}

// Fixed point, as the reference: 128 / norm times each difference. The sum of squares saturates.
// int8 shifts by 7 bits where uint8 multiplies by 128; both round in their own way.
template <class T>
void l2_row_q8(const T* x, int64_t n, int32_t zero, T* y) {
  int64_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += int64_t{x[i] - zero} * (x[i] - zero);
  Multiplier inverse = inverse_square_root(saturate<int32_t>(sum));
  constexpr bool kSigned = std::is_signed_v<T>;
  if (kSigned) inverse.shift += 7;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t q =
        kSigned ? apply(inverse, x[i] - zero) : 128 + apply(inverse, 128 * (x[i] - zero));
    y[i] = saturate<T>(q);
  }
}

Status invoke_l2(OpContext& op) {
  const Tensor& x = op.input(0);
  const int32_t zero = x.quantization.zero_point();
  if (x.type == Type::float32)
    each_last_row<float>(op, l2_row);
  else if (x.type == Type::int8)
    each_last_row<int8_t>(
        op, [&](const int8_t* row, int64_t n, int8_t* y) { l2_row_q8(row, n, zero, y); });
  else
    each_last_row<uint8_t>(
        op, [&](const uint8_t* row, int64_t n, uint8_t* y) { l2_row_q8(row, n, zero, y); });
  return {};
}

// ---- LOCAL_RESPONSE_NORMALIZATION

Status infer_local_response(OpContext& op) {
  const auto& o = op.options<schema::LocalResponseNormalizationOptions>();
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_rank("input 0", x, 4));
  if (o.radius() < 0) return bad_model("radius: expected a number >= 0, got %d", o.radius());
  if (!std::isfinite(o.bias()) || !std::isfinite(o.alpha()) || !std::isfinite(o.beta()))
    return bad_model("bias, alpha, beta: expected finite numbers, got %g, %g, %g",
                     static_cast<double>(o.bias()), static_cast<double>(o.alpha()),
                     static_cast<double>(o.beta()));
  return op.set_output(0, x.shape);
}

Status invoke_local_response(OpContext& op) {
  const auto& o = op.options<schema::LocalResponseNormalizationOptions>();
  const int64_t radius = o.radius();
  each_last_row<float>(op, [&](const float* x, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t first = std::max<int64_t>(i - radius, 0), end = std::min(i + radius + 1, n);
      float sum = 0;
      for (int64_t j = first; j < end; ++j) sum += x[j] * x[j];
      y[i] = x[i] * std::pow(o.bias() + o.alpha() * sum, -o.beta());
    }
  });
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .infer = infer,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kL2Normalization;
extern const OpDef kL2Normalization =
    definition("L2_NORMALIZATION", schema::BuiltinOperator::L2_NORMALIZATION,
               schema::BuiltinOptions::L2NormOptions, 2, infer_l2, invoke_l2);
extern const OpDef kLocalResponseNormalization;
extern const OpDef kLocalResponseNormalization = definition(
    "LOCAL_RESPONSE_NORMALIZATION", schema::BuiltinOperator::LOCAL_RESPONSE_NORMALIZATION,
    schema::BuiltinOptions::LocalResponseNormalizationOptions, 1, infer_local_response,
    invoke_local_response);

}  // namespace cygnet::ops
