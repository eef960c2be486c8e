// SPDX-License-Identifier: Apache-2.0
// DIV, FLOOR_DIV, FLOOR_MOD: a, b broadcast to one shape → act(a / b), ⌊a / b⌋, a − b·⌊a / b⌋.
// Types f32, int32 (DIV rounds towards zero); DIV also quantized int8, uint8, int16; FLOOR_DIV and
// FLOOR_MOD also int8, int16 (plain integers); FLOOR_MOD also int64. An integer divisor of 0 is an
// error of the run; the smallest integer divided by −1 wraps. Sources:
// tensorflow/lite/kernels/div.cc, floor_div.cc, floor_mod.cc, internal/reference/div.h.
#include <cmath>

#include "base/number.h"
#include "ops/arithmetic.h"
#include "ops/fixed_point_math.h"

namespace cygnet::ops {
namespace {

struct DivState : BinaryState {
  Multiplier multiplier;
  ZipQ8 zip;
};

Status infer_div(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32, Type::int8, Type::uint8, Type::int16});
}

Status infer_floor_div(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32, Type::int16, Type::int8}, Codes::plain);
}

Status infer_floor_mod(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32, Type::int64, Type::int16, Type::int8},
                      Codes::plain);
}

Status prepare_div(OpContext& op) {
  auto* s = op.make_state<DivState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(DivState));
  CYGNET_TRY(prepare_binary(op, op.options<schema::DivOptions>().fused_activation_function(), s));
  if (!s->on_codes) return {};
  const float a = op.input(0).quantization.scale(), b = op.input(1).quantization.scale(),
              out = op.output(0).quantization.scale();
  s->zip =
      zip_of_quotient(op.input(0), op.input(1), op.output(0), s->quantized.low, s->quantized.high);
  return quantize_multiplier(static_cast<double>(a / (b * out)), &s->multiplier);
}

template <class T>
T truncated(T a, T b) {
  return b == -1 ? wrapping_sub(T{0}, a) : static_cast<T>(a / b);
}

template <class T>
T floored(T a, T b) {
  if constexpr (std::is_same_v<T, float>)
    return std::floor(a / b);
  else {
    const T q = truncated(a, b);
    return b != -1 && a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
  }
}

// The remainder of the sign of b.
template <class T>
T floored_remainder(T a, T b) {
  T r{0};
  if constexpr (std::is_same_v<T, float>)
    r = std::fmod(a, b);
  else if (b != -1)
    r = static_cast<T>(a % b);
  return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
}

// a / b · m for b ≠ 0: a times the reciprocal of |b|, then times m, each rounded.
int64_t quantized_quotient(int32_t a, int32_t b, Multiplier m) {
  if (b < 0) a = -a, b = -b;
  int shift = 0;
  const int32_t inverse = reciprocal(b, 31, &shift).raw;
  const auto magnitude = static_cast<uint32_t>(a < 0 ? ~a : a);
  const int room = magnitude == 0 ? 31 : __builtin_clz(magnitude) - 1;  // redundant sign bits
  const auto shifted = static_cast<int32_t>(int64_t{a} * (int64_t{1} << room));
  const int32_t quotient = rounding_doubling_high_mul(shifted, inverse);
  const int exponent = m.shift - shift - room;
  const int64_t scaled = rounding_doubling_high_mul(quotient, m.multiplier);
  if (exponent > 0) return scaled * (int64_t{1} << std::min(exponent, 31));
  return exponent < -31 ? 0 : rounding_divide_by_power(static_cast<int32_t>(scaled), -exponent);
}

// An error where an integer divisor (less `zero`) is 0.
template <class T>
Status expect_divisors(const OpContext& op, int32_t zero) {
  if constexpr (std::is_integral_v<T>) {
    const T* b = op.input(1).as<T>();
    const T *end = b + op.input(1).shape.elements(), *at = std::find(b, end, static_cast<T>(zero));
    if (at != end)
      return Status::error(Code::invalid_argument,
                           "division by zero: element %lld of input 1 stands for 0",
                           static_cast<long long>(at - b));
  }
  return {};
}

// f(a, b) for all pairs.
template <class T, class F>
Status divide(OpContext& op, const Broadcast& broadcast, F f, int32_t zero = 0) {
  if (op.output(0).shape.elements() == 0) return {};
  CYGNET_TRY(expect_divisors<T>(op, zero));
  map_pairs<T>(op, broadcast, f);
  return {};
}

Status divide_fast(OpContext& op, const DivState& s) {
  if (op.output(0).shape.elements() == 0) return {};
  CYGNET_TRY(expect_divisors<uint8_t>(op, s.zip.b_zero));
  invoke_q8(op, s, s.zip);
  return {};
}

template <class T>
Status divide_quantized(OpContext& op, const DivState& s) {
  const int32_t a_zero = op.input(0).quantization.zero_point(),
                b_zero = op.input(1).quantization.zero_point();
  const int32_t out_zero = op.output(0).quantization.zero_point();
  const auto quotient = [&, a_zero, b_zero, out_zero](T a, T b) {
    const int64_t q = quantized_quotient(a - a_zero, b - b_zero, s.multiplier) + out_zero;
    return std::clamp<int64_t>(q, s.quantized.low, s.quantized.high);
  };
  return divide<T>(op, s.broadcast, quotient, b_zero);
}

Status invoke_div(OpContext& op) {
  const auto& s = op.state<DivState>();
  if (s.on_codes && type_bits(op.output(0).type) == 8 && !op.reference()) return divide_fast(op, s);
  switch (op.output(0).type) {
    case Type::float32:
      invoke_f32<ZipOp::div>(op, s);
      return {};
    case Type::int8:
      return divide_quantized<int8_t>(op, s);
    case Type::uint8:
      return divide_quantized<uint8_t>(op, s);
    case Type::int16:
      return divide_quantized<int16_t>(op, s);
    default:
      break;
  }
  return divide<int32_t>(op, s.broadcast,
                         [&](int32_t a, int32_t b) { return s.integer(truncated(a, b)); });
}

Status invoke_floor_div(OpContext& op) {
  Status status;
  with_type<float, int32_t, int16_t, int8_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    status = divide<T>(op, op.state<Broadcast>(), floored<T>);
  });
  return status;
}

Status invoke_floor_mod(OpContext& op) {
  Status status;
  with_type<float, int32_t, int64_t, int16_t, int8_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    status = divide<T>(op, op.state<Broadcast>(), floored_remainder<T>);
  });
  return status;
}

}  // namespace

extern const OpDef kDiv;
extern const OpDef kDiv = {.name = "DIV",
                           .builtin = static_cast<int32_t>(schema::BuiltinOperator::DIV),
                           .max_version = 2,
                           .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DivOptions),
                           .sharing = Sharing::elementwise,
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = infer_div,
                           .prepare = prepare_div,
                           .invoke = invoke_div,
                           .by_parts = [](const OpContext& op) {
                             return op.output(0).type == Type::float32;  // others may refuse
                           }};

extern const OpDef kFloorDiv;
extern const OpDef kFloorDiv = {
    .name = "FLOOR_DIV",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::FLOOR_DIV),
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FloorDivOptions),
    .sharing = Sharing::elementwise,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_floor_div,
    .prepare = prepare_broadcast,
    .invoke = invoke_floor_div};

extern const OpDef kFloorMod;
extern const OpDef kFloorMod = {
    .name = "FLOOR_MOD",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::FLOOR_MOD),
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FloorModOptions),
    .sharing = Sharing::elementwise,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_floor_mod,
    .prepare = prepare_broadcast,
    .invoke = invoke_floor_mod};

}  // namespace cygnet::ops
