// SPDX-License-Identifier: Apache-2.0
// TOPK_V2: the k largest elements of each row, largest first; of equal ones the first comes first.
//   input 0: [..., n], rank ≥ 1, float32, int8, uint8, int16, int32 or int64; input 1: k, one int16
//   or int32 in [0, n]
//   output 0: [..., k], the elements, of input 0's type; output 1: [..., k], where they lie in the
//   row, int16 or int32. NaN comes after all numbers.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct State {
  int order = -1;  // scratch: n numbers of elements for each thread
};

Status infer(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(
      expect_type("input 0", x,
                  {Type::float32, Type::int8, Type::uint8, Type::int16, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", x, "output 0", op.output(0)));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int16, Type::int32}));
  CYGNET_TRY(expect_elements("input 1", op.input(1), 1));
  CYGNET_TRY(expect_type("output 1", op.output(1), {Type::int16, Type::int32}));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  const int32_t n = x.shape[x.shape.rank - 1];
  if (op.output(1).type == Type::int16)
    CYGNET_TRY(expect_range("row length for int16 indices", n, 0, INT16_MAX));
  if (!op.known(1)) return op.defer();
  const int64_t k = integer_at(op.input(1), 0);
  CYGNET_TRY(expect_range("k", k, 0, n));
  Shape shape = x.shape;
  shape[shape.rank - 1] = static_cast<int32_t>(k);
  CYGNET_TRY(op.set_output(0, shape));
  return op.set_output(1, shape);
}

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return {};
  const Shape& shape = op.input(0).shape;
  const auto row = static_cast<size_t>(shape[shape.rank - 1]) * sizeof(int32_t);
  return op.request_scratch(row * static_cast<size_t>(op.threads()), &state->order);
}

template <class T>
void rank_rows(OpContext& op) {
  const Shape& shape = op.input(0).shape;
  const int64_t n = shape[shape.rank - 1];
  const int64_t k = op.output(0).shape[shape.rank - 1];
  const int64_t rows = shape.elements(0, shape.rank - 1);
  op.parallel_for(rows, [&](int64_t begin, int64_t end, int thread) {
    int32_t* order = op.scratch<int32_t>(op.state<State>().order) + n * thread;
    for (int64_t row = begin; row < end; ++row) {
      const T* x = op.input(0).as<T>() + row * n;
      for (int64_t i = 0; i < n; ++i) order[i] = static_cast<int32_t>(i);
      // A strict order of all elements, NaN included: x ≠ x only of NaN.
      std::partial_sort(order, order + k, order + n, [x](int32_t a, int32_t b) {
        if (x[a] > x[b]) return true;
        if (x[a] < x[b]) return false;
        const bool a_nan = x[a] != x[a], b_nan = x[b] != x[b];
        return a_nan == b_nan ? a < b : b_nan;
      });
      for (int64_t i = 0; i < k; ++i) {
        op.output(0).as<T>()[row * k + i] = x[order[i]];
        if (op.output(1).type == Type::int16)
          op.output(1).as<int16_t>()[row * k + i] = static_cast<int16_t>(order[i]);
        else
          op.output(1).as<int32_t>()[row * k + i] = order[i];
      }
    }
  });
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  switch (op.input(0).type) {
    case Type::float32:
      rank_rows<float>(op);
      break;
    case Type::int8:
      rank_rows<int8_t>(op);
      break;
    case Type::uint8:
      rank_rows<uint8_t>(op);
      break;
    case Type::int16:
      rank_rows<int16_t>(op);
      break;
    case Type::int32:
      rank_rows<int32_t>(op);
      break;
    default:
      rank_rows<int64_t>(op);
  }
  return {};
}

}  // namespace

extern const OpDef kTopkV2;
const OpDef kTopkV2 = {
    .name = "TOPK_V2",
    .builtin = 48,
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::TopKV2Options),
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 2,
    .max_outputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
