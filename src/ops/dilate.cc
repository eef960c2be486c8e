// SPDX-License-Identifier: Apache-2.0
// DILATE and STABLEHLO_PAD: the elements of input 0 apart from each other, a value between them.
//   input 0: rank ≥ 1, any type of whole bytes or INT4; the value: one element of that type
//   element i of a dimension goes to low + i·step of the output's dimension, which has
//   low + high + (d − 1)·step + 1 elements, for d = 0 low + high; those outside it are left out
// DILATE: inputs x, step (int32 [rank], each ≥ 1), value; low = high = 0.
// STABLEHLO_PAD: inputs x, value; options edge_padding_low, edge_padding_high (either sign),
// interior_padding (step − 1, ≥ 0), one for each dimension.
// Sources: LiteRT 2.3's kernels; StableHLO's specification of `pad`.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// One dimension. |low|, |high| < 2^31, 1 ≤ step ≤ 2^31, so that every sum below fits.
struct Spread {
  int64_t low = 0;
  int64_t high = 0;
  int64_t step = 1;

  int64_t size(int64_t d) const { return low + high + (d > 0 ? (d - 1) * step + 1 : 0); }
};

using Spreads = Spread[kMaxRank];

Status check_operands(const OpContext& op, int value) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4}));
  CYGNET_TRY(expect_rank_between("input 0", x, 1, kMaxRank));
  const char* name = value == 1 ? "input 1" : "input 2";
  CYGNET_TRY(expect_same_type("input 0", x, name, op.input(value)));
  return expect_elements(name, op.input(value), 1);
}

Status declare(OpContext& op, const Spreads& spreads) {
  const Shape& in = op.input(0).shape;
  Shape shape;
  for (int d = 0; d < in.rank; ++d) {
    const int64_t n = spreads[d].size(in[d]);
    CYGNET_TRY(expect_range("T3: padded dimension", n, 0, INT32_MAX));
    shape.push(static_cast<int32_t>(n));
  }
  return op.set_output(0, shape);
}

Status run(OpContext& op, const Spreads& spreads, int value) {
  const Shape &in = op.input(0).shape, &out = op.output(0).shape;
  if (out.elements() == 0) return {};
  Elements elements(op);
  const int64_t bytes = elements.bytes();
  uint8_t element[kMaxElementBytes] = {};
  std::memcpy(element, elements.in(value), static_cast<size_t>(bytes));
  const Filler fill(element, bytes);
  uint8_t* to = elements.out();
  for_slices(op, out.elements(), out.elements() * bytes, [&](int64_t begin, int64_t end, int) {
    fill(to + begin * bytes, (end - begin) * bytes);
  });
  StridedCopy copy;
  copy.element_bytes = bytes;
  int64_t from_first = 0, to_first = 0;
  for (int d = 0; d < in.rank; ++d) {
    const Spread& s = spreads[d];
    const int64_t first = s.low >= 0 ? 0 : (-s.low + s.step - 1) / s.step;
    const int64_t place = s.low + first * s.step;
    const int64_t room = place < out[d] ? (out[d] - 1 - place) / s.step + 1 : 0;
    const int64_t count = std::min(in[d] - first, room);
    if (count <= 0) return elements.finish();
    const int64_t in_stride = in.elements(d + 1, in.rank);
    const int64_t out_stride = out.elements(d + 1, out.rank);
    from_first += first * in_stride;
    to_first += place * out_stride;
    // A step beyond the output is never taken.
    copy.push(count, in_stride, count == 1 ? 0 : s.step * out_stride);
  }
  run_copy(op, copy, elements.in(0) + from_first * bytes, to + to_first * bytes);
  return elements.finish();
}

// ---- DILATE

Status read_steps(const OpContext& op, Spreads* spreads) {
  for (int d = 0; d < op.input(0).shape.rank; ++d) {
    (*spreads)[d].step = integer_at(op.input(1), d);
    CYGNET_TRY(expect_range("dilation", (*spreads)[d].step, 1, INT32_MAX));
  }
  return {};
}

Status infer_dilate(OpContext& op) {
  CYGNET_TRY(check_operands(op, 2));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{op.input(0).shape.rank}));
  if (!op.known(1)) return op.defer();
  Spreads spreads = {};
  CYGNET_TRY(read_steps(op, &spreads));
  return declare(op, spreads);
}

Status invoke_dilate(OpContext& op) {
  Spreads spreads = {};
  CYGNET_TRY(read_steps(op, &spreads));
  return run(op, spreads, 2);
}

// ---- STABLEHLO_PAD

Status read_padding(const OpContext& op, Spreads* spreads) {
  const auto& o = op.options<schema::StablehloPadOptions>();
  const auto rank = static_cast<uint32_t>(op.input(0).shape.rank);
  for (const auto* list : {o.edge_padding_low(), o.edge_padding_high(), o.interior_padding()})
    if (list == nullptr || list->size() != rank)
      return bad_model("paddings: expected 3 lists of %u, one entry for each dimension", rank);
  for (uint32_t d = 0; d < rank; ++d) {
    Spread& s = (*spreads)[d];
    s.low = o.edge_padding_low()->Get(d);
    s.high = o.edge_padding_high()->Get(d);
    const int64_t interior = o.interior_padding()->Get(d);
    CYGNET_TRY(expect_range("edge_padding_low", s.low, -INT32_MAX, INT32_MAX));
    CYGNET_TRY(expect_range("edge_padding_high", s.high, -INT32_MAX, INT32_MAX));
    CYGNET_TRY(expect_range("interior_padding", interior, 0, INT32_MAX));
    s.step = interior + 1;
  }
  return {};
}

Status infer_pad(OpContext& op) {
  CYGNET_TRY(check_operands(op, 1));
  Spreads spreads = {};
  CYGNET_TRY(read_padding(op, &spreads));
  return declare(op, spreads);
}

Status invoke_pad(OpContext& op) {
  Spreads spreads = {};
  CYGNET_TRY(read_padding(op, &spreads));
  return run(op, spreads, 1);
}

}  // namespace

extern const OpDef kDilate;
const OpDef kDilate = {
    .name = "DILATE",
    .builtin = 203,
    .max_version = 1,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::DilateOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_dilate,
    .prepare = Elements::prepare,
    .invoke = invoke_dilate,
};

extern const OpDef kStablehloPad;
const OpDef kStablehloPad = {
    .name = "STABLEHLO_PAD",
    .builtin = 195,
    .max_version = 1,
    .options_type_2 = static_cast<uint8_t>(schema::BuiltinOptions2::StablehloPadOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_pad,
    .prepare = Elements::prepare,
    .invoke = invoke_pad,
};

}  // namespace cygnet::ops
