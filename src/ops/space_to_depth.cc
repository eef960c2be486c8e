// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_DEPTH and DEPTH_TO_SPACE, with block b = option block_size ≥ 1:
//   SPACE_TO_DEPTH: [N, H, W, C] → [N, H/b, W/b, b·b·C], out[n, y, x, (i·b + j)·C + c] =
//                   in[n, y·b + i, x·b + j, c]; b divides H and W
//   DEPTH_TO_SPACE: its inverse; b·b divides C
// Any type of whole bytes. Source: TFLite's reference kernels, LiteRT 2.3.
#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status infer_to_depth(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 4));
  const int64_t block = op.options<schema::SpaceToDepthOptions>().block_size();
  CYGNET_TRY(expect_range("block_size", block, 1, INT32_MAX));
  if (in[1] % block != 0 || in[2] % block != 0)
    return bad_model("block_size %lld does not divide height and width of input 0 %s",
                     static_cast<long long>(block), shape_text(in).text);
  int64_t depth = 0;
  if (__builtin_mul_overflow(block * block, int64_t{in[3]}, &depth) || depth > INT32_MAX)
    return bad_model("T3: block_size %lld gives too many channels", static_cast<long long>(block));
  return op.set_output(0, {in[0], static_cast<int32_t>(in[1] / block),
                           static_cast<int32_t>(in[2] / block), static_cast<int32_t>(depth)});
}

Status infer_to_space(OpContext& op) {
  const Shape& in = op.input(0).shape;
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 4));
  const int64_t block = op.options<schema::DepthToSpaceOptions>().block_size();
  CYGNET_TRY(expect_range("block_size", block, 1, INT32_MAX));
  if (in[3] % (block * block) != 0)
    return bad_model("block_size %lld: its square does not divide the channels of input 0 %s",
                     static_cast<long long>(block), shape_text(in).text);
  const int64_t h = in[1] * block;
  const int64_t w = in[2] * block;
  if (h > INT32_MAX || w > INT32_MAX)
    return bad_model("T3: block_size %lld gives too large an output",
                     static_cast<long long>(block));
  return op.set_output(0, {in[0], static_cast<int32_t>(h), static_cast<int32_t>(w),
                           static_cast<int32_t>(in[3] / (block * block))});
}

// Both operators exchange the row in a block and the column of the block. `fine` is the shape with
// more pixels.
Status run(OpContext& op, const Shape& fine, int64_t b, bool to_depth) {
  StridedCopy copy;
  CYGNET_TRY(element_bytes("input 0", op.input(0), &copy.element_bytes));
  const int64_t c = fine[3];
  const int64_t h = fine[1] / b;
  const int64_t w = fine[2] / b;
  if (to_depth) {
    copy.push(fine[0] * h, b * w * b * c, 0);  // rows of blocks of all images
    copy.push(w, b * c, 0);
    copy.push(b, w * b * c, 0);  // rows in a block
  } else {
    copy.push(fine[0] * h, w * b * b * c, 0);
    copy.push(b, b * c, 0);
    copy.push(w, b * b * c, 0);
  }
  copy.push(b * c, 1, 0);
  copy.make_dense_output();
  run_copy(op, copy, op.input(0).data, op.output(0).data);
  return {};
}

Status invoke_to_depth(OpContext& op) {
  return run(op, op.input(0).shape, op.options<schema::SpaceToDepthOptions>().block_size(), true);
}

Status invoke_to_space(OpContext& op) {
  return run(op, op.output(0).shape, op.options<schema::DepthToSpaceOptions>().block_size(), false);
}

}  // namespace

extern const OpDef kSpaceToDepth;
const OpDef kSpaceToDepth = {
    .name = "SPACE_TO_DEPTH",
    .builtin = 26,
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SpaceToDepthOptions),
    .infer = infer_to_depth,
    .invoke = invoke_to_depth,
};

extern const OpDef kDepthToSpace;
const OpDef kDepthToSpace = {
    .name = "DEPTH_TO_SPACE",
    .builtin = 5,
    .max_version = 2,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::DepthToSpaceOptions),
    .infer = infer_to_space,
    .invoke = invoke_to_space,
};

}  // namespace cygnet::ops
