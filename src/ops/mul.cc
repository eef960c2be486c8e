// SPDX-License-Identifier: Apache-2.0
// MUL: a, b broadcast to one shape → act(a · b). Types f32, f16, int32, uint32, int64 (which wrap),
// int8, uint8, int16 (which wraps where there is no quantization), complex64 (no activation).
// Source: tensorflow/lite/kernels/mul.cc.
#include "ops/arithmetic.h"
#include "ops/fixed_point.h"

namespace cygnet::ops {
namespace {

struct MulState : BinaryState {
  Multiplier multiplier;
  ZipQ8 zip;
};

Status infer(OpContext& op) {
  return infer_binary(op,
                      {Type::float32, Type::float16, Type::int8, Type::uint8, Type::int16,
                       Type::int32, Type::uint32, Type::int64, Type::complex64},
                      op.input(0).type == Type::int16 ? Codes::either : Codes::real);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<MulState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(MulState));
  CYGNET_TRY(prepare_binary(op, op.options<schema::MulOptions>().fused_activation_function(), s));
  if (!s->on_codes) return {};
  const Quantization &a = op.input(0).quantization, &b = op.input(1).quantization,
                     &out = op.output(0).quantization;
  const double real = static_cast<double>(a.scale() * b.scale() / out.scale());
  CYGNET_TRY(quantize_multiplier(real, &s->multiplier));
  s->zip =
      zip_of_product(op.input(0), op.input(1), op.output(0), s->quantized.low, s->quantized.high);
  return {};
}

template <class T>
void plain_quantized(OpContext& op, const MulState& s) {
  const int32_t a_zero = op.input(0).quantization.zero_point(),
                b_zero = op.input(1).quantization.zero_point();
  const int32_t out_zero = op.output(0).quantization.zero_point();
  map_pairs<T>(op, s.broadcast, [&, a_zero, b_zero, out_zero](T a, T b) {
    const int64_t product = apply(s.multiplier, wrapping_mul<int32_t>(a - a_zero, b - b_zero));
    return std::clamp<int64_t>(product + out_zero, s.quantized.low, s.quantized.high);
  });
}

bool are_symmetric(const OpContext& op) {
  return op.input(0).quantization.zero_point() == 0 && op.input(1).quantization.zero_point() == 0 &&
         op.output(0).quantization.zero_point() == 0;
}

Status invoke(OpContext& op) {
  const auto& s = op.state<MulState>();
  if (!s.on_codes) {
    arithmetic(op, s, Arithmetic::mul);
    return {};
  }
  switch (op.output(0).type) {
    case Type::int16:
      if (op.reference() || !are_symmetric(op))
        plain_quantized<int16_t>(op, s);
      else
        invoke_s16(op, s,
                   {.op = ZipQ8Op::mul,
                    .a_scale = s.zip.a_scale,
                    .lo = s.quantized.low,
                    .hi = s.quantized.high});
      break;
    case Type::int8:
      if (op.reference())
        plain_quantized<int8_t>(op, s);
      else
        invoke_q8(op, s, s.zip);
      break;
    default:
      if (op.reference())
        plain_quantized<uint8_t>(op, s);
      else
        invoke_q8(op, s, s.zip);
  }
  return {};
}

}  // namespace

extern const OpDef kMul;
extern const OpDef kMul = {.name = "MUL",
                           .builtin = static_cast<int32_t>(schema::BuiltinOperator::MUL),
                           .max_version = 8,
                           .options_type = static_cast<uint8_t>(schema::BuiltinOptions::MulOptions),
                           .sharing = Sharing::elementwise,
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = infer,
                           .prepare = prepare,
                           .invoke = invoke,
                           .by_parts = any_part};

}  // namespace cygnet::ops
