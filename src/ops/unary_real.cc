// SPDX-License-Identifier: Apache-2.0
// LOGISTIC: y = 1/(1 + e^−x). TANH: y = tanh x. SQRT: y = √x. Types f32; LOGISTIC and TANH also
// f16, bf16, int8 and uint8, by a table of the rounded results, and int16 with result scale 2^−15,
// by interpolation. SQRT also int8 and int16, rounded down; what lies below zero gives zero.
// Sources: tensorflow/lite/kernels/activations.cc, elementwise.cc, internal/reference/integer_ops.
#include "ops/arithmetic.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// ---- int16: 1/(1 + e^−x) in 65536ths at x = i/24, interpolated; tanh x = 2σ(2x) − 1. Each sample
// is moved by half the error that interpolation makes in the middle of the interval behind it.

struct Sigmoid16State {
  uint16_t table[256];
  int32_t
      multiplier;  // x · multiplier / 2^shift is in units of 1/(24 · 512), tanh: 1/(24 · 256) · 1/2
  int32_t shift;
};

Status prepare_sigmoid16(OpContext& op, bool is_tanh) {
  auto* s = op.make_state<Sigmoid16State>();
  if (s == nullptr) return out_of_memory("table", sizeof(Sigmoid16State));
  const auto sigmoid = [](double i) { return 65536.0 / (1.0 + std::exp(-i / 24.0)); };
  for (int i = 0; i < 256; ++i) {
    const double error = (sigmoid(i) + sigmoid(i + 1)) / 2 - sigmoid(i + 0.5);
    s->table[i] = static_cast<uint16_t>(std::lround(sigmoid(i) - error / 2));
  }
  s->table[255] = 65535;  // as all beyond
  const float scale = op.input(0).quantization.scale();
  const auto log2 = static_cast<int>(std::lround(std::log2(scale)));
  const int left = 12 + log2;
  if (std::ldexp(1.0f, log2) == scale && (left == 0 || (is_tanh && left == 1))) {
    s->multiplier = 3 << left;
    return {};
  }
  double multiplier = static_cast<double>(scale) * 4096.0 * 3.0;
  while (multiplier <= 32767.0 / 2.0 && s->shift <= 30) ++s->shift, multiplier *= 2;
  if (multiplier > 32767.0)
    return bad_model("T9: input 0: scale %g is too large", static_cast<double>(scale));
  s->multiplier = static_cast<int32_t>(multiplier);
  return {};
}

// The table at |x|, |x| ≤ 2^30, with `fraction_bits` bits of x below its index; the last interval
// and all beyond give `beyond`. Below 2^26. Without branches: signs and sizes change all the time.
int32_t interpolated(const Sigmoid16State& s, int32_t x, int fraction_bits, int32_t beyond) {
  const int32_t magnitude = std::abs(x), index = magnitude >> fraction_bits;
  const int32_t past = (254 - index) >> 31;  // −1 from 255 on
  const int32_t at = index - ((index - 254) & past), a = s.table[at], b = s.table[at + 1];
  const int32_t v = (a << fraction_bits) + (magnitude & ((1 << fraction_bits) - 1)) * (b - a);
  return v ^ ((v ^ beyond) & past);
}

// Of negative x: 2^25 − v + 2^9 − 1.
int16_t logistic16(const Sigmoid16State& s, int32_t x) {
  const int32_t v = interpolated(s, x, 9, 0x7fff << 10), sign = x >> 31;
  return static_cast<int16_t>(((v ^ sign) + (sign & (1 << 25)) + (1 << 9)) >> 10);
}

// v − 2^23 + 2^7, of negative x 2^23 − v + 2^7 − 1.
int16_t tanh16(const Sigmoid16State& s, int32_t x) {
  const int32_t v = interpolated(s, x, 8, 0xffff << 8), sign = x >> 31;
  return static_cast<int16_t>(((v ^ sign) + (sign & (1 << 24)) - (1 << 23) + (1 << 7)) >> 8);
}

struct LogisticFunction {
  static constexpr MapOp kKernel = MapOp::logistic;
  static float at(float x) { return 1.0f / (1.0f + std::exp(-x)); }
  static int16_t at16(const Sigmoid16State& s, int32_t x) { return logistic16(s, x); }
};
struct TanhFunction {
  static constexpr MapOp kKernel = MapOp::tanh;
  static float at(float x) { return std::tanh(x); }
  static int16_t at16(const Sigmoid16State& s, int32_t x) { return tanh16(s, x); }
};
struct SqrtFunction {
  static constexpr MapOp kKernel = MapOp::sqrt;
  static float at(float x) { return std::sqrt(x); }
};

template <class Function>
void invoke_sigmoid16(OpContext& op) {
  const auto& s = op.state<Sigmoid16State>();
  const int64_t round = s.shift > 0 ? int64_t{1} << (s.shift - 1) : 0;
  const int16_t* x = op.input(0).as<int16_t>();
  int16_t* y = op.output(0).as<int16_t>();
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i)
      y[i] = Function::at16(
          s, static_cast<int32_t>((int64_t{x[i]} * s.multiplier + round) >> s.shift));
  });
}

Status infer_sigmoid(OpContext& op) {
  CYGNET_TRY(infer_unary(
      op, {Type::float32, Type::float16, Type::bfloat16, Type::int8, Type::uint8, Type::int16}));
  const Tensor &x = op.input(0), &y = op.output(0);
  if (x.type != Type::int16) return {};
  if (y.quantization.scale() == std::ldexp(1.0f, -15)) return {};
  return bad_model("output 0: INT16: expected scale 1/32768, got %g",
                   static_cast<double>(y.quantization.scale()));
}

// ---- SQRT of int8 and int16

Status infer_sqrt(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int8, Type::int16});
}

// √x in the output's units.
int32_t quantized_sqrt(const Tensor& x, const Tensor& y, int32_t q) {
  const float real =
      x.quantization.scale() * static_cast<float>(std::max(0, q - x.quantization.zero_point()));
  const float scaled = std::floor(std::sqrt(real) / y.quantization.scale()) +
                       static_cast<float>(y.quantization.zero_point());
  return static_cast<int32_t>(std::min(scaled, y.type == Type::int8 ? 127.0f : 32767.0f));
}

Status prepare_sqrt(OpContext& op) {
  if (op.input(0).type != Type::int8) return {};
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  fill_table(
      Type::int8, [&](int q) { return quantized_sqrt(op.input(0), op.output(0), q); }, table);
  return {};
}

void invoke_sqrt16(OpContext& op) {
  const Tensor& x = op.input(0);
  int16_t* y = op.output(0).as<int16_t>();
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i)
      y[i] = static_cast<int16_t>(quantized_sqrt(x, op.output(0), x.as<int16_t>()[i]));
  });
}

// ---- all types

// ---- x · σ(x) of int8 or uint8, as MUL makes it of x and the result of LOGISTIC. runtime/fuse/
// makes such nodes; input 1 is that result's tensor, without values.

bool is_swish(const OpContext& op) {
  return op.inputs() == 2;
}

Status prepare_swish(OpContext& op) {
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  const Tensor &x = op.input(0), &s = op.input(1);
  CYGNET_TRY(expect_quantized_pair(x, s));
  Table8 codes, factors;
  fill_table(
      x.type, [](int q) { return q; }, &codes);
  fill_real_table(x, s, LogisticFunction::at, &factors);
  const int32_t low = x.type == Type::int8 ? -128 : 0;
  const ZipQ8 zip = zip_of_product(x, s, op.output(0), low, low + 255);
  kernels().zip_q8(zip, codes.values, factors.values, 256, table->values);
  return {};
}

template <class Function>
Status prepare_sigmoid(OpContext& op) {
  if (is_swish(op)) return prepare_swish(op);
  if (op.input(0).type == Type::int16)
    return prepare_sigmoid16(op, Function::kKernel == MapOp::tanh);
  return prepare_real_table(op, Function::at);
}

template <class Function>
Status invoke(OpContext& op) {
  if (op.input(0).type == Type::float32) {
    map_f32(op, Function::kKernel, {}, Function::at);
    return {};
  }
  if (!is_quantized_type(op.input(0).type)) {
    map_short_floats(op, Function::at);
    return {};
  }
  if (op.input(0).type != Type::int16) {
    apply_table(op, op.state<Table8>());
    return {};
  }
  if constexpr (Function::kKernel == MapOp::sqrt)
    invoke_sqrt16(op);
  else
    invoke_sigmoid16<Function>(op);
  return {};
}

template <class Function>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin, int32_t max_version,
                           Status (*infer)(OpContext&), Status (*prepare)(OpContext&)) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .sharing = Sharing::elementwise,
          .infer = infer,
          .prepare = prepare,
          .invoke = invoke<Function>,
          .by_parts = any_part};
}

}  // namespace

extern const OpDef kLogistic;
extern const OpDef kLogistic =
    definition<LogisticFunction>("LOGISTIC", schema::BuiltinOperator::LOGISTIC, 3, infer_sigmoid,
                                 prepare_sigmoid<LogisticFunction>);
extern const OpDef kTanh;
extern const OpDef kTanh = definition<TanhFunction>("TANH", schema::BuiltinOperator::TANH, 3,
                                                    infer_sigmoid, prepare_sigmoid<TanhFunction>);
extern const OpDef kSqrt;
extern const OpDef kSqrt =
    definition<SqrtFunction>("SQRT", schema::BuiltinOperator::SQRT, 2, infer_sqrt, prepare_sqrt);

}  // namespace cygnet::ops
