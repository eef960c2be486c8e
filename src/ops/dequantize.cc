// SPDX-License-Identifier: Apache-2.0
// DEQUANTIZE: int8, uint8, int16, int4, uint4, int2 → f32: scale · (q − zero point), with one scale
// or one along a dimension; f16 → f32.
// Source: tensorflow/lite/kernels/dequantize.cc, dequantize.h.
#include "ops/dequantize.h"

#include <algorithm>

#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

using enum Type;

// Elements [at, at + n) of packed or whole integers.
void load_codes(const Tensor& x, int64_t at, int64_t n, int32_t* out) {
  const auto widen = [&](const auto* q) { std::copy(q, q + n, out); };
  switch (x.type) {
    case int8:
      return widen(x.as<int8_t>() + at);
    case uint8:
      return widen(x.as<uint8_t>() + at);
    case int16:
      return widen(x.as<int16_t>() + at);
    default: {
      int8_t small[256];
      unpack_small(x.type, x.data, at, n, small);
      widen(small);
    }
  }
}

}  // namespace

Status expect_scales(const Tensor& x) {
  const Quantization& q = x.quantization;
  if (q.count == 0) return bad_model("input 0: expected quantization parameters, got none");
  if (q.count > 1 && (q.axis < 0 || q.axis >= x.shape.rank || x.shape[q.axis] != q.count))
    return bad_model("input 0: %d scales along dimension %d of %s", q.count, q.axis,
                     shape_text(x.shape).text);
  return {};
}

void dequantize_elements(const Tensor& x, int64_t at, int64_t n, float* y) {
  const Quantization& q = x.quantization;
  const int64_t inner = q.count > 1 ? x.shape.elements(q.axis + 1, x.shape.rank) : 1;
  int32_t codes[256];
  for (int64_t i = 0; i < n; i += 256) {
    const int64_t count = std::min<int64_t>(256, n - i);
    load_codes(x, at + i, count, codes);
    for (int64_t k = 0; k < count; ++k) {
      const int channel = static_cast<int>((at + i + k) / inner % q.count);
      y[i + k] = q.scale(channel) * static_cast<float>(codes[k] - q.zero_point(channel));
    }
  }
}

namespace {

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {float16, int8, uint8, int16, int4, uint4, int2}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {float32}));
  if (x.type != float16) CYGNET_TRY(expect_scales(x));
  return op.set_output(0, x.shape);
}

// 8 or 16 bits with one scale, by kernels.
void dequantize_tensor(const Tensor& x, int64_t at, int64_t n, float* y) {
  const float scale = x.quantization.scale();
  const int32_t zero = x.quantization.zero_point();
  if (x.type == int16)
    kernels().dequantize_s16(x.as<int16_t>() + at, n, scale, zero, y);
  else
    kernels().dequantize_q8(x.as<uint8_t>() + at, n, x.type == int8 ? 0x80 : 0, scale, zero, y);
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  const bool fast = !op.reference() && x.quantization.per_tensor() && is_quantized_type(x.type);
  each_piece(op, [&](int64_t at, int64_t n) {
    float* y = op.output(0).as<float>() + at;
    if (x.type == float16)
      kernels().half_to_float(x.as<uint16_t>() + at, n, y);
    else if (fast)
      dequantize_tensor(x, at, n, y);
    else
      dequantize_elements(x, at, n, y);
  });
  return {};
}

}  // namespace

extern const OpDef kDequantize;
extern const OpDef kDequantize = {
    .name = "DEQUANTIZE",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::DEQUANTIZE),
    .max_version = 9,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DequantizeOptions),
    .infer = infer,
    .invoke = invoke,
    .by_parts = any_part};

}  // namespace cygnet::ops
