// SPDX-License-Identifier: Apache-2.0
// QUANTIZE: f32 → int8, uint8, int16, int4: clamp(round(x / scale) + zero point), halves away from
// zero, with one scale or (not int4) one along a dimension; or from int8, uint8, int16, int32 to
// int8, uint8, int16, int32 (requantization, one scale each). int32 is only ever one of the two.
// Source: tensorflow/lite/kernels/quantize.cc.
#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using enum Type;

struct QuantizeState {
  Multiplier multiplier;  // requantization
  int64_t low = 0, high = 0;
  bool table_ready = false;
  Table8 table;  // 8 bits to 8 bits
};

// Of 8 bits by a function in f32: input 1 has its values for all codes of x. runtime/fuse/ makes
// such nodes.
bool has_function(const OpContext& op) {
  return op.inputs() == 2;
}

Status infer_function(OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(0), {int8, uint8}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {int8, uint8}));
  CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{256}));
  if (!op.known(1)) return bad_model("input 1: its values are not known");
  return op.set_output(0, op.input(0).shape);
}

Status infer(OpContext& op) {
  if (has_function(op)) return infer_function(op);
  const Tensor &x = op.input(0), &y = op.output(0);
  CYGNET_TRY(expect_type("input 0", x, {float32, int8, uint8, int16, int32}));
  if (x.type != float32) {
    CYGNET_TRY(expect_type("output 0", y, {int8, uint8, int16, int32}));
    if (x.type == int32 && y.type == int32)
      return Status::error(Code::unsupported, "from INT32 to INT32 is not supported");
    CYGNET_TRY(expect_per_tensor("input 0", x));
    CYGNET_TRY(expect_per_tensor("output 0", y));
    return op.set_output(0, x.shape);
  }
  CYGNET_TRY(expect_type("output 0", y, {int8, uint8, int16, int4}));
  const Quantization& q = y.quantization;
  if (q.count <= 1 || y.type == int4) {
    CYGNET_TRY(expect_per_tensor("output 0", y));
  } else if (q.axis < 0 || q.axis >= x.shape.rank || x.shape[q.axis] != q.count) {
    return bad_model("output 0: %d scales along dimension %d of %s", q.count, q.axis,
                     shape_text(x.shape).text);
  }
  return op.set_output(0, x.shape);
}

int64_t requantized(const OpContext& op, const QuantizeState& s, int32_t q) {
  const auto difference = static_cast<int32_t>(int64_t{q} - op.input(0).quantization.zero_point());
  const int64_t scaled = apply(s.multiplier, difference);
  return std::clamp<int64_t>(scaled + op.output(0).quantization.zero_point(), s.low, s.high);
}

Status prepare(OpContext& op) {
  auto* s = op.make_state<QuantizeState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(QuantizeState));
  const Tensor &x = op.input(0), &y = op.output(0);
  const int bits = type_bits(y.type);
  s->low = y.type == uint8 ? 0 : -(int64_t{1} << (bits - 1));
  s->high = s->low + (int64_t{1} << bits) - 1;
  if (has_function(op)) {
    const Quantization& q = y.quantization;
    kernels().quantize_q8(op.input(1).as<float>(), 256, q.scale(), q.zero_point(),
                          static_cast<int32_t>(s->low), static_cast<int32_t>(s->high),
                          s->table.values);
    s->table_ready = true;
    return {};
  }
  if (x.type == float32) return {};
  const double ratio =
      static_cast<double>(x.quantization.scale()) / static_cast<double>(y.quantization.scale());
  CYGNET_TRY(quantize_multiplier(ratio, &s->multiplier));
  s->table_ready = type_bits(x.type) == 8 && bits == 8;
  if (s->table_ready)
    fill_table(
        x.type, [&](int q) { return requantized(op, *s, q); }, &s->table);
  return {};
}

// One element in the reference's arithmetic.
int64_t quantized(float x, float scale, int32_t zero, const QuantizeState& s) {
  return std::clamp<int64_t>(int64_t{round_to_int32(x / scale)} + zero, s.low, s.high);
}

// Stores the low bits of a code; not for int4.
void put(Tensor& y, int64_t i, int64_t code) {
  if (y.type == int32)
    y.as<int32_t>()[i] = static_cast<int32_t>(code);
  else if (y.type == int16)
    y.as<int16_t>()[i] = static_cast<int16_t>(code);
  else
    y.as<uint8_t>()[i] = static_cast<uint8_t>(code);
}

// Pieces start at multiples of 2.
void quantize_int4(OpContext& op, const QuantizeState& s) {
  const float* x = op.input(0).as<float>();
  Tensor& y = op.output(0);
  const Quantization& q = y.quantization;
  each_piece(op, [&](int64_t at, int64_t n) {
    int8_t codes[256];
    for (int64_t i = at; i < at + n; i += 256) {
      const int64_t count = std::min<int64_t>(256, at + n - i);
      for (int64_t k = 0; k < count; ++k)
        codes[k] = static_cast<int8_t>(quantized(x[i + k], q.scale(), q.zero_point(), s));
      pack_small(y.type, codes, count, y.as<uint8_t>() + i / 2);
    }
  });
}

void quantize_floats(OpContext& op, const QuantizeState& s) {
  const float* x = op.input(0).as<float>();
  Tensor& y = op.output(0);
  const Quantization& q = y.quantization;
  const bool fast = !op.reference() && q.per_tensor();
  const auto low = static_cast<int32_t>(s.low), high = static_cast<int32_t>(s.high);
  const int64_t inner = q.count > 1 ? y.shape.elements(q.axis + 1, y.shape.rank) : 1;
  each_piece(op, [&](int64_t at, int64_t n) {
    if (fast && y.type == int16) {
      kernels().quantize_s16(x + at, n, q.scale(), q.zero_point(), low, high, y.as<int16_t>() + at);
    } else if (fast) {
      kernels().quantize_q8(x + at, n, q.scale(), q.zero_point(), low, high, y.as<uint8_t>() + at);
    } else {
      for (int64_t i = at; i < at + n; ++i) {
        const int channel = static_cast<int>(i / inner % q.count);
        put(y, i, quantized(x[i], q.scale(channel), q.zero_point(channel), s));
      }
    }
  });
}

Status invoke(OpContext& op) {
  const auto& s = op.state<QuantizeState>();
  if (op.input(0).type == float32) {
    if (op.output(0).type == int4)
      quantize_int4(op, s);
    else
      quantize_floats(op, s);
  } else if (s.table_ready) {
    apply_table(op, s.table);
  } else {
    with_type<int8_t, uint8_t, int16_t, int32_t>(op.input(0).type, [&](auto t) {
      const auto* x = op.input(0).as<decltype(t)>();
      each_piece(op, [&](int64_t at, int64_t n) {
        for (int64_t i = at; i < at + n; ++i) put(op.output(0), i, requantized(op, s, x[i]));
      });
    });
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
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
    .by_parts = [](const OpContext& op) { return op.output(0).type != int4; }};

}  // namespace cygnet::ops
