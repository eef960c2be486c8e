// SPDX-License-Identifier: Apache-2.0
// Operators on rows of n elements along the last dimension, f32; x and y of one shape:
//   LOG_SOFTMAX                   y[i] = x[i] − log Σ_j e^x[j]
//   L2_NORMALIZATION              y[i] = x[i] / max(√(Σ_j x[j]²), 1e−6); fused activation NONE
//   LOCAL_RESPONSE_NORMALIZATION  y[i] = x[i] / (bias + alpha · Σ_j x[j]²)^beta over |i − j| ≤
//                                 radius; x: [N, H, W, C]. (TensorFlow Lite's reference kernel
//                                 leaves j = i + radius out; its ordinary kernel does not.)
// Sources: tensorflow/lite/kernels/activations.cc, l2norm.cc, local_response_norm.cc.
#include <algorithm>
#include <cmath>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer_rows(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  return op.set_output(0, x.shape);
}

// row(x, n, y) for each row.
template <class Row>
void each_last_row(OpContext& op, Row row) {
  const Shape& shape = op.input(0).shape;
  const int64_t n = shape[shape.rank - 1];
  const float* x = op.input(0).as<float>();
  float* y = op.output(0).as<float>();
  if (n == 0) return;
  op.parallel_for(shape.elements(0, shape.rank - 1), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end && !op.stopped(); ++i) row(x + i * n, n, y + i * n);
  });
}

// ---- LOG_SOFTMAX

Status invoke_log_softmax(OpContext& op) {
  each_last_row(op, [](const float* x, int64_t n, float* y) {
    const float most = *std::max_element(x, x + n);
    float sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
    const float log_sum = std::log(sum);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] - most - log_sum;
  });
  return {};
}

// ---- L2_NORMALIZATION

Status infer_l2(OpContext& op) {
  const auto activation = op.options<schema::L2NormOptions>().fused_activation_function();
  if (activation != schema::ActivationFunctionType::NONE)
    return Status::error(Code::unsupported, "fused activation %d is not supported",
                         static_cast<int>(activation));
  return infer_rows(op);
}

Status invoke_l2(OpContext& op) {
  each_last_row(op, [](const float* x, int64_t n, float* y) {
    float sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
    const float norm = std::max(std::sqrt(sum), 1e-6f);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] / norm;
  });
  return {};
}

// ---- LOCAL_RESPONSE_NORMALIZATION

Status infer_local_response(OpContext& op) {
  const auto& o = op.options<schema::LocalResponseNormalizationOptions>();
  CYGNET_TRY(expect_rank("input 0", op.input(0), 4));
  if (o.radius() < 0) return bad_model("radius: expected a number >= 0, got %d", o.radius());
  if (!std::isfinite(o.bias()) || !std::isfinite(o.alpha()) || !std::isfinite(o.beta()))
    return bad_model("bias, alpha, beta: expected finite numbers, got %g, %g, %g",
                     static_cast<double>(o.bias()), static_cast<double>(o.alpha()),
                     static_cast<double>(o.beta()));
  return infer_rows(op);
}

Status invoke_local_response(OpContext& op) {
  const auto& o = op.options<schema::LocalResponseNormalizationOptions>();
  const int64_t radius = o.radius();
  each_last_row(op, [&](const float* x, int64_t n, float* y) {
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

extern const OpDef kLogSoftmax;
extern const OpDef kLogSoftmax =
    definition("LOG_SOFTMAX", schema::BuiltinOperator::LOG_SOFTMAX,
               schema::BuiltinOptions::LogSoftmaxOptions, 2, infer_rows, invoke_log_softmax);
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
