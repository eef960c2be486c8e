// SPDX-License-Identifier: Apache-2.0
// RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1: y = min(max(x, low), high) with (0, ∞), (0, 6), (−1, 1),
// (0, 1). Types f32, int8, uint8, the first two int16 too; x and y may differ in scale.
// Source: tensorflow/lite/kernels/activations.cc.
#include <limits>

#include "ops/fixed_point.h"
#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct ReluState {
  Multiplier multiplier;  // input scale / output scale
  int32_t low = 0, high = 0;
  Table8 table;
};

constexpr float kInfinity = std::numeric_limits<float>::infinity();

Status infer_wide(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int8, Type::uint8, Type::int16});
}

Status infer_narrow(OpContext& op) {
  return infer_unary(op, {Type::float32, Type::int8, Type::uint8});
}

template <class T>
T requantized(const OpContext& op, const ReluState& s, int32_t q) {
  const int64_t scaled = apply(s.multiplier, q - op.input(0).quantization.zero_point());
  return static_cast<T>(
      std::clamp<int64_t>(scaled + op.output(0).quantization.zero_point(), s.low, s.high));
}

Status prepare_between(OpContext& op, float low, float high) {
  auto* s = op.make_state<ReluState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(ReluState));
  const Tensor &x = op.input(0), &y = op.output(0);
  if (x.type == Type::float32) return {};
  CYGNET_TRY(quantize_multiplier(
      static_cast<double>(x.quantization.scale() / y.quantization.scale()), &s->multiplier));
  const bool wide = y.type == Type::int16;
  const int64_t least = wide                   ? -32768
                        : y.type == Type::int8 ? -128
                                               : 0,
                most = wide ? 32767 : least + 255;
  const int64_t zero = y.quantization.zero_point();
  s->low = static_cast<int32_t>(
      std::clamp(zero + round_to_int32(low / y.quantization.scale()), least, most));
  s->high = high == kInfinity
                ? static_cast<int32_t>(most)
                : static_cast<int32_t>(std::clamp(
                      zero + round_to_int32(high / y.quantization.scale()), least, most));
  if (!wide)
    fill_table(
        x.type, [&](int q) { return requantized<int32_t>(op, *s, q); }, &s->table);
  return {};
}

void invoke_between(OpContext& op, float low, float high) {
  const auto& s = op.state<ReluState>();
  const Type type = op.input(0).type;
  if (type == Type::float32)
    return map_f32(op, MapOp::clamp, {.lo = low, .hi = high},
                   [&](float x) { return std::min(std::max(x, low), high); });
  if (type != Type::int16) return apply_table(op, s.table);
  const int16_t* x = op.input(0).as<int16_t>();
  int16_t* y = op.output(0).as<int16_t>();
  each_piece(op, [&](int64_t at, int64_t n) {
    for (int64_t i = at; i < at + n; ++i) y[i] = requantized<int16_t>(op, s, x[i]);
  });
}

template <int kLow, int kHigh>
struct Relu {  // kHigh 0: none
  static constexpr float low() { return static_cast<float>(kLow); }
  static constexpr float high() { return kHigh == 0 ? kInfinity : static_cast<float>(kHigh); }
  static Status prepare(OpContext& op) { return prepare_between(op, low(), high()); }
  static Status invoke(OpContext& op) {
    invoke_between(op, low(), high());
    return {};
  }
  static constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                                    int32_t max_version, Status (*infer)(OpContext&)) {
    return {.name = name,
            .builtin = static_cast<int32_t>(builtin),
            .max_version = max_version,
            .sharing = Sharing::elementwise,
            .infer = infer,
            .prepare = prepare,
            .invoke = invoke,
            .by_parts = any_part};
  }
};

}  // namespace

extern const OpDef kRelu;
extern const OpDef kRelu =
    Relu<0, 0>::definition("RELU", schema::BuiltinOperator::RELU, 3, infer_wide);
extern const OpDef kRelu6;
extern const OpDef kRelu6 =
    Relu<0, 6>::definition("RELU6", schema::BuiltinOperator::RELU6, 3, infer_wide);
extern const OpDef kReluN1To1;
extern const OpDef kReluN1To1 =
    Relu<-1, 1>::definition("RELU_N1_TO_1", schema::BuiltinOperator::RELU_N1_TO_1, 1, infer_narrow);
extern const OpDef kRelu0To1;
extern const OpDef kRelu0To1 =
    Relu<0, 1>::definition("RELU_0_TO_1", schema::BuiltinOperator::RELU_0_TO_1, 1, infer_narrow);

}  // namespace cygnet::ops
