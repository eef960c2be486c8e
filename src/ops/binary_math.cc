// SPDX-License-Identifier: Apache-2.0
// Operators on two operands a, b that broadcast to one shape and share one type:
//   MAXIMUM, MINIMUM     f32, int32, int64
//   SQUARED_DIFFERENCE   (a − b)²; f32, int32 (which wraps)
//   POW                  a to the power of b; f32, int32 (which wraps). A negative int32 exponent
//                        is an error of the run, as in TensorFlow Lite
//   ATAN2                angle of the point (b, a); f32
// Sources: tensorflow/lite/kernels/maximum_minimum.cc, squared_difference.cc, pow.cc, atan2.cc.
#include <atomic>
#include <cmath>

#include "ops/binary.h"

namespace cygnet::ops {
namespace {

// f(a, b) for all pairs.
template <class T, class F>
void map_pairs(OpContext& op, F f) {
  const T *a = op.input(0).as<T>(), *b = op.input(1).as<T>();
  T* out = op.output(0).as<T>();
  each_pair(op, op.state<BinaryState>().broadcast,
            [&](int64_t i, int64_t j, int64_t k) { out[k] = f(a[i], b[j]); });
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<BinaryState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BinaryState));
  return prepare_binary(op, schema::ActivationFunctionType::NONE, s);
}

// ---- MAXIMUM, MINIMUM

Status infer_most(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32, Type::int64});
}

template <bool kMax>
Status invoke_most(OpContext& op) {
  const auto most = [](auto a, auto b) { return kMax ? std::max(a, b) : std::min(a, b); };
  switch (op.output(0).type) {
    case Type::float32:
      invoke_f32<kMax ? ZipOp::max : ZipOp::min>(op, op.state<BinaryState>());
      break;
    case Type::int32:
      map_pairs<int32_t>(op, most);
      break;
    default:
      map_pairs<int64_t>(op, most);
  }
  return {};
}

// ---- SQUARED_DIFFERENCE, ATAN2

Status infer_float_or_int32(OpContext& op) {
  return infer_binary(op, {Type::float32, Type::int32});
}

Status invoke_squared_difference(OpContext& op) {
  if (op.output(0).type == Type::float32)
    map_pairs<float>(op, [](float a, float b) { return (a - b) * (a - b); });
  else
    map_pairs<int32_t>(op, [](int32_t a, int32_t b) {
      const int32_t d = wrapping_sub(a, b);
      return wrapping_mul(d, d);
    });
  return {};
}

Status infer_float(OpContext& op) {
  return infer_binary(op, {Type::float32});
}

Status invoke_atan2(OpContext& op) {
  map_pairs<float>(op, [](float a, float b) { return std::atan2(a, b); });
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

Status invoke_pow(OpContext& op) {
  if (op.output(0).type == Type::float32) {
    map_pairs<float>(op, [](float a, float b) { return std::pow(a, b); });
    return {};
  }
  std::atomic<bool> negative{false};
  map_pairs<int32_t>(op, [&](int32_t a, int32_t b) {
    if (b < 0) negative.store(true, std::memory_order_relaxed);
    return integer_power(a, b);
  });
  if (!negative.load()) return {};
  return Status::error(Code::invalid_argument,
                       "input 1: expected integer exponents >= 0, found a negative one");
}

constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kMaximum;
extern const OpDef kMaximum =
    definition("MAXIMUM", schema::BuiltinOperator::MAXIMUM,
               schema::BuiltinOptions::MaximumMinimumOptions, 4, infer_most, invoke_most<true>);
extern const OpDef kMinimum;
extern const OpDef kMinimum =
    definition("MINIMUM", schema::BuiltinOperator::MINIMUM,
               schema::BuiltinOptions::MaximumMinimumOptions, 4, infer_most, invoke_most<false>);
extern const OpDef kSquaredDifference;
extern const OpDef kSquaredDifference =
    definition("SQUARED_DIFFERENCE", schema::BuiltinOperator::SQUARED_DIFFERENCE,
               schema::BuiltinOptions::SquaredDifferenceOptions, 2, infer_float_or_int32,
               invoke_squared_difference);
extern const OpDef kPow;
extern const OpDef kPow =
    definition("POW", schema::BuiltinOperator::POW, schema::BuiltinOptions::PowOptions, 1,
               infer_float_or_int32, invoke_pow);
extern const OpDef kAtan2;
extern const OpDef kAtan2 = definition("ATAN2", schema::BuiltinOperator::ATAN2,
                                       schema::BuiltinOptions::NONE, 1, infer_float, invoke_atan2);

}  // namespace cygnet::ops
