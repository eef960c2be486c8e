// SPDX-License-Identifier: Apache-2.0
// CUMSUM: x, axis (one int32) → y[i] = x[0] + … + x[i] along the axis; `exclusive`: without x[i];
// `reverse`: from the far end. Types f32, int32, int64 (which wrap).
// Source: tensorflow/lite/kernels/cumsum.cc.
#include "ops/binary.h"

namespace cygnet::ops {
namespace {

Status axis_of(const OpContext& op, int* axis) {
  return resolve_axis("input 1: axis", *op.input(1).as<int32_t>(), op.input(0).shape.rank, axis);
}

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  int axis = 0;
  if (op.known(1)) CYGNET_TRY(axis_of(op, &axis));
  return op.set_output(0, x.shape);
}

template <class T>
T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, float>)
    return a + b;
  else
    return wrapping_add(a, b);
}

template <class T>
void accumulate(OpContext& op, int axis) {
  const auto& options = op.options<schema::CumsumOptions>();
  const bool exclusive = options.exclusive(), reverse = options.reverse();
  const Shape& shape = op.input(0).shape;
  const int64_t n = shape[axis], inner = shape.elements(axis + 1, shape.rank);
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  op.parallel_for(shape.elements(0, axis) * inner, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t first = row / inner * n * inner + row % inner;
      T sum{0};
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = first + (reverse ? n - 1 - i : i) * inner;
        const T next = sum_of(sum, x[at]);
        y[at] = exclusive ? sum : next;
        sum = next;
      }
    }
  });
}

Status invoke(OpContext& op) {
  int axis = 0;
  CYGNET_TRY(axis_of(op, &axis));
  switch (op.input(0).type) {
    case Type::float32:
      accumulate<float>(op, axis);
      break;
    case Type::int32:
      accumulate<int32_t>(op, axis);
      break;
    default:
      accumulate<int64_t>(op, axis);
  }
  return {};
}

}  // namespace

extern const OpDef kCumsum;
extern const OpDef kCumsum = {
    .name = "CUMSUM",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::CUMSUM),
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::CumsumOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
