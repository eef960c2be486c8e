// SPDX-License-Identifier: Apache-2.0
// QUANTIZE: f32 → int8, uint8, int16: clamp(round(x / scale) + zero point), halves away from zero;
// or from one of these types to another (requantization). DEQUANTIZE: int8, uint8, int16 →
// f32: scale · (q − zero point), with one scale or one along a dimension; f16 → f32.
// Sources: tensorflow/lite/kernels/quantize.cc, dequantize.cc.
#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct QuantizeState {
  Multiplier multiplier;  // requantization
  int32_t low = 0, high = 0;
  bool table_ready = false;
  Table8 table;  // 8 bits to 8 bits
};

// ---- QUANTIZE

Status infer_quantize(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int8, Type::uint8, Type::int16}));
  CYGNET_TRY(expect_type("output 0", y, {Type::int8, Type::uint8, Type::int16}));
  CYGNET_TRY(expect_per_tensor("output 0", y));
  if (x.type != Type::float32) CYGNET_TRY(expect_per_tensor("input 0", x));
  return op.set_output(0, x.shape);
}

int32_t requantized(const OpContext& op, const QuantizeState& s, int32_t q) {
  const int64_t scaled = apply(s.multiplier, q - op.input(0).quantization.zero_point());
  return static_cast<int32_t>(
      std::clamp<int64_t>(scaled + op.output(0).quantization.zero_point(), s.low, s.high));
}

Status prepare_quantize(OpContext& op) {
  auto* s = op.make_state<QuantizeState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(QuantizeState));
  const Tensor &x = op.input(0), &y = op.output(0);
  s->low = y.type == Type::int16 ? -32768 : y.type == Type::int8 ? -128 : 0;
  s->high = y.type == Type::int16 ? 32767 : s->low + 255;
  if (x.type == Type::float32) return {};
  const double ratio =
      static_cast<double>(x.quantization.scale()) / static_cast<double>(y.quantization.scale());
  CYGNET_TRY(quantize_multiplier(ratio, &s->multiplier));
  s->table_ready = x.type != Type::int16 && y.type != Type::int16;
  if (s->table_ready)
    fill_table(
        x.type, [&](int q) { return requantized(op, *s, q); }, &s->table);
  return {};
}

// One element in the reference's arithmetic.
int32_t quantized(float x, float scale, int32_t zero, const QuantizeState& s) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(int64_t{round_to_int32(x / scale)} + zero, s.low, s.high));
}

void quantize_floats(OpContext& op, const QuantizeState& s) {
  const float* x = op.input(0).as<float>();
  const Tensor& y = op.output(0);
  const float scale = y.quantization.scale();
  const int32_t zero = y.quantization.zero_point();
  auto* y8 = op.output(0).as<uint8_t>();
  auto* y16 = op.output(0).as<int16_t>();
  each_piece(op, [&](int64_t at, int64_t n) {
    if (!op.reference()) {
      if (y.type == Type::int16)
        kernels().quantize_s16(x + at, n, scale, zero, s.low, s.high, y16 + at);
      else
        kernels().quantize_q8(x + at, n, scale, zero, s.low, s.high, y8 + at);
      return;
    }
    for (int64_t i = at; i < at + n; ++i) {
      if (y.type == Type::int16)
        y16[i] = static_cast<int16_t>(quantized(x[i], scale, zero, s));
      else
        y8[i] = static_cast<uint8_t>(quantized(x[i], scale, zero, s));
    }
  });
}

template <class X, class Y>
void requantize(OpContext& op, const QuantizeState& s) {
  const X* x = op.input(0).as<X>();
  Y* y = op.output(0).as<Y>();
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i) y[i] = static_cast<Y>(requantized(op, s, x[i]));
  });
}

Status invoke_quantize(OpContext& op) {
  const auto& s = op.state<QuantizeState>();
  const Type from = op.input(0).type, to = op.output(0).type;
  if (from == Type::float32)
    quantize_floats(op, s);
  else if (s.table_ready)
    apply_table(op, s.table);
  else if (from == Type::int16 && to == Type::int16)
    requantize<int16_t, int16_t>(op, s);
  else if (from == Type::int16)
    requantize<int16_t, uint8_t>(op, s);  // the low byte serves int8 too
  else if (from == Type::int8)
    requantize<int8_t, int16_t>(op, s);
  else
    requantize<uint8_t, int16_t>(op, s);
  return {};
}

// ---- DEQUANTIZE

Status infer_dequantize(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float16, Type::int8, Type::uint8, Type::int16}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  if (x.type != Type::float16 && x.quantization.count == 0)
    return bad_model("input 0: expected quantization parameters, got none");
  if (x.quantization.count > 1 && x.shape[x.quantization.axis] != x.quantization.count)
    return bad_model("input 0: expected %d scales, got %d", x.shape[x.quantization.axis],
                     x.quantization.count);
  return op.set_output(0, x.shape);
}

template <class X>
void dequantize_channels(OpContext& op) {
  const Tensor& x = op.input(0);
  const Quantization& q = x.quantization;
  float* y = op.output(0).as<float>();
  const int64_t inner = x.shape.elements(q.axis + 1, x.shape.rank);
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i) {
      const int channel = static_cast<int>(i / inner % q.count);
      y[i] = q.scale(channel) * static_cast<float>(x.as<X>()[i] - q.zero_point(channel));
    }
  });
}

void dequantize_tensor(OpContext& op) {
  const Tensor& x = op.input(0);
  float* y = op.output(0).as<float>();
  const float scale = x.quantization.scale();
  const int32_t zero = x.quantization.zero_point();
  const uint8_t flip = x.type == Type::int8 ? 0x80 : 0;
  each_piece(op, [&](int64_t at, int64_t n) {
    if (x.type == Type::int16)
      kernels().dequantize_s16(x.as<int16_t>() + at, n, scale, zero, y + at);
    else
      kernels().dequantize_q8(x.as<uint8_t>() + at, n, flip, scale, zero, y + at);
  });
}

Status invoke_dequantize(OpContext& op) {
  const Tensor& x = op.input(0);
  if (x.type == Type::float16) {
    each_piece(op, [&](int64_t at, int64_t n) {
      kernels().half_to_float(x.as<uint16_t>() + at, n, op.output(0).as<float>() + at);
    });
  } else if (x.quantization.per_tensor() && !op.reference()) {
    dequantize_tensor(op);
  } else if (x.type == Type::int8) {
    dequantize_channels<int8_t>(op);
  } else if (x.type == Type::uint8) {
    dequantize_channels<uint8_t>(op);
  } else {
    dequantize_channels<int16_t>(op);
  }
  return {};
}

}  // namespace

extern const OpDef kQuantize;
extern const OpDef kQuantize = {
    .name = "QUANTIZE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::QUANTIZE),
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::QuantizeOptions),
    .infer = infer_quantize,
    .prepare = prepare_quantize,
    .invoke = invoke_quantize};

extern const OpDef kDequantize;
extern const OpDef kDequantize = {
    .name = "DEQUANTIZE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::DEQUANTIZE),
    .max_version = 9,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DequantizeOptions),
    .infer = infer_dequantize,
    .invoke = invoke_dequantize};

}  // namespace cygnet::ops
