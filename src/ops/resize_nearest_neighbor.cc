// SPDX-License-Identifier: Apache-2.0
// RESIZE_NEAREST_NEIGHBOR: [N, H, W, C] → [N, h, w, C]; out[n, y, x] = in[n, Y(y), X(x)].
//   input 1: int32 [2], h and w
//   Y(y) = floor((y + ½)·H/h) with half_pixel_centers, round(y·(H − 1)/(h − 1)) with align_corners,
//   floor(y·H/h) with neither, at most H − 1; X likewise. All in float32.
// Any type of whole bytes. Source: TFLite's reference kernel, LiteRT 2.3.
#include <algorithm>
#include <cmath>

#include "ops/resize.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

struct State {
  int64_t pixel_bytes;
  int32_t* y;  ///< [h] rows of input 0; null: the output is empty
  int32_t* x;  ///< [w] columns
};

Status infer(OpContext& op) {
  const auto& options = op.options<schema::ResizeNearestNeighborOptions>();
  return infer_resize(op, options.align_corners(), options.half_pixel_centers());
}

void fill_table(const OpContext& op, int32_t in, int32_t out, int32_t* table) {
  const auto& options = op.options<schema::ResizeNearestNeighborOptions>();
  const bool align = options.align_corners();
  const float scale = align && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                                       : static_cast<float>(in) / static_cast<float>(out);
  const float offset = options.half_pixel_centers() ? 0.5f : 0.0f;
  for (int32_t i = 0; i < out; ++i) {
    const float at = (static_cast<float>(i) + offset) * scale;
    const float nearest = align ? std::round(at) : std::floor(at);
    table[i] =
        nearest < static_cast<float>(in) ? std::min(static_cast<int32_t>(nearest), in - 1) : in - 1;
  }
}

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr || op.output(0).bytes == 0) return {};
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  CYGNET_TRY(element_bytes("input 0", op.input(0), &state->pixel_bytes));
  state->pixel_bytes *= in[3];
  state->y = static_cast<int32_t*>(op.allocate(static_cast<size_t>(out[1]) * sizeof(int32_t)));
  state->x = static_cast<int32_t*>(op.allocate(static_cast<size_t>(out[2]) * sizeof(int32_t)));
  if (state->y == nullptr || state->x == nullptr) return {};
  fill_table(op, in[1], out[1], state->y);
  fill_table(op, in[2], out[2], state->x);
  return {};
}

template <int64_t kBytes>
void resize_row(const uint8_t* in, const int32_t* x, int64_t w, int64_t pixel_bytes, uint8_t* out) {
  const int64_t bytes = kBytes > 0 ? kBytes : pixel_bytes;
  for (int64_t i = 0; i < w; ++i)
    std::memcpy(out + i * bytes, in + x[i] * bytes, static_cast<size_t>(bytes));
}

Status invoke(OpContext& op) {
  if (op.output(0).bytes == 0) return {};
  const State& s = op.state<State>();
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  const int64_t in_row = in[2] * s.pixel_bytes;
  const int64_t out_row = out[2] * s.pixel_bytes;
  const auto bytes = static_cast<int64_t>(op.output(0).bytes);
  const auto row_copy = s.pixel_bytes == 1   ? resize_row<1>
                        : s.pixel_bytes == 4 ? resize_row<4>
                                             : resize_row<0>;
  for_slices(op, int64_t{out[0]} * out[1], bytes, [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) {
      const int32_t y = s.y[row % out[1]];
      uint8_t* to = op.output(0).as<uint8_t>() + row * out_row;
      if (row > begin && row % out[1] > 0 && s.y[row % out[1] - 1] == y) {
        std::memcpy(to, to - out_row, static_cast<size_t>(out_row));
        continue;
      }
      row_copy(op.input(0).as<uint8_t>() + (row / out[1] * in[1] + y) * in_row, s.x, out[2],
               s.pixel_bytes, to);
    }
  });
  return {};
}

}  // namespace

extern const OpDef kResizeNearestNeighbor;
const OpDef kResizeNearestNeighbor = {
    .name = "RESIZE_NEAREST_NEIGHBOR",
    .builtin = 97,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ResizeNearestNeighborOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
