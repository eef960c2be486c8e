// SPDX-License-Identifier: Apache-2.0
// SEGMENT_SUM: sums of the rows that have the same id.
//   input 0: data [n, …], f32 or int32; input 1: ids [n], int32, 0 ≤ ids[0] ≤ ids[1] ≤ …
//   output 0: [ids[n − 1] + 1, …] of data's type; a segment without rows is 0
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/binary.h"
#include "ops/movement.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& data = op.input(0);
  const Tensor& ids = op.input(1);
  CYGNET_TRY(expect_type("input 0", data, {Type::float32, Type::int32}));
  CYGNET_TRY(expect_same_type("input 0", data, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", ids, {Type::int32}));
  CYGNET_TRY(expect_rank_between("input 0", data, 1, kMaxRank));
  CYGNET_TRY(expect_shape("input 1", ids, Shape{data.shape[0]}));
  if (!op.known(1)) return op.defer();
  int32_t last = 0;
  for (int32_t i = 0; i < data.shape[0]; ++i) {
    const int32_t id = ids.as<int32_t>()[i];
    if (id < last || id == INT32_MAX)
      return bad_model(
          "input 1: expected ids that are not negative and don't fall, got %d behind %d", id, last);
    last = id;
  }
  Shape shape = data.shape;
  shape[0] = data.shape[0] == 0 ? 0 : last + 1;
  return op.set_output(0, shape);
}

template <class T>
void sum(OpContext& op) {
  const Shape& shape = op.input(0).shape;
  const int64_t row = shape.elements(1, shape.rank);
  const T* x = op.input(0).as<T>();
  T* y = op.output(0).as<T>();
  for (int32_t i = 0; i < shape[0]; ++i) {
    T* into = y + op.input(1).as<int32_t>()[i] * row;
    for (int64_t k = 0; k < row; ++k) {
      if constexpr (std::is_same_v<T, float>)
        into[k] += x[i * row + k];
      else
        into[k] = wrapping_add(into[k], x[i * row + k]);
    }
  }
}

Status invoke(OpContext& op) {
  Tensor& y = op.output(0);
  if (y.bytes > 0) std::memset(y.data, 0, y.bytes);
  // Ids that are not constant may differ from those the shape was worked out with.
  const int32_t rows = y.shape[0];
  for (int32_t i = 0; i < op.input(0).shape[0]; ++i)
    CYGNET_TRY(expect_range("input 1: id", op.input(1).as<int32_t>()[i], 0, int64_t{rows} - 1));
  if (op.input(0).type == Type::float32)
    sum<float>(op);
  else
    sum<int32_t>(op);
  return {};
}

}  // namespace

extern const OpDef kSegmentSum;
const OpDef kSegmentSum = {
    .name = "SEGMENT_SUM",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::SEGMENT_SUM),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SegmentSumOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
