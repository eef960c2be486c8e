// SPDX-License-Identifier: Apache-2.0
// DIV, FLOOR_DIV: a, b broadcast to one shape → act(a / b), ⌊a / b⌋. Types f32, int32 (DIV rounds
// towards zero); FLOOR_DIV also int8, int16 (plain integers). An integer divisor of 0 is an error of
// the run; the smallest integer divided by −1 wraps. Sources: tensorflow/lite/kernels/div.cc,
// floor_div.cc.
#include <atomic>
#include <cmath>

#include "ops/binary.h"

namespace cygnet::ops {
namespace {

Status infer_div(OpContext& op) { return infer_binary(op, {Type::float32, Type::int32}); }

Status infer_floor_div(OpContext& op) {
  const Tensor &a = op.input(0), &b = op.input(1);
  CYGNET_TRY(expect_type("input 0", a, {Type::float32, Type::int32, Type::int16, Type::int8}));
  CYGNET_TRY(expect_same_type("input 0", a, "input 1", b));
  CYGNET_TRY(expect_same_type("input 0", a, "output 0", op.output(0)));
  Shape shape;
  CYGNET_TRY(broadcast_shape(a.shape, b.shape, &shape));
  return op.set_output(0, shape);
}

Status prepare_div(OpContext& op) {
  auto* s = op.make_state<BinaryState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BinaryState));
  return prepare_binary(op, op.options<schema::DivOptions>().fused_activation_function(), s);
}

Status prepare_floor_div(OpContext& op) {
  auto* s = op.make_state<BinaryState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(BinaryState));
  s->broadcast = make_broadcast(op.input(0).shape, op.input(1).shape, op.output(0).shape);
  return {};
}

template <class T> T truncated(T a, T b) { return b == -1 ? wrapping_sub(T{0}, a) : static_cast<T>(a / b); }

template <class T> T floored(T a, T b) {
  if constexpr (std::is_same_v<T, float>) return std::floor(a / b);
  else {
    const T q = truncated(a, b);
    return b != -1 && a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(q - 1) : q;
  }
}

// f(a, b) for all pairs; an error when an integer divisor is 0.
template <class T, class F> Status divide(OpContext& op, const BinaryState& s, F f) {
  const T *a = op.input(0).as<T>(), *b = op.input(1).as<T>();
  T* out = op.output(0).as<T>();
  std::atomic<int64_t> zero_at{-1};
  each_pair(op, s.broadcast, [&](int64_t i, int64_t j, int64_t k) {
    if (!std::is_same_v<T, float> && b[j] == T{0}) zero_at.store(j, std::memory_order_relaxed);
    else out[k] = f(a[i], b[j]);
  });
  if (zero_at.load() < 0) return {};
  return Status::error(Code::invalid_argument, "division by zero: element %lld of input 1 is 0", static_cast<long long>(zero_at.load()));
}

Status invoke_div(OpContext& op) {
  const auto& s = op.state<BinaryState>();
  if (op.output(0).type == Type::float32) {
    invoke_f32<ZipOp::div>(op, s);
    return {};
  }
  return divide<int32_t>(op, s, [&](int32_t a, int32_t b) { return static_cast<int32_t>(s.integer(truncated(a, b))); });
}

Status invoke_floor_div(OpContext& op) {
  const auto& s = op.state<BinaryState>();
  switch (op.output(0).type) {
    case Type::float32: return divide<float>(op, s, floored<float>);
    case Type::int32: return divide<int32_t>(op, s, floored<int32_t>);
    case Type::int16: return divide<int16_t>(op, s, floored<int16_t>);
    default: return divide<int8_t>(op, s, floored<int8_t>);
  }
}

}  // namespace

extern const OpDef kDiv;
extern const OpDef kDiv = {.name = "DIV",
                           .builtin = static_cast<int32_t>(schema::BuiltinOperator::DIV),
                           .max_version = 2,
                           .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DivOptions),
                           .sharing = Sharing::elementwise,
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = infer_div,
                           .prepare = prepare_div,
                           .invoke = invoke_div};

extern const OpDef kFloorDiv;
extern const OpDef kFloorDiv = {.name = "FLOOR_DIV",
                                .builtin = static_cast<int32_t>(schema::BuiltinOperator::FLOOR_DIV),
                                .max_version = 3,
                                .options_type = static_cast<uint8_t>(schema::BuiltinOptions::FloorDivOptions),
                                .sharing = Sharing::elementwise,
                                .min_inputs = 2,
                                .max_inputs = 2,
                                .infer = infer_floor_div,
                                .prepare = prepare_floor_div,
                                .invoke = invoke_floor_div};

}  // namespace cygnet::ops
