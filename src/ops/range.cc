// SPDX-License-Identifier: Apache-2.0
// RANGE: start, start + delta, start + 2·delta, …, short of limit.
//   inputs 0, 1, 2: start, limit, delta, scalars of one type: float32, int32 or int64; delta ≠ 0
//   and leads from start to limit output 0: [⌈(limit − start) / delta⌉] of their type. Floats are
//   added up one by one.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <cmath>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status direction_error() {
  return bad_model("delta is 0 or leads away from limit");
}

Status too_long() {
  return bad_model("T3: output 0 has more than %d elements", INT32_MAX);
}

Status count_real(const OpContext& op, int64_t* count) {
  const float start = *op.input(0).as<float>();
  const float limit = *op.input(1).as<float>();
  const float delta = *op.input(2).as<float>();
  if (!std::isfinite(start) || !std::isfinite(limit) || !std::isfinite(delta))
    return bad_model("start, limit or delta is not finite");
  if (!((start >= limit && delta < 0) || (start <= limit && delta > 0))) return direction_error();
  const float n = std::ceil(std::abs((limit - start) / delta));
  if (!(n <= 2147483520.0f)) return too_long();
  *count = static_cast<int64_t>(n);
  return {};
}

Status count_integers(const OpContext& op, int64_t* count) {
  const int64_t start = integer_at(op.input(0), 0);
  const int64_t limit = integer_at(op.input(1), 0);
  const int64_t delta = integer_at(op.input(2), 0);
  if (!((start >= limit && delta < 0) || (start <= limit && delta > 0))) return direction_error();
  // Unsigned differences hold what int64 does not.
  const auto a = static_cast<uint64_t>(start), b = static_cast<uint64_t>(limit);
  const uint64_t distance = delta > 0 ? b - a : a - b;
  const uint64_t step = delta > 0 ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
  const uint64_t n = distance / step + (distance % step != 0 ? 1 : 0);
  if (n > INT32_MAX) return too_long();
  *count = static_cast<int64_t>(n);
  return {};
}

Status infer(OpContext& op) {
  const Tensor& start = op.input(0);
  CYGNET_TRY(expect_type("input 0", start, {Type::float32, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", start, "input 1", op.input(1)));
  CYGNET_TRY(expect_same_type("input 0", start, "input 2", op.input(2)));
  CYGNET_TRY(expect_same_type("input 0", start, "output 0", op.output(0)));
  CYGNET_TRY(expect_elements("input 0", start, 1));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  CYGNET_TRY(expect_elements("input 2", op.input(2), 1));
  if (!op.known(0) || !op.known(1) || !op.known(2)) return op.defer();
  int64_t count = 0;
  CYGNET_TRY(start.type == Type::float32 ? count_real(op, &count) : count_integers(op, &count));
  return op.set_output(0, Shape{static_cast<int32_t>(count)});
}

// Unsigned, because the sum past the last element may overflow.
template <class T, class U>
void count_up(OpContext& op) {
  U value = static_cast<U>(*op.input(0).as<T>());
  const U delta = static_cast<U>(*op.input(2).as<T>());
  T* out = op.output(0).as<T>();
  for (int64_t i = 0; i < op.output(0).shape[0]; ++i, value += delta)
    out[i] = static_cast<T>(value);
}

Status invoke(OpContext& op) {
  if (op.output(0).type == Type::float32)
    count_up<float, float>(op);
  else if (op.output(0).type == Type::int64)
    count_up<int64_t, uint64_t>(op);
  else
    count_up<int32_t, uint32_t>(op);
  return {};
}

}  // namespace

extern const OpDef kRange;
const OpDef kRange = {
    .name = "RANGE",
    .builtin = 96,
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::RangeOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
