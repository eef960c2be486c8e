// SPDX-License-Identifier: Apache-2.0
// SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, on [N, H, C] and [N, H, W, C] of any type of whole
// bytes.
//   input 1: block, int32 or int64 [1] or [2], each ≥ 1; input 2: [1, 2] or [2, 2], elements before
//   and after each spatial dimension: paddings of the one operator, crops of the other, each ≥ 0
//   SPACE_TO_BATCH_ND: [N, H, W, C] → [bh·bw·N, H'/bh, W'/bw, C], H' = H + its paddings:
//     out[(i·bw + j)·N + n, y, x, c] = padded[n, y·bh + i, x·bw + j, c]; the padding is 0, in
//     quantized tensors the zero point; the block divides H' and W'
//   BATCH_TO_SPACE_ND: its inverse; bh·bw divides N
// Source: TFLite's reference kernels, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

constexpr int kSpatial = 2;

// The values of inputs 1 and 2; one spatial dimension is height, with width 1.
struct Blocks {
  int64_t size[kSpatial] = {1, 1};
  int64_t before[kSpatial] = {};
  int64_t after[kSpatial] = {};
};

Status check_operands(const OpContext& op) {
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_rank_between("input 0", op.input(0), 3, 4));
  const int32_t spatial = op.input(0).shape.rank - 2;
  CYGNET_TRY(expect_integer_vector("input 1", op.input(1), spatial));
  CYGNET_TRY(expect_type("input 2", op.input(2), {Type::int32, Type::int64}));
  return expect_shape("input 2", op.input(2), Shape{spatial, 2});
}

Status read_blocks(const OpContext& op, Blocks* blocks) {
  for (int i = 0; i < op.input(0).shape.rank - 2; ++i) {
    blocks->size[i] = integer_at(op.input(1), i);
    blocks->before[i] = integer_at(op.input(2), 2 * i);
    blocks->after[i] = integer_at(op.input(2), 2 * i + 1);
    CYGNET_TRY(expect_range("block", blocks->size[i], 1, INT32_MAX));
    CYGNET_TRY(expect_range("padding or crop", blocks->before[i], 0, INT32_MAX));
    CYGNET_TRY(expect_range("padding or crop", blocks->after[i], 0, INT32_MAX));
  }
  return {};
}

Status infer_to_batch(OpContext& op) {
  CYGNET_TRY(check_operands(op));
  if (!op.known(1) || !op.known(2)) return op.defer();
  Blocks blocks;
  CYGNET_TRY(read_blocks(op, &blocks));
  Shape shape = op.input(0).shape;
  const int64_t area = blocks.size[0] * blocks.size[1];
  int64_t batches = 0;
  if (__builtin_mul_overflow(area, int64_t{shape[0]}, &batches) || batches > INT32_MAX)
    return bad_model("T3: blocks give too many batches");
  for (int i = 0; i < shape.rank - 2; ++i) {
    const int64_t padded = shape[i + 1] + blocks.before[i] + blocks.after[i];
    if (padded > INT32_MAX || padded % blocks.size[i] != 0)
      return bad_model("block %lld does not divide dimension %d of input 0 %s, padded to %lld",
                       static_cast<long long>(blocks.size[i]), i + 1, shape_text(shape).text,
                       static_cast<long long>(padded));
    shape[i + 1] = static_cast<int32_t>(padded / blocks.size[i]);
  }
  shape[0] = static_cast<int32_t>(batches);
  return op.set_output(0, shape);
}

Status infer_to_space(OpContext& op) {
  CYGNET_TRY(check_operands(op));
  if (!op.known(1) || !op.known(2)) return op.defer();
  Blocks blocks;
  CYGNET_TRY(read_blocks(op, &blocks));
  Shape shape = op.input(0).shape;
  const int64_t area = blocks.size[0] * blocks.size[1];
  if (shape[0] % area != 0)
    return bad_model("blocks of %lld elements do not divide the batches of input 0 %s",
                     static_cast<long long>(area), shape_text(shape).text);
  for (int i = 0; i < shape.rank - 2; ++i) {
    const int64_t d = shape[i + 1] * blocks.size[i];
    const int64_t left = d - blocks.before[i] - blocks.after[i];
    if (left < 0 || left > INT32_MAX)
      return bad_model("crops of %lld and %lld do not fit %lld elements of dimension %d",
                       static_cast<long long>(blocks.before[i]),
                       static_cast<long long>(blocks.after[i]), static_cast<long long>(d), i + 1);
    shape[i + 1] = static_cast<int32_t>(left);
  }
  shape[0] = static_cast<int32_t>(shape[0] / area);
  return op.set_output(0, shape);
}

// [N, H, C] as [N, H, 1, C].
struct Image {
  int64_t n = 1;
  int64_t h = 1;
  int64_t w = 1;
  int64_t pixel_bytes = 1;
};

Status view(const Tensor& t, Image* image) {
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("operand", t, &bytes));
  const int last = t.shape.rank - 1;
  *image = {t.shape[0], t.shape[1], last == 3 ? t.shape[2] : 1, t.shape[last] * bytes};
  return {};
}

void copy_pixels(uint8_t* to, int64_t to_step, const uint8_t* from, int64_t from_step, int64_t n,
                 int64_t bytes) {
  for (int64_t i = 0; i < n; ++i) copy_bytes(to + i * to_step, from + i * from_step, bytes);
}

int64_t ceil_div(int64_t a, int64_t b) {
  return a <= 0 ? 0 : (a + b - 1) / b;
}

Status invoke_to_batch(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  Blocks b;
  CYGNET_TRY(read_blocks(op, &b));
  Image in;
  Image out;
  CYGNET_TRY(view(op.input(0), &in));
  CYGNET_TRY(view(op.output(0), &out));
  int64_t element = 0;
  CYGNET_TRY(element_bytes("output 0", op.output(0), &element));
  uint8_t zero[kMaxElementBytes] = {};
  zero_element(op.output(0), zero);
  const Filler fill(zero, element);
  const int64_t pixel = in.pixel_bytes;
  const auto bytes = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, out.n * out.h, bytes, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t place = row / out.h / in.n;  // in the block
      const int64_t y = row % out.h * b.size[0] + place / b.size[1] - b.before[0];
      const int64_t shift =
          place % b.size[1] - b.before[1];  // out column x is in column x·bw + shift
      uint8_t* to = op.output(0).as<uint8_t>() + row * out.w * pixel;
      const bool inside = y >= 0 && y < in.h;
      const int64_t first = inside ? std::min(ceil_div(-shift, b.size[1]), out.w) : out.w;
      const int64_t last = std::max(first, std::min(ceil_div(in.w - shift, b.size[1]), out.w));
      fill(to, first * pixel);
      if (first < last)
        copy_pixels(
            to + first * pixel, pixel,
            op.input(0).as<uint8_t>() +
                ((row / out.h % in.n * in.h + y) * in.w + first * b.size[1] + shift) * pixel,
            b.size[1] * pixel, last - first, pixel);
      fill(to + last * pixel, (out.w - last) * pixel);
    }
  });
  return {};
}

Status invoke_to_space(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  Blocks b;
  CYGNET_TRY(read_blocks(op, &b));
  Image in;
  Image out;
  CYGNET_TRY(view(op.input(0), &in));
  CYGNET_TRY(view(op.output(0), &out));
  const int64_t pixel = in.pixel_bytes;
  const auto bytes = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, out.n * out.h, bytes, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % out.h + b.before[0];
      uint8_t* to = op.output(0).as<uint8_t>() + row * out.w * pixel;
      for (int64_t j = 0; j < std::min(b.size[1], out.w); ++j) {
        const int64_t x =
            j + b.before[1];  // columns j, j + bw, … of the output come from one batch
        const int64_t batch = (y % b.size[0] * b.size[1] + x % b.size[1]) * out.n + row / out.h;
        copy_pixels(to + j * pixel, b.size[1] * pixel,
                    op.input(0).as<uint8_t>() +
                        ((batch * in.h + y / b.size[0]) * in.w + x / b.size[1]) * pixel,
                    pixel, (out.w - j + b.size[1] - 1) / b.size[1], pixel);
      }
    }
  });
  return {};
}

}  // namespace

extern const OpDef kSpaceToBatchNd;
const OpDef kSpaceToBatchNd = {
    .name = "SPACE_TO_BATCH_ND",
    .builtin = 38,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::SpaceToBatchNDOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_to_batch,
    .invoke = invoke_to_batch,
};

extern const OpDef kBatchToSpaceNd;
const OpDef kBatchToSpaceNd = {
    .name = "BATCH_TO_SPACE_ND",
    .builtin = 37,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::BatchToSpaceNDOptions),
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_to_space,
    .invoke = invoke_to_space,
};

}  // namespace cygnet::ops
