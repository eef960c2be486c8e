// SPDX-License-Identifier: Apache-2.0
// DYNAMIC_UPDATE_SLICE: input 0 with a part of it replaced.
//   input 0: any shape, any type of whole bytes or INT4; input 1: the part, of the same type and
//   rank, no larger in any dimension; input 2: where it begins, int32 or int64 [rank], moved so
//   that the part lies within input 0
// Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer(OpContext& op) {
  const Tensor &in = op.input(0), &part = op.input(1);
  CYGNET_TRY(expect_moved_type(op, 0, {Type::int4}));
  CYGNET_TRY(expect_same_type("input 0", in, "input 1", part));
  CYGNET_TRY(expect_rank("input 1", part, in.shape.rank));
  for (int d = 0; d < in.shape.rank; ++d)
    if (part.shape[d] > in.shape[d])
      return bad_model("input 1: %s is larger than input 0 %s", shape_text(part.shape).text,
                       shape_text(in.shape).text);
  CYGNET_TRY(expect_integer_vector("input 2", op.input(2), in.shape.rank));
  return op.set_output(0, in.shape);
}

// The output may lie where an input of as many bytes lies. Where that is the part, the part is the
// whole, but for INT4: then the output is written when the part has been read.
Status invoke(OpContext& op) {
  const Tensor &in = op.input(0), &part = op.input(1);
  Tensor& out = op.output(0);
  if (out.bytes == 0 || (out.data == part.data && part.shape == in.shape)) return {};
  Elements elements(op);
  StridedCopy copy;
  copy.element_bytes = elements.bytes();
  int64_t first = 0;
  for (int d = 0; d < in.shape.rank; ++d) {
    const int64_t most = in.shape[d] - part.shape[d];
    const int64_t begin = std::clamp<int64_t>(integer_at(op.input(2), d), 0, most);
    const int64_t stride = in.shape.elements(d + 1, in.shape.rank);
    first += begin * stride;
    copy.push(part.shape[d], part.shape.elements(d + 1, part.shape.rank), stride);
  }
  const uint8_t* whole = elements.in(0);
  if (elements.out() != whole)
    std::memcpy(elements.out(), whole,
                static_cast<size_t>(in.shape.elements() * copy.element_bytes));
  if (part.bytes > 0)
    run_copy(op, copy, elements.in(1), elements.out() + first * copy.element_bytes);
  return elements.finish();
}

}  // namespace

extern const OpDef kDynamicUpdateSlice;
const OpDef kDynamicUpdateSlice = {
    .name = "DYNAMIC_UPDATE_SLICE",
    .builtin = 151,
    .max_version = 6,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DynamicUpdateSliceOptions),
    .sharing = Sharing::elementwise,
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer,
    .prepare = Elements::prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
