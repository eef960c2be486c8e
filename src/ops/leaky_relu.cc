// SPDX-License-Identifier: Apache-2.0
// LEAKY_RELU: y = x < 0 ? alpha·x : x. Types f32, int8, uint8, int16; x and y may differ in scale.
// Source: tensorflow/lite/kernels/activations.cc, internal/reference/leaky_relu.h.
#include <cmath>

#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct LeakyReluState {
  Multiplier above, below;  // input scale / output scale, the same times alpha
  Table8 table;
};

Status infer(OpContext& op) {
  const float alpha = op.options<schema::LeakyReluOptions>().alpha();
  if (!std::isfinite(alpha))
    return bad_model("alpha: expected a finite number, got %g", static_cast<double>(alpha));
  return infer_unary(op, {Type::float32, Type::int8, Type::uint8, Type::int16});
}

int32_t requantized(const Tensor& x, const Tensor& y, const LeakyReluState& s, int32_t q) {
  const int32_t value = q - x.quantization.zero_point();
  const int64_t scaled = apply(value >= 0 ? s.above : s.below, value);
  const int64_t low = y.type == Type::int16 ? -32768 : y.type == Type::int8 ? -128 : 0;
  const int64_t high = y.type == Type::int16 ? 32767 : low + 255;
  return static_cast<int32_t>(std::clamp(scaled + y.quantization.zero_point(), low, high));
}

Status prepare(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  if (x.type == Type::float32) return {};
  auto* s = op.make_state<LeakyReluState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(LeakyReluState));
  const float alpha = op.options<schema::LeakyReluOptions>().alpha();
  const float below = x.quantization.scale() * std::fabs(alpha) / y.quantization.scale();
  CYGNET_TRY(quantize_multiplier(static_cast<double>(below), &s->below));
  if (alpha < 0) s->below.multiplier = -s->below.multiplier;
  const float above = x.quantization.scale() / y.quantization.scale();
  CYGNET_TRY(quantize_multiplier(static_cast<double>(above), &s->above));
  if (x.type != Type::int16)
    fill_table(
        x.type, [&](int q) { return requantized(x, y, *s, q); }, &s->table);
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  if (x.type == Type::float32) {
    const float alpha = op.options<schema::LeakyReluOptions>().alpha();
    map_f32(op, MapOp::leaky_relu, {.alpha = alpha},
            [&](float v) { return v < 0.0f ? alpha * v : v; });
    return {};
  }
  const auto& s = op.state<LeakyReluState>();
  if (x.type != Type::int16)
    apply_table(op, s.table);
  else
    map_elements<int16_t>(
        op, [&](int16_t q) { return static_cast<int16_t>(requantized(x, op.output(0), s, q)); });
  return {};
}

}  // namespace

extern const OpDef kLeakyRelu;
extern const OpDef kLeakyRelu = {
    .name = "LEAKY_RELU",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::LEAKY_RELU),
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::LeakyReluOptions),
    .sharing = Sharing::elementwise,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .by_parts = any_part};

}  // namespace cygnet::ops
