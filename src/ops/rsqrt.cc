// SPDX-License-Identifier: Apache-2.0
// RSQRT: y = 1/√x. Types f32; int8 in fixed point and int16 by a table, where 0 gives the largest
// code and what lies below is an error. Source: tensorflow/lite/kernels/elementwise.cc.
#include <cmath>

#include "ops/fixed_point_math.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

float rsqrt_of(float x) {
  return 1.0f / std::sqrt(x);
}

Status infer(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int8, Type::int16});
}

// 1/√value in the output's units; 20 fraction bits between the two multiplications. m is
// 1/(√(input scale) · output scale).
int32_t quantized(int32_t value, Multiplier m, int32_t y_zero) {
  if (value <= 0) return 127;
  constexpr int kFractionBits = 20;
  Multiplier root = inverse_square_root(value);
  root.shift += kFractionBits;
  const int32_t data = apply(root, 1);
  const int total = m.shift - kFractionBits;
  // Beyond 31 bits to the right nothing is left.
  const int64_t scaled = total < -31 ? 0 : apply({m.multiplier, total}, data);
  return static_cast<int32_t>(std::clamp<int64_t>(scaled + y_zero, -128, 127));
}

Status prepare(OpContext& op) {
  const Tensor &x = op.input(0), &y = op.output(0);
  const float x_scale = x.quantization.count == 0 ? 1.0f : x.quantization.scale();
  if (x.type == Type::int16) {
    const float most = 32767 * y.quantization.scale();
    return prepare_real_table(op, [&](float v) { return v <= 0.0f ? most : rsqrt_of(v); });
  }
  if (x.type != Type::int8) return {};
  auto* table = op.make_state<Table8>();
  if (table == nullptr) return out_of_memory("table", sizeof(Table8));
  Multiplier m;
  CYGNET_TRY(quantize_multiplier(
      1.0 / static_cast<double>(std::sqrt(x_scale) * y.quantization.scale()), &m));
  const int32_t x_zero = x.quantization.zero_point(), y_zero = y.quantization.zero_point();
  fill_table(
      Type::int8, [&](int q) { return quantized(q - x_zero, m, y_zero); }, table);
  return {};
}

template <class T>
Status expect_positive(const Tensor& x) {
  const int32_t zero = x.quantization.zero_point();
  for (int64_t i = 0, n = x.shape.elements(); i < n; ++i)
    if (x.as<T>()[i] < zero)
      return Status::error(Code::invalid_argument,
                           "input 0: element %lld is below 0, which has no root",
                           static_cast<long long>(i));
  return {};
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  if (x.type == Type::float32) {
    map_f32(op, MapOp::rsqrt, {}, rsqrt_of);
    return {};
  }
  CYGNET_TRY(x.type == Type::int8 ? expect_positive<int8_t>(x) : expect_positive<int16_t>(x));
  apply_real_table(op);
  return {};
}

}  // namespace

extern const OpDef kRsqrt;
extern const OpDef kRsqrt = {.name = "RSQRT",
                             .builtin = static_cast<int32_t>(schema::BuiltinOperator::RSQRT),
                             .max_version = 3,
                             .sharing = Sharing::elementwise,
                             .infer = infer,
                             .prepare = prepare,
                             .invoke = invoke};

}  // namespace cygnet::ops
