// SPDX-License-Identifier: Apache-2.0
// NumericVerify, the custom operator of TensorFlow's quantization debugger: x (int8, uint8 or int16
// with scales), reference (f32, x's shape) → f32: the real number of each element of x less the
// reference.
//   options (FlexBuffers map): log_if_failed, tolerance: with log_if_failed and a tolerance of at
//   least 0.1 a difference above tolerance · scale (of the first channel) is an error
// Source: tensorflow/lite/kernels/numeric_verify.cc.
#include "ops/dequantize.h"
#include "ops/flex_map.h"
#include "ops/unary.h"

namespace cygnet::ops {
namespace {

struct VerifyState {
  float most;  // largest difference that is no error; infinite: any
};

Status read_most(const OpContext& op, float* most) {
  FlexMap options;
  double tolerance = 0;
  int64_t checks = 0;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &options));
  if (!options.find("tolerance").real(&tolerance) || !std::isfinite(tolerance))
    return bad_model("C10: tolerance: expected a finite number in the options");
  if (!options.find("log_if_failed").integer(&checks))
    return bad_model("C10: log_if_failed: expected a truth value in the options");
  *most = checks != 0 && tolerance >= 0.1
              ? static_cast<float>(tolerance) * op.input(0).quantization.scale()
              : std::numeric_limits<float>::infinity();
  return {};
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::int8, Type::uint8, Type::int16}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_scales(x));
  CYGNET_TRY(expect_shape("input 1", op.input(1), x.shape));
  float most = 0;
  CYGNET_TRY(read_most(op, &most));
  return op.set_output(0, x.shape);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<VerifyState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(VerifyState));
  return read_most(op, &s->most);
}

Status invoke(OpContext& op) {
  const float* reference = op.input(1).as<float>();
  float* y = op.output(0).as<float>();
  each_piece(op, [&](int64_t at, int64_t n) {
    dequantize_elements(op.input(0), at, n, y + at);
    for (int64_t i = at; i < at + n; ++i) y[i] -= reference[i];
  });
  const float most = op.state<VerifyState>().most;
  for (int64_t i = 0, n = op.output(0).shape.elements(); i < n; ++i)
    if (std::fabs(y[i]) > most)
      return Status::error(Code::invalid_argument, "element %lld is %g off, more than %g",
                           static_cast<long long>(i), static_cast<double>(y[i]),
                           static_cast<double>(most));
  return {};
}

}  // namespace

extern const OpDef kNumericVerify;
extern const OpDef kNumericVerify = {.name = "NumericVerify",
                                     .min_inputs = 2,
                                     .max_inputs = 2,
                                     .infer = infer,
                                     .prepare = prepare,
                                     .invoke = invoke};

}  // namespace cygnet::ops
