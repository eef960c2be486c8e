// SPDX-License-Identifier: Apache-2.0
// PAD and PADV2: input 0 with elements added before and after along each dimension.
//   input 0: any shape, any type of whole bytes
//   input 1: int32 or int64 [rank, 2], how many before and after, each ≥ 0
//   input 2 (PADV2; may be absent): one element of input 0's type, what is added, quantized as the
//   output is. Else what is added is 0, in quantized tensors the zero point.
// Source: TFLite's reference kernels, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor& in = op.input(0);
  const Tensor& paddings = op.input(1);
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_type("input 1", paddings, {Type::int32, Type::int64}));
  CYGNET_TRY(expect_shape("input 1", paddings, Shape{in.shape.rank, 2}));
  if (op.output(0).quantization.count > 1 && is_quantized_type(in.type))
    CYGNET_TRY(expect_per_tensor("output 0", op.output(0)));
  if (const Tensor* value = op.input_or_null(2); value != nullptr) {
    CYGNET_TRY(expect_same_type("input 0", in, "input 2", *value));
    CYGNET_TRY(expect_elements("input 2", *value, 1));
    if (is_quantized_type(in.type) && op.output(0).quantization.count == 1 &&
        value->quantization.count == 1)
      CYGNET_TRY(expect_same_quantization("output 0", op.output(0), "input 2", *value));
  }
  if (!op.known(1)) return op.defer();
  Shape shape;
  for (int i = 0; i < in.shape.rank; ++i) {
    const int64_t before = integer_at(paddings, 2 * i);
    const int64_t after = integer_at(paddings, 2 * i + 1);
    CYGNET_TRY(expect_range("padding", before, 0, INT32_MAX));
    CYGNET_TRY(expect_range("padding", after, 0, INT32_MAX));
    const int64_t d = before + in.shape[i] + after;
    CYGNET_TRY(expect_range("T3: padded dimension", d, 0, INT32_MAX));
    shape.push(static_cast<int32_t>(d));
  }
  return op.set_output(0, shape);
}

// The shape with neighbours joined: a dimension that is not padded is part of the elements of the
// one before it. Sizes and paddings of the last dimension, the row, are in bytes.
struct State {
  int rank;
  int64_t in[kMaxRank];
  int64_t before[kMaxRank];
  int64_t out[kMaxRank];
  int64_t element;
};

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return {};
  CYGNET_TRY(element_bytes("input 0", op.input(0), &state->element));
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  State s{};
  s.element = state->element;
  s.rank = 1;
  s.in[0] = s.out[0] = 1;
  for (int i = 0; i < in.rank; ++i) {
    const int64_t before = integer_at(op.input(1), 2 * i);
    const int last = s.rank - 1;
    const bool whole = s.in[last] == 1 && s.out[last] == 1;
    if (in[i] == out[i] || whole) {
      s.before[last] = whole ? before : s.before[last] * out[i];
      s.in[last] *= in[i];
      s.out[last] *= out[i];
    } else {
      s.in[s.rank] = in[i];
      s.before[s.rank] = before;
      s.out[s.rank++] = out[i];
    }
  }
  const int last = s.rank - 1;
  s.in[last] *= s.element;
  s.before[last] *= s.element;
  s.out[last] *= s.element;
  *state = s;
  return {};
}

// A row of the output, by its place in the dimensions before the last.
class Row {
 public:
  Row(const State& s, int64_t row) : s_(s) {
    for (int d = s.rank - 2; d >= 0; --d) {
      index_[d] = row % s.out[d];
      row /= s.out[d];
    }
  }
  void advance() {
    for (int d = s_.rank - 2; d >= 0 && ++index_[d] == s_.out[d]; --d) index_[d] = 0;
  }
  // The row of the input that lies in it, or −1 where all of it is padding.
  int64_t source() const {
    int64_t row = 0;
    for (int d = 0; d < s_.rank - 1; ++d) {
      const int64_t i = index_[d] - s_.before[d];
      if (i < 0 || i >= s_.in[d]) return -1;
      row = row * s_.in[d] + i;
    }
    return row;
  }

 private:
  const State& s_;
  int64_t index_[kMaxRank] = {};
};

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  const State& s = op.state<State>();
  uint8_t value[kMaxElementBytes] = {};
  if (const Tensor* given = op.input_or_null(2); given != nullptr)
    std::memcpy(value, given->data, given->bytes);
  else
    zero_element(op.output(0), value);
  const Filler fill(value, s.element);
  const auto* in = op.input(0).as<uint8_t>();
  auto* out = op.output(0).as<uint8_t>();
  const int last = s.rank - 1;
  const int64_t out_row = s.out[last];
  const int64_t in_row = s.in[last];
  const int64_t before = s.before[last];
  const int64_t after = out_row - in_row - before;
  const auto bytes = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, bytes / out_row, bytes, [&](int64_t begin, int64_t end, int) {
    Row row(s, begin);
    for (int64_t y = begin; y < end; ++y, row.advance()) {
      uint8_t* to = out + y * out_row;
      const int64_t source = in_row == 0 ? -1 : row.source();
      if (source < 0) {
        fill(to, out_row);
        continue;
      }
      fill(to, before);
      copy_bytes(to + before, in + source * in_row, in_row);
      fill(to + before + in_row, after);
    }
  });
  return {};
}

}  // namespace

extern const OpDef kPad;
const OpDef kPad = {
    .name = "PAD",
    .builtin = 34,
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::PadOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

extern const OpDef kPadv2;
const OpDef kPadv2 = {
    .name = "PADV2",
    .builtin = 60,
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::PadV2Options),
    .min_inputs = 3,
    .max_inputs = 3,
    .optional_inputs = 0b100,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
