// SPDX-License-Identifier: Apache-2.0
// Operators on two operands a, b that broadcast to one shape and share one type:
//   MAXIMUM, MINIMUM     f32, f16, bf16, int8, uint8, int16, int32, int64; quantized tensors all
//                        have the same scale and zero point
//   SQUARED_DIFFERENCE   (a − b)²; f32, int32 (which wraps), quantized int8
//   POW                  a to the power of b; f32, int32 (which wraps). A negative int32 exponent
//                        is an error of the run, as in TensorFlow Lite
//   ATAN2                angle of the point (b, a); f32, f16, bf16, f64
// Sources: tensorflow/lite/kernels/maximum_minimum.cc, squared_difference.cc, pow.cc, atan2.cc.
#include <atomic>
#include <cmath>
#include <limits>

#include "base/number.h"
#include "ops/arithmetic.h"
#include "ops/fixed_point.h"

namespace cygnet::ops {
namespace {

template <class T, class F>
void map_pairs_of(OpContext& op, F f) {
  map_pairs<T>(op, op.state<Broadcast>(), f);
}

// ---- MAXIMUM, MINIMUM

Status infer_most(OpContext& op) {
  return infer_binary(op,
                      {Type::float32, Type::float16, Type::bfloat16, Type::int8, Type::uint8,
                       Type::int16, Type::int32, Type::int64},
                      Codes::same);
}

Status prepare_most(OpContext& op) {
  auto* s = op.make_state<BinaryState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BinaryState));
  return prepare_binary(op, schema::ActivationFunctionType::NONE, s);
}

template <bool kMax>
Status invoke_most(OpContext& op) {
  arithmetic(op, op.state<BinaryState>(), kMax ? Arithmetic::max : Arithmetic::min);
  return {};
}

// ---- SQUARED_DIFFERENCE

// The operands at twice the larger of their scales with 7 bits to spare, and what brings the square
// of their difference to the result's scale.
struct DifferenceState : BinaryState {
  Multiplier a, b, out;
  ZipQ8 zip;
};
constexpr int kSpareBits = 7;

Status infer_squared_difference(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32, Type::int8});
}

Status prepare_squared_difference(OpContext& op) {
  auto* s = op.make_state<DifferenceState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(DifferenceState));
  CYGNET_TRY(prepare_binary(op, schema::ActivationFunctionType::NONE, s));
  if (op.input(0).type != Type::int8) return {};
  const auto scale = [](const Tensor& t) { return static_cast<double>(t.quantization.scale()); };
  const double a = scale(op.input(0)), b = scale(op.input(1)), twice_max = 2 * std::max(a, b);
  const double out = std::ldexp(scale(op.output(0)), 2 * kSpareBits);
  CYGNET_TRY(quantize_multiplier(a / twice_max, &s->a));
  CYGNET_TRY(quantize_multiplier(b / twice_max, &s->b));
  CYGNET_TRY(quantize_multiplier(twice_max * twice_max / out, &s->out));
  const double root = std::sqrt(scale(op.output(0)));
  s->zip = {.op = ZipQ8Op::squared_difference,
            .flip = 0x80,
            .a_zero = op.input(0).quantization.zero_point(),
            .b_zero = op.input(1).quantization.zero_point(),
            .zero_point = op.output(0).quantization.zero_point(),
            .lo = -128,
            .hi = 127};
  set_sum_scales(a / root, -b / root, &s->zip);
  if (s->out.shift <= 0) return {};
  return bad_model("T9: output 0: scale %g is too small for the operands' scales",
                   scale(op.output(0)));
}

// |a − b| < 2^16 at 7 spare bits, half of it after scaling: the square fits 31 bits.
void squared_difference_q8(OpContext& op) {
  const auto& s = op.state<DifferenceState>();
  const int32_t a_zero = op.input(0).quantization.zero_point(),
                b_zero = op.input(1).quantization.zero_point();
  const int32_t out_zero = op.output(0).quantization.zero_point();
  map_pairs<int8_t>(op, s.broadcast, [&, a_zero, b_zero, out_zero](int8_t a, int8_t b) {
    const int32_t difference =
        apply(s.a, (a - a_zero) * (1 << kSpareBits)) - apply(s.b, (b - b_zero) * (1 << kSpareBits));
    return std::clamp(apply(s.out, difference * difference) + out_zero, -128, 127);
  });
}

// By kernels: f32 and int8.
void squared_difference_runs(OpContext& op) {
  const auto& s = op.state<DifferenceState>();
  const KernelTable& table = kernels();
  if (op.output(0).type == Type::int8) return invoke_q8(op, s, s.zip);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  each_run(op, s, op.input(0).as<float>(), op.input(1).as<float>(), op.output(0).as<float>(),
           [&](ZipShape shape, const float* a, const float* b, int64_t n, float* out) {
             table.zip_f32(ZipOp::sub, shape, a, b, n, out, -kInfinity, kInfinity);
             table.map_f32(MapOp::square, out, n, out, {});
           });
}

Status invoke_squared_difference(OpContext& op) {
  const Broadcast& bc = op.state<DifferenceState>().broadcast;
  if (!op.reference() && op.output(0).type != Type::int32)
    squared_difference_runs(op);
  else if (op.output(0).type == Type::float32)
    map_pairs<float>(op, bc, [](float a, float b) { return (a - b) * (a - b); });
  else if (op.output(0).type == Type::int8)
    squared_difference_q8(op);
  else
    map_pairs<int32_t>(op, bc, [](int32_t a, int32_t b) {
      const int32_t d = wrapping_sub(a, b);
      return wrapping_mul(d, d);
    });
  return {};
}

// ---- ATAN2

Status infer_atan2(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::float16, Type::bfloat16, Type::float64});
}

Status invoke_atan2(OpContext& op) {
  with_type<float, Half, BFloat16, double>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
    map_pairs_of<T>(op, [](T a, T b) { return std::atan2(Real{a}, Real{b}); });
  });
  return {};
}

// ---- POW

// base^exponent by squaring; exponent ≥ 0.
int32_t integer_power(int32_t base, int32_t exponent) {
  int32_t result = 1;
  for (; exponent > 0; exponent >>= 1, base = wrapping_mul(base, base))
    if (exponent & 1) result = wrapping_mul(result, base);
  return result;
}

Status infer_pow(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32});
}

Status invoke_pow(OpContext& op) {
  if (op.output(0).type == Type::float32) {
    map_pairs_of<float>(op, [](float a, float b) { return std::pow(a, b); });
    return {};
  }
  std::atomic<bool> negative{false};
  map_pairs_of<int32_t>(op, [&](int32_t a, int32_t b) {
    if (b < 0) negative.store(true, std::memory_order_relaxed);
    return integer_power(a, b);
  });
  if (!negative.load()) return {};
  return Status::error(Code::invalid_argument,
                       "input 1: expected integer exponents >= 0, found a negative one");
}

using Builtin = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;

constexpr OpDef definition(const char* name, Builtin builtin, Options options, int32_t max_version,
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
          .by_parts = builtin == Builtin::POW ? nullptr : any_part};  // POW may refuse
}

}  // namespace

extern const OpDef kMaximum;
extern const OpDef kMaximum =
    definition("MAXIMUM", Builtin::MAXIMUM, Options::MaximumMinimumOptions, 4, infer_most,
               prepare_most, invoke_most<true>);
extern const OpDef kMinimum;
extern const OpDef kMinimum =
    definition("MINIMUM", Builtin::MINIMUM, Options::MaximumMinimumOptions, 4, infer_most,
               prepare_most, invoke_most<false>);
extern const OpDef kSquaredDifference;
extern const OpDef kSquaredDifference =
    definition("SQUARED_DIFFERENCE", Builtin::SQUARED_DIFFERENCE, Options::SquaredDifferenceOptions,
               2, infer_squared_difference, prepare_squared_difference, invoke_squared_difference);
extern const OpDef kPow;
extern const OpDef kPow = definition("POW", Builtin::POW, Options::PowOptions, 1, infer_pow,
                                     prepare_broadcast, invoke_pow);
extern const OpDef kAtan2;
extern const OpDef kAtan2 = definition("ATAN2", Builtin::ATAN2, Options::ATan2Options, 1,
                                       infer_atan2, prepare_broadcast, invoke_atan2);

}  // namespace cygnet::ops
