// SPDX-License-Identifier: Apache-2.0
// SELECT, SELECT_V2: condition (bool), x, y → x where the condition holds, y elsewhere. x and y of
// one type: f16, bf16, f32, f64, signed and unsigned integers of 8 to 64 bits, bool, complex64;
// quantized ones and the result have the same scale and zero point. SELECT_V2 broadcasts all three.
// SELECT takes x and y of one shape and a condition of that shape, a scalar, or one element for
// each slice along the first dimension; where all three have one element, it broadcasts.
// Source: tensorflow/lite/kernels/select.cc.
#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// The three operands on the merged dimensions of the result.
struct SelectState {
  int rank = 0;
  int64_t dims[kMaxRank] = {};
  int64_t strides[3][kMaxRank] = {};  // in elements; 0 where the operand repeats
  int64_t rows = 0;                   // of dims[rank − 1] elements
};

bool is_row_condition(const OpContext& op) {
  const Shape &condition = op.input(0).shape, &x = op.input(1).shape;
  return condition.rank == 1 && x.rank >= 1 && condition[0] == x[0];
}

Status infer_types(OpContext& op) {
  const Tensor &x = op.input(1), &y = op.input(2);
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::boolean}));
  if (type_bits(x.type) < 8 || type_bits(x.type) > 64) CYGNET_TRY(expect_type("input 1", x, {}));
  CYGNET_TRY(expect_same_type("input 1", x, "input 2", y));
  const Tensor& out = op.output(0);
  CYGNET_TRY(expect_same_type("input 1", x, "output 0", out));
  if (!is_quantized_type(x.type) ||
      (x.quantization.count | y.quantization.count | out.quantization.count) == 0)
    return {};
  CYGNET_TRY(expect_per_tensor("input 1", x));
  CYGNET_TRY(expect_per_tensor("input 2", y));
  CYGNET_TRY(expect_per_tensor("output 0", out));
  CYGNET_TRY(expect_same_quantization("input 1", x, "input 2", y));
  return expect_same_quantization("input 1", x, "output 0", out);
}

Status infer_select_v2(OpContext& op) {
  CYGNET_TRY(infer_types(op));
  Shape values, shape;
  CYGNET_TRY(broadcast_shape(op.input(1).shape, op.input(2).shape, &values));
  CYGNET_TRY(broadcast_shape(op.input(0).shape, values, &shape));
  return op.set_output(0, shape);
}

Status infer_select(OpContext& op) {
  const Tensor &condition = op.input(0), &x = op.input(1);
  if (condition.shape.elements() == 1 && x.shape.elements() == 1 &&
      op.input(2).shape.elements() == 1)
    return infer_select_v2(op);
  CYGNET_TRY(infer_types(op));
  CYGNET_TRY(expect_shape("input 2", op.input(2), x.shape));
  if (condition.shape.rank != 0 && !is_row_condition(op))
    CYGNET_TRY(expect_shape("input 0", condition, x.shape));
  return op.set_output(0, x.shape);
}

template <bool kRows>
Status prepare(OpContext& op) {
  auto* s = op.make_state<SelectState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(SelectState));
  const Shape& out = op.output(0).shape;
  Shape shapes[3] = {op.input(0).shape, op.input(1).shape, op.input(2).shape};
  if (kRows && is_row_condition(op))
    while (shapes[0].rank < out.rank) shapes[0].push(1);
  int merged = -1;  // bit i: operand i varies along the dimension merged last
  for (int d = 0; d < out.rank; ++d) {
    if (out[d] == 1) continue;
    int varying = 0;
    for (int i = 0; i < 3; ++i) {
      const int own = d - (out.rank - shapes[i].rank);
      if (own >= 0 && shapes[i][own] != 1) varying |= 1 << i;
    }
    if (varying != merged) s->dims[s->rank++] = 1;
    merged = varying;
    s->dims[s->rank - 1] *= out[d];
    for (int i = 0; i < 3; ++i) s->strides[i][s->rank - 1] = varying >> i & 1;
  }
  if (s->rank == 0) s->dims[s->rank++] = 1;
  s->rows = 1;
  for (int d = 0; d + 1 < s->rank; ++d) s->rows *= s->dims[d];
  for (auto& strides : s->strides) {
    int64_t stride = 1;
    for (int d = s->rank - 1; d >= 0; --d)
      if (strides[d] != 0) strides[d] = stride, stride *= s->dims[d];
  }
  return {};
}

// T: an integer of the elements' size.
template <class T>
void select(OpContext& op) {
  const auto& s = op.state<SelectState>();
  const uint8_t* condition = op.input(0).as<uint8_t>();
  const T *x = op.input(1).as<T>(), *y = op.input(2).as<T>();
  T* out = op.output(0).as<T>();
  constexpr int64_t kPiece = 1 << 14;
  const int last = s.rank - 1;
  const int64_t row = s.dims[last], pieces = (row + kPiece - 1) / kPiece;
  op.parallel_for(s.rows * pieces, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % pieces * kPiece, n = std::min(kPiece, row - first);
      int64_t at[3];
      for (int i = 0; i < 3; ++i) {
        at[i] = first * s.strides[i][last];
        int64_t rest = task / pieces;
        for (int d = last - 1; d >= 0; rest /= s.dims[d--])
          at[i] += rest % s.dims[d] * s.strides[i][d];
      }
      T* to = out + task / pieces * row + first;
      for (int64_t i = 0; i < n; ++i)
        to[i] = condition[at[0] + i * s.strides[0][last]] != 0 ? x[at[1] + i * s.strides[1][last]]
                                                               : y[at[2] + i * s.strides[2][last]];
    }
  });
}

Status invoke(OpContext& op) {
  switch (type_bits(op.output(0).type)) {
    case 8:
      select<uint8_t>(op);
      break;
    case 16:
      select<uint16_t>(op);
      break;
    case 32:
      select<uint32_t>(op);
      break;
    default:
      select<uint64_t>(op);
  }
  return {};
}

}  // namespace

extern const OpDef kSelect;
extern const OpDef kSelect = {
    .name = "SELECT",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::SELECT),
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SelectOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_select,
    .prepare = prepare<true>,
    .invoke = invoke};

extern const OpDef kSelectV2;
extern const OpDef kSelectV2 = {
    .name = "SELECT_V2",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::SELECT_V2),
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SelectV2Options),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_select_v2,
    .prepare = prepare<false>,
    .invoke = invoke};

}  // namespace cygnet::ops
