// SPDX-License-Identifier: Apache-2.0
// HARD_SWISH: y = x · min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019).
// Types f32, int8, uint8; the 8-bit arithmetic runs in 16 bits at 128 times the input's resolution.
// Source: tensorflow/lite/kernels/internal/reference/hard_swish.h.
#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

int16_t saturate16(int64_t x) {
  return static_cast<int16_t>(std::clamp<int64_t>(x, -32768, 32767));
}

// High half of 2·a·b, rounded (halves up) or not.
int16_t doubling_high_mul(int16_t a, int16_t b, bool rounded) {
  if (a == b && a == -32768) return 32767;
  const int32_t product = int32_t{a} * b;
  if (!rounded) return static_cast<int16_t>(product / (1 << 15));
  const int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return static_cast<int16_t>((product + nudge) / (1 << 15));
}

int16_t reduce_multiplier(int32_t m) {
  return m >= std::numeric_limits<int32_t>::max() - (1 << 15)
             ? int16_t{32767}
             : static_cast<int16_t>((m + (1 << 15)) >> 16);
}

struct Scales {
  Multiplier out;      // to the output, before its shift
  Multiplier reluish;  // to x/3 in 15 fractional bits
};

int16_t power_of_two(int16_t x, int exponent) {
  if (exponent < 0) return static_cast<int16_t>(rounding_divide_by_power(x, -exponent));
  return saturate16(int64_t{x} * (int64_t{1} << exponent));
}

// The gate x → min(max(x/6 + 1/2, 0), 1), 15 fractional bits, from x in 128ths of the input's
// scale.
int16_t gate(int16_t hires, const Multiplier& m) {
  // The doubling of the multiplication is part of the exponent: it is applied last, where it
  // saturates.
  int16_t v = hires;
  if (m.shift > 0) v = power_of_two(v, m.shift - 1);
  v = doubling_high_mul(v, reduce_multiplier(m.multiplier), true);
  if (m.shift > 0) v = power_of_two(v, 1);
  if (m.shift < 0) v = power_of_two(v, m.shift);
  return static_cast<int16_t>((v + (1 << 15)) >> 1);
}

int quantized(int q, const Tensor& x, const Tensor& y, const Scales& s) {
  const auto hires = static_cast<int16_t>((q - x.quantization.zero_point()) * 128);
  const int16_t scaled = doubling_high_mul(hires, reduce_multiplier(s.out.multiplier), true);
  const int16_t product = doubling_high_mul(gate(hires, s.reluish), scaled, false);
  const int result = rounding_divide_by_power(product, -s.out.shift) + y.quantization.zero_point();
  const int low = y.type == Type::int8 ? -128 : 0;
  return std::clamp(static_cast<int>(saturate16(result)), low, low + 255);
}

Status infer(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int8, Type::uint8});
}

Status prepare(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  if (x.type == Type::float32) return {};
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  const float hires_scale = (1.0f / 128.0f) * x.quantization.scale();
  Scales s;
  CYGNET_TRY(
      quantize_multiplier(static_cast<double>(hires_scale / y.quantization.scale()), &s.out));
  CYGNET_TRY(quantize_multiplier(static_cast<double>(hires_scale / (3.0f / 32768.0f)), &s.reluish));
  if (s.out.shift > 0 || s.reluish.shift > 16)
    return bad_model("T9: scales %g and %g are too far apart",
                     static_cast<double>(x.quantization.scale()),
                     static_cast<double>(y.quantization.scale()));
  fill_table(
      x.type, [&](int q) { return quantized(q, x, y, s); }, table);
  return {};
}

Status invoke(OpContext& op) {
  if (op.input(0).type == Type::float32)
    map_f32(op, MapOp::hard_swish, {},
            [](float x) { return x * std::min(std::max(x + 3.0f, 0.0f), 6.0f) / 6.0f; });
  else
    apply_table(op, op.state<Table8>());
  return {};
}

}  // namespace

extern const OpDef kHardSwish;
extern const OpDef kHardSwish = {
    .name = "HARD_SWISH",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::HARD_SWISH),
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::HardSwishOptions),
    .sharing = Sharing::elementwise,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .by_parts = any_part};

}  // namespace cygnet::ops
