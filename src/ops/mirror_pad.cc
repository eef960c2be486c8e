// SPDX-License-Identifier: Apache-2.0
// MIRROR_PAD: input 0 continued beyond its edges by its mirror image.
//   input 0: any shape, any type of whole bytes; input 1: int32 or int64 [rank, 2], how many before
//   and after along each dimension
// Option mode: REFLECT, the edge element is not repeated, at most d − 1 are added to a dimension of
// d; SYMMETRIC, it is, at most d. Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>

#include "ops/movement.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

int64_t edge(const OpContext& op) {
  const auto mode = op.options<schema::MirrorPadOptions>().mode();
  return mode == schema::MirrorPadMode::REFLECT ? 1 : 0;
}

Status infer(OpContext& op) {
  const Shape& in = op.input(0).shape;
  const Tensor& paddings = op.input(1);
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_type("input 1", paddings, {Type::int32, Type::int64}));
  CYGNET_TRY(expect_shape("input 1", paddings, Shape{in.rank, 2}));
  CYGNET_TRY(expect_range(
      "mode", static_cast<int64_t>(op.options<schema::MirrorPadOptions>().mode()), 0, 1));
  if (!op.known(1)) return op.defer();
  Shape shape;
  for (int d = 0; d < in.rank; ++d) {
    const int64_t most = std::max<int64_t>(in[d] - edge(op), 0);
    const int64_t before = integer_at(paddings, 2 * d);
    const int64_t after = integer_at(paddings, 2 * d + 1);
    CYGNET_TRY(expect_range("padding", before, 0, most));
    CYGNET_TRY(expect_range("padding", after, 0, most));
    CYGNET_TRY(expect_range("T3: padded dimension", before + in[d] + after, 0, INT32_MAX));
    shape.push(static_cast<int32_t>(before + in[d] + after));
  }
  return op.set_output(0, shape);
}

// Index in a dimension of n elements that lies at i, −n ≤ i < 2·n.
int64_t mirrored(int64_t i, int64_t n, int64_t edge) {
  if (i < 0) return -i - 1 + edge;
  return i < n ? i : 2 * n - 1 - edge - i;
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  int64_t bytes = 0;
  CYGNET_TRY(element_bytes("input 0", op.input(0), &bytes));
  const int64_t skipped = edge(op);
  const Shape &in = op.input(0).shape, &out = op.output(0).shape;
  int64_t before[kMaxRank] = {};
  for (int d = 0; d < in.rank; ++d) before[d] = integer_at(op.input(1), 2 * d);
  const int last = in.rank - 1;
  const int64_t n = last < 0 ? 1 : in[last], width = last < 0 ? 1 : out[last];
  const int64_t first = last < 0 ? 0 : before[last];
  const auto total = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, total / (width * bytes), total, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      int64_t rest = row, source = 0, stride = 1;
      for (int d = last - 1; d >= 0; --d) {
        source += mirrored(rest % out[d] - before[d], in[d], skipped) * stride;
        stride *= in[d];
        rest /= out[d];
      }
      const uint8_t* from = op.input(0).as<uint8_t>() + source * n * bytes;
      uint8_t* to = op.output(0).as<uint8_t>() + row * width * bytes;
      const auto put = [&](int64_t x) {
        std::memcpy(to + x * bytes, from + mirrored(x - first, n, skipped) * bytes,
                    static_cast<size_t>(bytes));
      };
      for (int64_t x = 0; x < first; ++x) put(x);
      copy_bytes(to + first * bytes, from, n * bytes);
      for (int64_t x = first + n; x < width; ++x) put(x);
    }
  });
  return {};
}

}  // namespace

extern const OpDef kMirrorPad;
const OpDef kMirrorPad = {
    .name = "MIRROR_PAD",
    .builtin = 100,
    .max_version = 3,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::MirrorPadOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .invoke = invoke,
};

}  // namespace cygnet::ops
