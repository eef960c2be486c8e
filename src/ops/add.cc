// SPDX-License-Identifier: Apache-2.0
// ADD, SUB: a, b broadcast to one shape → act(a ± b). Types f32, int32, int64 (which wrap), int8,
// uint8, int16; ADD also f16 and int16 without quantization (which wraps). Quantized: the operands
// are brought to twice the larger of their scales with 20 bits (int16: 15) to spare, added, and
// brought to the result's scale. int16 with scales that are powers of two may be added after a
// shift. Sources: tensorflow/lite/kernels/add.cc, sub.cc.
#include <cmath>

#include "ops/arithmetic.h"
#include "ops/fixed_point.h"

namespace cygnet::ops {
namespace {

struct AddState : BinaryState {
  int left_shift = 20;
  Multiplier a, b, out;
  bool shifts_only = false;  // int16 with power-of-two scales
  int a_shift = 0, b_shift = 0;
  ZipQ8 zip;
};

template <bool kSubtract>
Status infer(OpContext& op) {
  if constexpr (kSubtract)
    return infer_binary(
        op, {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64});
  return infer_binary(op,
                      {Type::float32, Type::float16, Type::int8, Type::uint8, Type::int16,
                       Type::int32, Type::int64},
                      op.input(0).type == Type::int16 ? Codes::either : Codes::real);
}

struct Options {
  schema::ActivationFunctionType activation;
  bool pot_scale_int16;
};

template <bool kSubtract>
Options options_of(const OpContext& op) {
  if constexpr (kSubtract) {
    const auto& o = op.options<schema::SubOptions>();
    return {o.fused_activation_function(), o.pot_scale_int16()};
  } else {
    const auto& o = op.options<schema::AddOptions>();
    return {o.fused_activation_function(), o.pot_scale_int16()};
  }
}

// log2 of a scale that is a power of two.
bool exact_log2(float scale, int* log2) {
  *log2 = static_cast<int>(std::lround(std::log2(scale)));
  return std::ldexp(1.0f, *log2) == scale;
}

// Decides whether int16 operands are only shifted, as older converters wanted it.
Status prepare_shifts(OpContext& op, AddState* s) {
  int a = 0, b = 0, out = 0;
  if (!exact_log2(op.input(0).quantization.scale(), &a) ||
      !exact_log2(op.input(1).quantization.scale(), &b) ||
      !exact_log2(op.output(0).quantization.scale(), &out))
    return {};
  s->shifts_only = true;
  s->a_shift = out - a;
  s->b_shift = out - b;
  if ((s->a_shift == 0 || s->b_shift == 0) && s->a_shift >= 0 && s->b_shift >= 0 &&
      s->a_shift < 31 && s->b_shift < 31)
    return {};
  return bad_model(
      "INT16 scales 2^%d, 2^%d, 2^%d: expected one operand of the result's scale, and none above "
      "it",
      a, b, out);
}

Status prepare_quantized(OpContext& op, bool subtract, bool pot_scale_int16, AddState* s) {
  const Tensor &a = op.input(0), &b = op.input(1), &out = op.output(0);
  if (a.type == Type::int16) {
    if (a.quantization.zero_point() != 0 || b.quantization.zero_point() != 0 ||
        out.quantization.zero_point() != 0)
      return bad_model("INT16: expected zero points 0");
    s->left_shift = 15;
    if (pot_scale_int16) CYGNET_TRY(prepare_shifts(op, s));
    if (s->shifts_only) return {};
  }
  const double a_scale = static_cast<double>(a.quantization.scale()),
               b_scale = static_cast<double>(b.quantization.scale());
  const double out_scale = static_cast<double>(out.quantization.scale());
  const double twice_max = 2 * std::max(a_scale, b_scale);
  CYGNET_TRY(quantize_multiplier(a_scale / twice_max, &s->a));
  CYGNET_TRY(quantize_multiplier(b_scale / twice_max, &s->b));
  CYGNET_TRY(
      quantize_multiplier(twice_max / (std::ldexp(1.0, s->left_shift) * out_scale), &s->out));
  if (s->out.shift > 0)
    return bad_model("T9: output 0: scale %g is too small for the operands' scales", out_scale);
  s->zip = zip_of_sum(a, b, out, subtract, s->quantized.low, s->quantized.high);
  return {};
}

template <bool kSubtract>
Status prepare(OpContext& op) {
  auto* s = op.make_state<AddState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(AddState));
  const Options options = options_of<kSubtract>(op);
  CYGNET_TRY(prepare_binary(op, options.activation, s));
  if (!s->on_codes) return {};
  return prepare_quantized(op, kSubtract, options.pot_scale_int16, s);
}

template <class T, bool kSubtract>
void plain_quantized(OpContext& op, const AddState& s) {
  const int32_t a_zero = op.input(0).quantization.zero_point(),
                b_zero = op.input(1).quantization.zero_point();
  const int32_t out_zero = op.output(0).quantization.zero_point();
  map_pairs<T>(op, s.broadcast, [&, a_zero, b_zero, out_zero](T a, T b) {
    const int32_t x = apply(s.a, (a - a_zero) * (1 << s.left_shift));
    const int32_t y = apply(s.b, (b - b_zero) * (1 << s.left_shift));
    const int32_t sum = kSubtract ? x - y : x + y;
    return s.quantized(apply(s.out, sum) + out_zero);
  });
}

template <bool kSubtract>
void plain_shifts(OpContext& op, const AddState& s) {
  map_pairs<int16_t>(op, s.broadcast, [&](int16_t a, int16_t b) {
    const int32_t x = rounding_divide_by_power(a, s.a_shift),
                  y = rounding_divide_by_power(b, s.b_shift);
    return s.quantized(std::clamp(kSubtract ? x - y : x + y, -32768, 32767));
  });
}

template <bool kSubtract>
Status invoke(OpContext& op) {
  const auto& s = op.state<AddState>();
  if (!s.on_codes) {
    arithmetic(op, s, kSubtract ? Arithmetic::sub : Arithmetic::add);
    return {};
  }
  switch (op.output(0).type) {
    case Type::int16:
      if (s.shifts_only)
        plain_shifts<kSubtract>(op, s);
      else if (!op.reference())
        invoke_s16(op, s,
                   {.op = ZipQ8Op::add,
                    .a_scale = s.zip.a_scale,
                    .b_scale = s.zip.b_scale,
                    .lo = s.quantized.low,
                    .hi = s.quantized.high});
      else
        plain_quantized<int16_t, kSubtract>(op, s);
      break;
    case Type::int8:
      if (op.reference())
        plain_quantized<int8_t, kSubtract>(op, s);
      else
        invoke_q8(op, s, s.zip);
      break;
    default:
      if (op.reference())
        plain_quantized<uint8_t, kSubtract>(op, s);
      else
        invoke_q8(op, s, s.zip);
  }
  return {};
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*prepare)(OpContext&),
                           Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke,
          .by_parts = any_part};
}

}  // namespace

extern const OpDef kAdd;
extern const OpDef kAdd =
    definition("ADD", schema::BuiltinOperator::ADD, schema::BuiltinOptions::AddOptions, 6,
               infer<false>, prepare<false>, invoke<false>);
extern const OpDef kSub;
extern const OpDef kSub =
    definition("SUB", schema::BuiltinOperator::SUB, schema::BuiltinOptions::SubOptions, 5,
               infer<true>, prepare<true>, invoke<true>);

}  // namespace cygnet::ops
