// SPDX-License-Identifier: Apache-2.0
// BROADCAST_TO: input 0 in a larger shape, its dimensions of size 1 repeated.
//   input 0: any shape, any type of whole bytes or INT4; input 1: the
//   shape, int32 or int64 [n], n ≥ rank
// Shapes are aligned at their ends; each dimension of input 0 is 1 or that of the shape.
// BROADCAST_ARGS: the shape that two shapes broadcast to. inputs 0, 1: vectors of one type, int32
// or int64; output 0: [the longer one's length] of their type.
// Source: TFLite's reference kernels, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer_to(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 1));
  CYGNET_TRY(expect_range("length of input 1", op.input(1).shape[0], in.rank, kMaxRank));
  if (!op.known(1)) return op.defer();
  Shape shape;
  CYGNET_TRY(read_dimensions("input 1", op.input(1), &shape));
  for (int d = 0; d < in.rank; ++d)
    if (in[d] != 1 && in[d] != shape[d + shape.rank - in.rank])
      return bad_model("input 0: shape %s does not broadcast to %s", shape_text(in).text,
                       shape_text(shape).text);
  return op.set_output(0, shape);
}

Status invoke_to(OpContext& op) {
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  Elements elements(op);
  if (out.elements() == 0) return elements.finish();
  StridedCopy copy;
  copy.element_bytes = elements.bytes();
  for (int d = 0; d < out.rank; ++d) {
    const int from = d - (out.rank - in.rank);
    const bool repeated = from < 0 || in[from] == 1;
    copy.push(out[d], repeated ? 0 : in.elements(from + 1, in.rank), 0);
  }
  copy.make_dense_output();
  run_copy(op, copy, elements.in(0), elements.out());
  return elements.finish();
}

Status infer_args(OpContext& op) {
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "input 1", op.input(1)));
  CYGNET_TRY(expect_same_type("input 0", op.input(0), "output 0", op.output(0)));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 1));
  CYGNET_TRY(expect_rank("input 1", op.input(1), 1));
  return op.set_output(0, Shape{std::max(op.input(0).shape[0], op.input(1).shape[0])});
}

Status invoke_args(OpContext& op) {
  const Tensor &a = op.input(0), &b = op.input(1);
  Tensor& out = op.output(0);
  for (int32_t i = 1; i <= out.shape[0]; ++i) {
    const int64_t da = i <= a.shape[0] ? integer_at(a, a.shape[0] - i) : 1;
    const int64_t db = i <= b.shape[0] ? integer_at(b, b.shape[0] - i) : 1;
    if (da != db && da != 1 && db != 1)
      return Status::error(Code::invalid_argument, "dimensions %lld and %lld do not broadcast",
                           static_cast<long long>(da), static_cast<long long>(db));
    const int64_t d = da == 1 ? db : da;
    if (out.type == Type::int64)
      out.as<int64_t>()[out.shape[0] - i] = d;
    else
      out.as<int32_t>()[out.shape[0] - i] = static_cast<int32_t>(d);
  }
  return {};
}

}  // namespace

extern const OpDef kBroadcastTo;
const OpDef kBroadcastTo = {
    .name = "BROADCAST_TO",
    .builtin = 130,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BroadcastToOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_to,
    .prepare = Elements::prepare,
    .invoke = invoke_to,
};

extern const OpDef kBroadcastArgs;
const OpDef kBroadcastArgs = {
    .name = "BROADCAST_ARGS",
    .builtin = 145,
    .max_version = 1,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_args,
    .invoke = invoke_args,
};

}  // namespace cygnet::ops
