// SPDX-License-Identifier: Apache-2.0
// FAKE_QUANT: x rounded to the values that num_bits hold between min and max.
//   input 0: f32, any shape; output 0: alike
//   options: min < max, num_bits 2..16, narrow_range: the lowest of the 2^num_bits codes is not
//   used
// Codes q = q_low … q_high; scale = (max − min)/(q_high − q_low); both limits move so that 0 has a
// code of its own. y = round((clamp(x) − low)/scale)·scale + low.
// Source: tensorflow/lite/kernels/fake_quant.cc.
#include <cmath>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct Steps {
  float low, high, scale;
};

Steps steps_of(const OpContext& op) {
  const auto& o = op.options<schema::FakeQuantOptions>();
  const float first = o.narrow_range() ? 1.0f : 0.0f;
  const auto last = static_cast<float>((1 << o.num_bits()) - 1);
  const float scale = (o.max() - o.min()) / (last - first);
  const float zero = first - o.min() / scale;
  const float code = zero < first ? first : zero > last ? last : std::round(zero);
  return {(first - code) * scale, (last - code) * scale, scale};
}

Status infer(OpContext& op) {
  const auto& o = op.options<schema::FakeQuantOptions>();
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  CYGNET_TRY(expect_range("num_bits", o.num_bits(), 2, 16));
  if (!std::isfinite(o.min()) || !std::isfinite(o.max()) || !(o.min() < o.max()) ||
      !std::isnormal(o.max() - o.min()))
    return bad_model("expected min < max, got %g and %g", static_cast<double>(o.min()),
                     static_cast<double>(o.max()));
  return op.set_output(0, op.input(0).shape);
}

Status invoke(OpContext& op) {
  const Steps s = steps_of(op);
  const float inverse = 1 / s.scale;
  const float* x = op.input(0).as<float>();
  float* y = op.output(0).as<float>();
  op.parallel_for(op.input(0).shape.elements(), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const float inside = std::fmin(s.high, std::fmax(s.low, x[i]));
      y[i] = std::round((inside - s.low) * inverse) * s.scale + s.low;
    }
  });
  return {};
}

}  // namespace

extern const OpDef kFakeQuant;
const OpDef kFakeQuant = {
    .name = "FAKE_QUANT",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::FAKE_QUANT),
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FakeQuantOptions),
    .sharing = Sharing::elementwise,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
