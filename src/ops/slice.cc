// SPDX-License-Identifier: Apache-2.0
// SLICE: size[d] elements from begin[d] on, along each dimension d.
//   input 0: any shape, any type of whole bytes, INT4 or STRING; inputs 1, 2: begin and size, int32
//   or int64 [rank]; 0 ≤ begin; a size of −1 stands for what is left; begin + size is within the
//   dimension
// Source: TFLite's reference kernel, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4, Type::string}));
  CYGNET_TRY(expect_integer_vector("input 1", op.input(1), in.rank));
  CYGNET_TRY(expect_integer_vector("input 2", op.input(2), in.rank));
  if (!op.known(1) || !op.known(2)) return op.defer();
  Shape shape;
  for (int d = 0; d < in.rank; ++d) {
    const int64_t begin = integer_at(op.input(1), d);
    const int64_t size = integer_at(op.input(2), d);
    CYGNET_TRY(expect_range("begin", begin, 0, in[d]));
    CYGNET_TRY(expect_range("size", size, -1, in[d] - begin));
    shape.push(static_cast<int32_t>(size < 0 ? in[d] - begin : size));
  }
  return op.set_output(0, shape);
}

Status prepare(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(Elements::prepare(op));
  auto* first = op.make_state<int64_t>();
  if (first == nullptr) return {};
  for (int d = 0; d < in.rank; ++d)
    *first += integer_at(op.input(1), d) * in.elements(d + 1, in.rank);
  return {};
}

Status invoke(OpContext& op) {
  Elements elements(op);
  if (op.output(0).shape.elements() == 0) return elements.finish();
  const Shape& in = op.input(0).shape;
  StridedCopy copy;
  copy.element_bytes = elements.bytes();
  for (int d = 0; d < in.rank; ++d)
    copy.push(op.output(0).shape[d], in.elements(d + 1, in.rank), 0);
  copy.make_dense_output();
  const int64_t first = op.state<int64_t>() * copy.element_bytes;
  run_copy(op, copy, elements.in(0) + first, elements.out());
  return elements.finish();
}

}  // namespace

extern const OpDef kSlice;
const OpDef kSlice = {
    .name = "SLICE",
    .builtin = 65,
    .max_version = 8,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SliceOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
