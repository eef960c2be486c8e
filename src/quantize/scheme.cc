// SPDX-License-Identifier: Apache-2.0
#include "quantize/scheme.h"

namespace cygnet {
namespace {

constexpr Scheme layer(Builtin op, int bias, int axis) {
  return {.op = op, .weights = 1, .bias = bias, .channel_axis = axis};
}
constexpr Scheme own(Builtin op) {
  return {.op = op};
}
constexpr Scheme own_int8(Builtin op) {
  return {.op = op, .int16 = false};
}
constexpr Scheme same(Builtin op) {
  return {.op = op, .rule = ScaleRule::same};
}
constexpr Scheme same_int8(Builtin op) {
  return {.op = op, .rule = ScaleRule::same, .int16 = false};
}
constexpr Scheme fixed(Builtin op) {
  return {.op = op, .rule = ScaleRule::fixed};
}
constexpr Scheme fixed_int8(Builtin op) {
  return {.op = op, .rule = ScaleRule::fixed, .int16 = false};
}

constexpr Scheme kSchemes[] = {
    layer(Builtin::CONV_2D, 2, 0),
    layer(Builtin::DEPTHWISE_CONV_2D, 2, 3),
    layer(Builtin::FULLY_CONNECTED, 2, 0),
    layer(Builtin::TRANSPOSE_CONV, 3, 0),

    fixed(Builtin::LOGISTIC),
    fixed(Builtin::SOFTMAX),
    fixed(Builtin::TANH),
    fixed_int8(Builtin::L2_NORMALIZATION),
    fixed_int8(Builtin::LOG_SOFTMAX),

    own(Builtin::ADD),
    own(Builtin::BATCH_MATMUL),
    own(Builtin::LEAKY_RELU),
    own(Builtin::MEAN),
    own(Builtin::MUL),
    own(Builtin::PRELU),
    own(Builtin::RELU),
    own(Builtin::RELU6),
    own(Builtin::SUB),
    own(Builtin::SUM),
    own_int8(Builtin::ABS),
    own_int8(Builtin::ELU),
    own_int8(Builtin::EXP),
    own(Builtin::FAKE_QUANT),  // what is left of it is from one type to another: QUANTIZE
    own_int8(Builtin::GELU),
    own_int8(Builtin::HARD_SWISH),
    own_int8(Builtin::LOG),
    own_int8(Builtin::RELU_0_TO_1),
    own_int8(Builtin::RELU_N1_TO_1),
    own_int8(Builtin::RSQRT),
    own_int8(Builtin::SQRT),
    own_int8(Builtin::SQUARED_DIFFERENCE),
    own_int8(Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM),  // and what quantize/lstm.h says

    // Results that are no real numbers.
    own_int8(Builtin::ARG_MAX),
    own_int8(Builtin::ARG_MIN),
    own_int8(Builtin::EQUAL),
    own_int8(Builtin::GREATER),
    own_int8(Builtin::GREATER_EQUAL),
    own_int8(Builtin::LESS),
    own_int8(Builtin::LESS_EQUAL),
    own_int8(Builtin::NOT_EQUAL),

    same(Builtin::AVERAGE_POOL_2D),
    same(Builtin::BATCH_TO_SPACE_ND),
    same(Builtin::CONCATENATION),
    same(Builtin::EXPAND_DIMS),
    same(Builtin::GATHER),
    same(Builtin::MAXIMUM),
    same(Builtin::MAX_POOL_2D),
    same(Builtin::MINIMUM),
    same(Builtin::MIRROR_PAD),
    same(Builtin::PACK),
    same(Builtin::PAD),
    same(Builtin::PADV2),
    same(Builtin::REDUCE_MAX),
    same(Builtin::REDUCE_MIN),
    same(Builtin::RESHAPE),
    same(Builtin::RESIZE_BILINEAR),
    same(Builtin::RESIZE_NEAREST_NEIGHBOR),
    same(Builtin::REVERSE_V2),
    same(Builtin::SELECT_V2),
    same(Builtin::SLICE),
    same(Builtin::SPACE_TO_BATCH_ND),
    same(Builtin::SPLIT),
    same(Builtin::SPLIT_V),
    same(Builtin::SQUEEZE),
    same(Builtin::STRIDED_SLICE),
    same(Builtin::TILE),
    same(Builtin::TRANSPOSE),
    same(Builtin::UNPACK),
    same_int8(Builtin::BROADCAST_TO),
    same_int8(Builtin::DEPTH_TO_SPACE),
    same_int8(Builtin::GATHER_ND),
    same_int8(Builtin::SPACE_TO_DEPTH),
    same_int8(Builtin::TOPK_V2),
};

constexpr float power(int exponent) {
  float v = 1;
  for (; exponent < 0; ++exponent) v /= 2;
  return v;
}

}  // namespace

const Scheme* find_scheme(Builtin op) {
  for (const Scheme& scheme : kSchemes)
    if (scheme.op == op) return &scheme;
  return nullptr;
}

QuantizedType fixed_type(Builtin op, Type activations) {
  if (activations == Type::int16) return {Type::int16, {power(-15)}, {0}, 0};
  switch (op) {
    case Builtin::TANH:
    case Builtin::L2_NORMALIZATION:
      return {Type::int8, {power(-7)}, {0}, 0};
    case Builtin::LOG_SOFTMAX:
      return {Type::int8, {power(-4)}, {127}, 0};
    default:
      return {Type::int8, {power(-8)}, {-128}, 0};
  }
}

}  // namespace cygnet
