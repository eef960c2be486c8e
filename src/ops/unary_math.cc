// SPDX-License-Identifier: Apache-2.0
// Functions of real numbers on single elements, x and y of one type and shape:
//   EXP                                                            f32, int8, int16
//   LOG (what is not above 0 gives the least code of y)            f32, int8, int16
//   SIN, COS                                                       f32, f16
//   SQUARE, CEIL                                                   f32
//   FLOOR, ROUND (halves to even)                                  f32, f16, bf16
//   ELU (x < 0 ? e^x − 1 : x)                                      f32, int8
//   GELU (x·Φ(x), Φ the normal distribution; `approximate`: by     f32, f16, int8, uint8, int16
//     tanh)
// Quantized types go through tables. Sources: tensorflow/lite/kernels/elementwise.cc,
// activations.cc, exp.cc, ceil.cc, floor.cc, round.cc, gelu.h.
#include <cmath>

#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using Code = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;
using enum Type;

// ---- the functions: the types, the formula and, where there is one, the kernel

struct Exp {
  static constexpr std::initializer_list<Type> kTypes = {float32, int8, int16};
  static constexpr MapOp kKernel = MapOp::exp;
  static float at(float x) { return std::exp(x); }
};
struct Log {
  static constexpr std::initializer_list<Type> kTypes = {float32, int8, int16};
  static float at(float x) { return std::log(x); }
};
struct Sin {
  static constexpr std::initializer_list<Type> kTypes = {float32, float16};
  static float at(float x) { return std::sin(x); }
};
struct Cos {
  static constexpr std::initializer_list<Type> kTypes = {float32, float16};
  static float at(float x) { return std::cos(x); }
};
struct Square {
  static constexpr std::initializer_list<Type> kTypes = {float32};
  static constexpr MapOp kKernel = MapOp::square;
  static float at(float x) { return x * x; }
};
struct Floor {
  static constexpr std::initializer_list<Type> kTypes = {float32, float16, bfloat16};
  static float at(float x) { return std::floor(x); }
};
struct Ceil {
  static constexpr std::initializer_list<Type> kTypes = {float32};
  static float at(float x) { return std::ceil(x); }
};
struct Round {
  static constexpr std::initializer_list<Type> kTypes = {float32, float16, bfloat16};
  static float at(float x) { return std::nearbyint(x); }
};
struct Elu {
  static constexpr std::initializer_list<Type> kTypes = {float32, int8};
  static constexpr MapOp kKernel = MapOp::elu;
  static float at(float x) { return x < 0.0f ? std::expm1(x) : x; }
};

template <class F>
Status infer(OpContext& op) {
  return infer_unary(op, F::kTypes);
}

template <class F>
Status prepare(OpContext& op) {
  if constexpr (std::is_same_v<F, Log>) {
    const Tensor& y = op.output(0);
    if (!is_quantized_type(y.type)) return {};
    const int code = (y.type == int8 ? -128 : -32768) - y.quantization.zero_point();
    const float least = static_cast<float>(code) * y.quantization.scale();
    return prepare_real_table(op, [&](float x) { return x <= 0.0f ? least : std::log(x); });
  } else {
    return prepare_real_table(op, static_cast<float (*)(float)>(F::at));
  }
}

template <class F>
Status invoke(OpContext& op) {
  const Type type = op.input(0).type;
  if (type == float32) {
    if constexpr (requires { F::kKernel; })
      map_f32(op, F::kKernel, {}, F::at);
    else
      map_elements<float>(op, F::at);
  } else if (is_quantized_type(type)) {
    apply_real_table(op);
  } else {
    map_short_floats(op, F::at);
  }
  return {};
}

// ---- GELU

// Φ by the error function's complement, which keeps the digits of small results.
float gelu_of(float x) {
  constexpr float kRootHalf = 0.70710678f;
  return 0.5f * x * std::erfc(-x * kRootHalf);
}

float gelu_by_tanh(float x) {
  constexpr float kRootTwoByPi = 0.79788456f;
  return 0.5f * x * (1.0f + std::tanh(kRootTwoByPi * (x + 0.044715f * x * x * x)));
}

Status infer_gelu(OpContext& op) {
  return infer_unary(op, {float32, float16, int8, uint8, int16});
}

float (*gelu_function(const OpContext& op))(float) {
  return op.options<schema::GeluOptions>().approximate() ? gelu_by_tanh : gelu_of;
}

Status prepare_gelu(OpContext& op) {
  return prepare_real_table(op, gelu_function(op));
}

Status invoke_gelu(OpContext& op) {
  const bool approximate = op.options<schema::GeluOptions>().approximate();
  const Type type = op.input(0).type;
  if (type == float32)
    map_f32(op, approximate ? MapOp::gelu_tanh : MapOp::gelu, {}, gelu_function(op));
  else if (type == float16)
    map_short_floats(op, gelu_function(op));
  else
    apply_real_table(op);
  return {};
}

template <class F>
constexpr OpDef definition(const char* name, Code builtin, Options options, int32_t max_version) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .sharing = Sharing::elementwise,
          .infer = infer<F>,
          .prepare = prepare<F>,
          .invoke = invoke<F>,
          .by_parts = any_part};
}

}  // namespace

extern const OpDef kExp;
extern const OpDef kExp = definition<Exp>("EXP", Code::EXP, Options::ExpOptions, 2);
extern const OpDef kLog;
extern const OpDef kLog = definition<Log>("LOG", Code::LOG, Options::NONE, 2);
extern const OpDef kSin;
extern const OpDef kSin = definition<Sin>("SIN", Code::SIN, Options::NONE, 2);
extern const OpDef kCos;
extern const OpDef kCos = definition<Cos>("COS", Code::COS, Options::CosOptions, 2);
extern const OpDef kSquare;
extern const OpDef kSquare = definition<Square>("SQUARE", Code::SQUARE, Options::SquareOptions, 1);
extern const OpDef kFloor;
extern const OpDef kFloor = definition<Floor>("FLOOR", Code::FLOOR, Options::NONE, 1);
extern const OpDef kCeil;
extern const OpDef kCeil = definition<Ceil>("CEIL", Code::CEIL, Options::NONE, 1);
extern const OpDef kRound;
extern const OpDef kRound = definition<Round>("ROUND", Code::ROUND, Options::NONE, 1);
extern const OpDef kElu;
extern const OpDef kElu = definition<Elu>("ELU", Code::ELU, Options::NONE, 1);
extern const OpDef kGelu;
extern const OpDef kGelu = {.name = "GELU",
                            .builtin = static_cast<int32_t>(Code::GELU),
                            .max_version = 3,
                            .options_type = static_cast<uint8_t>(Options::GeluOptions),
                            .sharing = Sharing::elementwise,
                            .infer = infer_gelu,
                            .prepare = prepare_gelu,
                            .invoke = invoke_gelu,
                            .by_parts = any_part};

}  // namespace cygnet::ops
