// SPDX-License-Identifier: Apache-2.0
// Operators on single elements, x and y of one type and shape:
//   EXP, LOG, SIN, COS, RSQRT (1/√x), SQUARE, FLOOR, CEIL, ROUND (halves to even)        f32
//   ELU (x < 0 ? e^x − 1 : x), LEAKY_RELU (x < 0 ? alpha·x : x), GELU (x·Φ(x), Φ the normal
//     distribution; `approximate`: by tanh)                                               f32
//   ABS, SIGN (−1, 0 or 1)                                                                f32,
//   int32 NEG, ZEROS_LIKE (0)                                                            f32,
//   int32, int64
// ABS and NEG of the smallest integer wrap. Sources: tensorflow/lite/kernels/elementwise.cc,
// activations.cc, exp.cc, neg.cc, ceil.cc, floor.cc, round.cc, sign.cc, zeros_like.cc.
#include <cmath>

#include "ops/binary.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Code = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;

Status infer_f32(OpContext& op) {
  return infer_unary(op, {Type::float32});
}

Status infer_f32_int32(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int32});
}

Status infer_numbers(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int32, Type::int64});
}

// ---- f32 alone

// A function of libm, or a formula.
template <float (*kFunction)(float)>
Status invoke_real(OpContext& op) {
  map_elements<float>(op, kFunction);
  return {};
}

// The same with a kernel.
template <MapOp kKernel, float (*kFunction)(float)>
Status invoke_kernel(OpContext& op) {
  map_f32(op, kKernel, {}, kFunction);
  return {};
}

float exp_of(float x) {
  return std::exp(x);
}
float log_of(float x) {
  return std::log(x);
}
float sin_of(float x) {
  return std::sin(x);
}
float cos_of(float x) {
  return std::cos(x);
}
float rsqrt_of(float x) {
  return 1.0f / std::sqrt(x);
}
float square_of(float x) {
  return x * x;
}
float floor_of(float x) {
  return std::floor(x);
}
float ceil_of(float x) {
  return std::ceil(x);
}
float round_of(float x) {
  return std::nearbyint(x);
}
float elu_of(float x) {
  return x < 0.0f ? std::expm1(x) : x;
}

// ---- LEAKY_RELU, GELU

Status infer_leaky_relu(OpContext& op) {
  const float alpha = op.options<schema::LeakyReluOptions>().alpha();
  if (!std::isfinite(alpha))
    return bad_model("alpha: expected a finite number, got %g", static_cast<double>(alpha));
  return infer_f32(op);
}

Status invoke_leaky_relu(OpContext& op) {
  const float alpha = op.options<schema::LeakyReluOptions>().alpha();
  map_f32(op, MapOp::leaky_relu, {.alpha = alpha},
          [&](float x) { return x < 0.0f ? alpha * x : x; });
  return {};
}

// Φ by the error function's complement, which keeps the digits of small results.
float gelu_of(float x) {
  constexpr float kRootHalf = 0.70710678f;
  return 0.5f * x * std::erfc(-x * kRootHalf);
}

float gelu_by_tanh(float x) {
  constexpr float kRootTwoByPi = 0.79788456f;
  return 0.5f * x * (1.0f + std::tanh(kRootTwoByPi * (x + 0.044715f * x * x * x)));
}

Status invoke_gelu(OpContext& op) {
  if (op.options<schema::GeluOptions>().approximate())
    map_elements<float>(op, gelu_by_tanh);
  else
    map_elements<float>(op, gelu_of);
  return {};
}

// ---- f32 and integers

Status invoke_abs(OpContext& op) {
  if (op.output(0).type == Type::float32)
    map_f32(op, MapOp::abs, {}, [](float x) { return std::fabs(x); });
  else
    map_elements<int32_t>(op, [](int32_t x) { return x < 0 ? wrapping_sub(0, x) : x; });
  return {};
}

template <class T>
T sign_of(T x) {
  return static_cast<T>((x > T{0} ? 1 : 0) - (x < T{0} ? 1 : 0));
}

Status invoke_sign(OpContext& op) {
  if (op.output(0).type == Type::float32)
    map_elements<float>(op, sign_of<float>);
  else
    map_elements<int32_t>(op, sign_of<int32_t>);
  return {};
}

template <class T>
T negated(T x) {
  return wrapping_sub(T{0}, x);
}

Status invoke_neg(OpContext& op) {
  switch (op.output(0).type) {
    case Type::float32:
      map_f32(op, MapOp::neg, {}, [](float x) { return -x; });
      break;
    case Type::int32:
      map_elements<int32_t>(op, negated<int32_t>);
      break;
    default:
      map_elements<int64_t>(op, negated<int64_t>);
  }
  return {};
}

// Zero has only zero bits in every type.
Status invoke_zeros_like(OpContext& op) {
  Tensor& y = op.output(0);
  if (y.bytes > 0) std::memset(y.data, 0, y.bytes);
  return {};
}

constexpr OpDef definition(const char* name, Code builtin, Options options, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*invoke)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .infer = infer,
          .invoke = invoke};
}

}  // namespace

extern const OpDef kExp;
extern const OpDef kExp = definition("EXP", Code::EXP, Options::ExpOptions, 2, infer_f32,
                                     invoke_kernel<MapOp::exp, exp_of>);
extern const OpDef kLog;
extern const OpDef kLog =
    definition("LOG", Code::LOG, Options::NONE, 2, infer_f32, invoke_real<log_of>);
extern const OpDef kSin;
extern const OpDef kSin =
    definition("SIN", Code::SIN, Options::NONE, 2, infer_f32, invoke_real<sin_of>);
extern const OpDef kCos;
extern const OpDef kCos =
    definition("COS", Code::COS, Options::CosOptions, 2, infer_f32, invoke_real<cos_of>);
extern const OpDef kRsqrt;
extern const OpDef kRsqrt = definition("RSQRT", Code::RSQRT, Options::NONE, 3, infer_f32,
                                       invoke_kernel<MapOp::rsqrt, rsqrt_of>);
extern const OpDef kSquare;
extern const OpDef kSquare = definition("SQUARE", Code::SQUARE, Options::SquareOptions, 1,
                                        infer_f32, invoke_kernel<MapOp::square, square_of>);
extern const OpDef kFloor;
extern const OpDef kFloor =
    definition("FLOOR", Code::FLOOR, Options::NONE, 1, infer_f32, invoke_real<floor_of>);
extern const OpDef kCeil;
extern const OpDef kCeil =
    definition("CEIL", Code::CEIL, Options::NONE, 1, infer_f32, invoke_real<ceil_of>);
extern const OpDef kRound;
extern const OpDef kRound =
    definition("ROUND", Code::ROUND, Options::NONE, 1, infer_f32, invoke_real<round_of>);
extern const OpDef kElu;
extern const OpDef kElu =
    definition("ELU", Code::ELU, Options::NONE, 1, infer_f32, invoke_kernel<MapOp::elu, elu_of>);
extern const OpDef kLeakyRelu;
extern const OpDef kLeakyRelu =
    definition("LEAKY_RELU", Code::LEAKY_RELU, Options::LeakyReluOptions, 2, infer_leaky_relu,
               invoke_leaky_relu);
extern const OpDef kGelu;
extern const OpDef kGelu =
    definition("GELU", Code::GELU, Options::GeluOptions, 3, infer_f32, invoke_gelu);
extern const OpDef kAbs;
extern const OpDef kAbs =
    definition("ABS", Code::ABS, Options::AbsOptions, 5, infer_f32_int32, invoke_abs);
extern const OpDef kSign;
extern const OpDef kSign =
    definition("SIGN", Code::SIGN, Options::NONE, 2, infer_f32_int32, invoke_sign);
extern const OpDef kNeg;
extern const OpDef kNeg =
    definition("NEG", Code::NEG, Options::NegOptions, 1, infer_numbers, invoke_neg);
extern const OpDef kZerosLike;
extern const OpDef kZerosLike = definition(
    "ZEROS_LIKE", Code::ZEROS_LIKE, Options::ZerosLikeOptions, 1, infer_numbers, invoke_zeros_like);

}  // namespace cygnet::ops
