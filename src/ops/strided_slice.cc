// SPDX-License-Identifier: Apache-2.0
// STRIDED_SLICE: in[begin0:end0:stride0, …], as Python's slices and NumPy's indexing have it.
//   input 0: any shape, any type of whole bytes or STRING; inputs 1, 2, 3: begin, end, strides,
//   int32 or int64 [n], one entry for each item of the index; strides ≠ 0
// Options, bit i for item i: begin_mask, end_mask: from the start, to the end of the dimension;
// ellipsis_mask: as many whole dimensions as are left over (at most one); new_axis_mask: a
// dimension of size 1; shrink_axis_mask: the element at begin, without a dimension. With `offset`,
// end counts from begin and end_mask has no effect. Dimensions that no item names are taken whole.
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

constexpr int kMaxItems = 2 * kMaxRank;

// What is taken of one dimension: first, first + step, …, count of them.
struct Range {
  int64_t first = 0;
  int64_t step = 1;
  int64_t count = 0;
};

struct State {
  Range ranges[kMaxRank];  // by dimension of input 0
};

bool bit(int32_t mask, int i) {
  return (mask >> i & 1) != 0;
}

Status check_operands(const OpContext& op) {
  CYGNET_TRY(expect_moved_type(op, 0, {Type::string}));
  CYGNET_TRY(expect_rank_between("input 1", op.input(1), 1, 1));
  const int32_t n = op.input(1).shape[0];
  CYGNET_TRY(expect_range("length of input 1", n, 0, kMaxItems));
  CYGNET_TRY(expect_integer_vector("input 1", op.input(1), n));
  CYGNET_TRY(expect_integer_vector("input 2", op.input(2), n));
  CYGNET_TRY(expect_integer_vector("input 3", op.input(3), n));
  const auto& o = op.options<schema::StridedSliceOptions>();
  const int64_t all = (int64_t{1} << n) - 1;
  CYGNET_TRY(expect_range("begin_mask", o.begin_mask(), 0, all));
  CYGNET_TRY(expect_range("end_mask", o.end_mask(), 0, all));
  CYGNET_TRY(expect_range("ellipsis_mask", o.ellipsis_mask(), 0, all));
  CYGNET_TRY(expect_range("new_axis_mask", o.new_axis_mask(), 0, all));
  CYGNET_TRY(expect_range("shrink_axis_mask", o.shrink_axis_mask(), 0, all));
  if ((o.ellipsis_mask() & (o.ellipsis_mask() - 1)) != 0)
    return bad_model("ellipsis_mask: more than one bit is set");
  return {};
}

// Item i of the index applied to a dimension of size n.
Status resolve(const OpContext& op, int i, int64_t n, Range* range) {
  const auto& o = op.options<schema::StridedSliceOptions>();
  int64_t begin = integer_at(op.input(1), i);
  int64_t end = integer_at(op.input(2), i);
  const int64_t step = integer_at(op.input(3), i);
  // Beyond ±2^32 nothing changes, and sums stay exact.
  const auto bounded = [](int64_t x) {
    return std::clamp<int64_t>(x, -(int64_t{1} << 32), int64_t{1} << 32);
  };
  begin = bounded(begin);
  end = bounded(end);
  if (step == 0) return bad_model("strides: entry %d is 0", i);
  range->step = bounded(step);
  if (bit(o.shrink_axis_mask(), i)) {
    const int64_t at = begin < 0 ? begin + n : begin;
    if (step < 0) return bad_model("strides: entry %d is negative where one element is taken", i);
    if (bit(o.begin_mask(), i))
      begin = 0;
    else if (at < 0 || at >= n)
      return bad_model("begin: index %lld is not in a dimension of %lld",
                       static_cast<long long>(begin), static_cast<long long>(n));
    else
      begin = at;
    *range = {begin, 1, std::min<int64_t>(n, 1)};
    return n > 0 ? Status() : bad_model("begin: an element is taken of an empty dimension");
  }
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? n : n - 1;
  if (bit(o.begin_mask(), i))
    begin = step > 0 ? low : high;
  else if (begin < 0)
    begin += n;
  begin = std::clamp(begin, low, high);
  if (o.offset())
    end += begin;
  else if (bit(o.end_mask(), i))
    end = step > 0 ? high : low;
  else if (end < 0)
    end += n;
  end = std::clamp(end, low, high);
  const int64_t distance = step > 0 ? end - begin : begin - end;
  const int64_t length = step > 0 ? range->step : -range->step;
  range->first = begin;
  range->count = distance <= 0 ? 0 : (distance + length - 1) / length;
  if (range->count <= 1) range->step = 1;  // so that step · stride is bounded by the tensor's size
  return {};
}

// Works out the ranges of input 0's dimensions and, where asked for, the output's shape.
Status apply_index(const OpContext& op, State* state, Shape* shape) {
  const auto& o = op.options<schema::StridedSliceOptions>();
  const Shape& in = op.input(0).shape;
  const int items = op.input(1).shape[0];
  int named = 0;
  for (int i = 0; i < items; ++i)
    named += bit(o.ellipsis_mask(), i) || bit(o.new_axis_mask(), i) ? 0 : 1;
  if (named > in.rank)
    return bad_model("the index names %d dimensions, input 0 has shape %s", named,
                     shape_text(in).text);
  const auto push = [&](int64_t d) {
    if (shape->rank == kMaxRank)
      return bad_model("T2: output 0 has more than %d dimensions", kMaxRank);
    shape->push(static_cast<int32_t>(d));
    return Status();
  };
  int d = 0;
  const auto take_whole = [&](int count) {
    for (; count > 0; --count, ++d) {
      state->ranges[d] = {0, 1, in[d]};
      CYGNET_TRY(push(in[d]));
    }
    return Status();
  };
  for (int i = 0; i < items; ++i) {
    if (bit(o.ellipsis_mask(), i)) {
      CYGNET_TRY(take_whole(in.rank - named));
      named = in.rank;
    } else if (bit(o.new_axis_mask(), i)) {
      CYGNET_TRY(push(1));
    } else {
      CYGNET_TRY(resolve(op, i, in[d], &state->ranges[d]));
      if (!bit(o.shrink_axis_mask(), i)) CYGNET_TRY(push(state->ranges[d].count));
      ++d;
    }
  }
  return take_whole(in.rank - d);
}

Status infer(OpContext& op) {
  CYGNET_TRY(check_operands(op));
  if (!op.known(1) || !op.known(2) || !op.known(3)) return op.defer();
  State state;
  Shape shape;
  CYGNET_TRY(apply_index(op, &state, &shape));
  return op.set_output(0, shape);
}

Status prepare(OpContext& op) {
  CYGNET_TRY(Elements::prepare(op));
  auto* state = op.make_state<State>();
  if (state == nullptr) return {};
  Shape shape;
  return apply_index(op, state, &shape);
}

Status invoke(OpContext& op) {
  Elements elements(op);
  if (op.output(0).shape.elements() == 0) return elements.finish();
  const State& state = op.state<State>();
  const Shape& in = op.input(0).shape;
  StridedCopy copy;
  copy.element_bytes = elements.bytes();
  int64_t first = 0;
  for (int d = 0; d < in.rank; ++d) {
    const int64_t stride = in.elements(d + 1, in.rank);
    first += state.ranges[d].first * stride;
    copy.push(state.ranges[d].count, state.ranges[d].step * stride, 0);
  }
  copy.make_dense_output();
  run_copy(op, copy, elements.in(0) + first * copy.element_bytes, elements.out());
  return elements.finish();
}

}  // namespace

extern const OpDef kStridedSlice;
const OpDef kStridedSlice = {
    .name = "STRIDED_SLICE",
    .builtin = 45,
    .max_version = 8,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::StridedSliceOptions),
    .min_inputs = 4,
    .max_inputs = 4,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
