// SPDX-License-Identifier: Apache-2.0
// RESIZE_BILINEAR: [N, H, W, C] → [N, h, w, C], each output pixel a mean of four input pixels.
//   input 0: float32, uint8, int8 or int16; input 1: int32 [2], h and w
// Source coordinate of row y: (y + ½)·s − ½ with half_pixel_centers, else y·s; s = H/h, with
// align_corners and h > 1 (H − 1)/(h − 1). The rows are its floor and ceiling, moved into the
// image; the weight of the second is the coordinate − the first. Columns likewise.
//   float32, uint8: coordinates and sums in float32; uint8 adds ½ and cuts off
//   int8, int16: coordinates in 1/1024 (s rounded to that), sums exact, rounded half away from zero
// Quantized values are not rescaled. Source: TFLite's reference kernels, LiteRT 2.3.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.h"
#include "ops/resize.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

constexpr int64_t kOne = 1024;  // of the fixed-point coordinates

// Where the output's rows (or columns) lie in the input.
struct Axis {
  int32_t* low;     // [size] first row; columns: offset of the pixel in elements
  int32_t* high;    // [size] second row
  float* weight;    // [size] of the second (float forms)
  int32_t* fixed;   // [size] of the second, times 1024 (integer forms)
  int16_t* kernel;  // [size] of the second, times 2^15, at most 32767 (8-bit kernels)
};

struct State {
  Axis y;
  Axis x;
  int64_t row_elements;  // of a thread's row in scratch
  int rows;              // scratch of the kernels, a row for each thread
  LerpPairs pairs;       // 8-bit kernels: of the columns
  int64_t spread;        // elements of a pixel that have columns of their own: 1 or the channels
  bool ready;            // false: the output is empty
};

bool is_fixed(const Tensor& t) {
  return t.type == Type::int8 || t.type == Type::int16;
}

// Whether invoke mixes whole rows of the input first, by kernels: not for outputs that are much
// narrower.
bool uses_rows(const OpContext& op) {
  const Type type = op.input(0).type;
  return (type_bits(type) == 8 || type == Type::float32) && !op.reference() &&
         op.input(0).shape[2] / 4 <= op.output(0).shape[2];
}

// With few channels every element is a pixel of one channel for the kernels.
constexpr int32_t kFewChannels = 8;

Status infer(OpContext& op) {
  const auto& options = op.options<schema::ResizeBilinearOptions>();
  CYGNET_TRY(
      expect_type("input 0", op.input(0), {Type::float32, Type::uint8, Type::int8, Type::int16}));
  return infer_resize(op, options.align_corners(), options.half_pixel_centers());
}

bool allocate_axis(OpContext& op, int32_t size, Axis* axis) {
  const auto n = static_cast<size_t>(size);
  axis->low = static_cast<int32_t*>(op.allocate(n * sizeof(int32_t)));
  axis->high = static_cast<int32_t*>(op.allocate(n * sizeof(int32_t)));
  void* weights = op.allocate(n * sizeof(float));
  if (is_fixed(op.input(0)))
    axis->fixed = static_cast<int32_t*>(weights);
  else
    axis->weight = static_cast<float*>(weights);
  const bool kernel = uses_rows(op) && op.input(0).type != Type::float32;
  if (kernel) axis->kernel = static_cast<int16_t*>(op.allocate(n * sizeof(int16_t)));
  return axis->low != nullptr && axis->high != nullptr && weights != nullptr &&
         (axis->kernel != nullptr || !kernel);
}

void fill_float(const schema::ResizeBilinearOptions& options, int32_t in, int32_t out, int32_t unit,
                const Axis& axis) {
  const float scale = options.align_corners() && out > 1
                          ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                          : static_cast<float>(in) / static_cast<float>(out);
  for (int32_t i = 0; i < out; ++i) {
    const auto at = static_cast<float>(i);
    const float place = options.half_pixel_centers() ? (at + 0.5f) * scale - 0.5f : at * scale;
    // Compared as floats: for the largest dimensions the coordinate may be rounded past the end.
    const auto limit = static_cast<float>(in - 1);
    const int32_t low = std::floor(place) >= limit
                            ? in - 1
                            : static_cast<int32_t>(std::max(std::floor(place), 0.0f));
    const int32_t high =
        std::ceil(place) >= limit ? in - 1 : static_cast<int32_t>(std::max(std::ceil(place), 0.0f));
    axis.low[i] = low * unit;
    axis.high[i] = high * unit;
    axis.weight[i] = place - static_cast<float>(low);
  }
}

void fill_fixed(const schema::ResizeBilinearOptions& options, int32_t in, int32_t out, int32_t unit,
                const Axis& axis) {
  const bool align = options.align_corners() && out > 1;
  const int64_t from = align ? in - 1 : in;
  const int64_t to = align ? out - 1 : out;
  const int64_t scale = (kOne * from + to / 2) / to;
  for (int32_t i = 0; i < out; ++i) {
    const int64_t place =
        options.half_pixel_centers() ? i * scale + scale / 2 - kOne / 2 : i * scale;
    const int64_t low = std::clamp<int64_t>(place / kOne, 0, in - 1);
    const int64_t high = std::clamp<int64_t>((place + kOne - 1) / kOne, 0, in - 1);
    axis.low[i] = static_cast<int32_t>(low * unit);
    axis.high[i] = static_cast<int32_t>(high * unit);
    // Between equal pixels the weight does not matter; elsewhere it is in [0, 1024].
    axis.fixed[i] = low == high ? 0 : static_cast<int32_t>(place - low * kOne);
  }
}

void fill_kernel(int32_t out, const Axis& axis) {
  for (int32_t i = 0; i < out; ++i) {
    const float weight = axis.weight != nullptr
                             ? axis.weight[i]
                             : static_cast<float>(axis.fixed[i]) / static_cast<float>(kOne);
    const bool between = axis.low[i] != axis.high[i];
    axis.kernel[i] =
        between ? static_cast<int16_t>(std::clamp(std::round(weight * 32768.0f), 0.0f, 32767.0f))
                : int16_t{0};
  }
}

// The pairs that the columns of w pixels of c channels, before they are spread, come in where
// there are twice as many.
LerpPairs pairs_of(const Axis& axis, int32_t w, int64_t c, int32_t out) {
  if (out != 2 * int64_t{w} || w < 2) return {};
  for (int64_t skipped = 0; skipped < 2; ++skipped) {
    LerpPairs pairs{.count = w - 1, .skipped = skipped, .c = c};
    for (int i = 0; i < 2; ++i) pairs.weights[i] = axis.kernel[skipped + i];
    bool same = true;
    for (int64_t i = 0; i < 2 * pairs.count; ++i) {
      const int64_t at = skipped + i, left = i / 2 * c, weight = axis.kernel[at];
      same = same && axis.low[at] == left && weight == pairs.weights[i % 2] &&
             (axis.high[at] == left + c || weight == 0);
    }
    if (same) return pairs;
  }
  return {};
}

// Gives each of the c elements of every pixel a column.
void spread_columns(int32_t w, int32_t c, const Axis& axis) {
  for (int32_t i = w - 1; i >= 0; --i)
    for (int32_t ch = c - 1; ch >= 0; --ch) {
      const int32_t to = i * c + ch;
      axis.low[to] = axis.low[i] + ch;
      axis.high[to] = axis.high[i] + ch;
      if (axis.weight != nullptr) axis.weight[to] = axis.weight[i];
      if (axis.kernel != nullptr) axis.kernel[to] = axis.kernel[i];
    }
}

Status prepare_rows(OpContext& op, State* state) {
  const Shape &in = op.input(0).shape, &out = op.output(0).shape;
  const bool f32 = op.input(0).type == Type::float32;
  if (!f32) {
    fill_kernel(out[1], state->y);
    fill_kernel(out[2], state->x);
    state->pairs = pairs_of(state->x, in[2], in[3], out[2]);
  }
  if (state->spread > 1) spread_columns(out[2], in[3], state->x);
  state->row_elements = int64_t{in[2]} * in[3] + (f32 ? 0 : kLerpSlackBytes);
  const auto bytes = static_cast<size_t>(state->row_elements * op.threads()) *
                     (f32 ? sizeof(float) : sizeof(int16_t));
  return op.request_scratch(bytes, &state->rows);
}

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr || op.output(0).bytes == 0) return {};
  const auto& options = op.options<schema::ResizeBilinearOptions>();
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  const bool few = uses_rows(op) && in[3] <= kFewChannels &&
                   int64_t{out[2]} * in[3] <= std::numeric_limits<int32_t>::max();
  state->spread = few ? in[3] : 1;
  if (!allocate_axis(op, out[1], &state->y) ||
      !allocate_axis(op, static_cast<int32_t>(out[2] * state->spread), &state->x))
    return {};
  const auto fill = is_fixed(op.input(0)) ? fill_fixed : fill_float;
  fill(options, in[1], out[1], 1, state->y);
  fill(options, in[2], out[2], in[3], state->x);
  if (uses_rows(op)) CYGNET_TRY(prepare_rows(op, state));
  state->ready = true;
  return {};
}

// One output row from the two rows `top` and `bottom`; y is its index. The order of the operations
// is the reference's.
template <class T>
void plain_row(const State& s, int64_t y, const T* top, const T* bottom, int64_t w, int64_t c,
               T* out) {
  const float wy = s.y.weight[y];
  const float half = std::is_integral_v<T> ? 0.5f : 0.0f;
  for (int64_t x = 0; x < w; ++x) {
    const float wx = s.x.weight[x];
    const int64_t l = s.x.low[x];
    const int64_t r = s.x.high[x];
    for (int64_t i = 0; i < c; ++i) {
      const float sum = static_cast<float>(top[l + i]) * (1 - wy) * (1 - wx) +
                        static_cast<float>(bottom[l + i]) * wy * (1 - wx) +
                        static_cast<float>(top[r + i]) * (1 - wy) * wx +
                        static_cast<float>(bottom[r + i]) * wy * wx + half;
      *out++ = static_cast<T>(sum);
    }
  }
}

template <class T>
void plain_row_fixed(const State& s, int64_t y, const T* top, const T* bottom, int64_t w, int64_t c,
                     T* out) {
  const int64_t wy = s.y.fixed[y];
  for (int64_t x = 0; x < w; ++x) {
    const int64_t wx = s.x.fixed[x];
    const int64_t l = s.x.low[x];
    const int64_t r = s.x.high[x];
    for (int64_t i = 0; i < c; ++i) {
      const int64_t sum = top[l + i] * (kOne - wy) * (kOne - wx) +
                          bottom[l + i] * wy * (kOne - wx) + top[r + i] * (kOne - wy) * wx +
                          bottom[r + i] * wy * wx;
      *out++ =
          static_cast<T>((sum + (sum > 0 ? kOne * kOne / 2 : -kOne * kOne / 2)) / (kOne * kOne));
    }
  }
}

// Calls row(y, top, bottom, out, thread) for every row of the output.
template <class T, class Row>
void run_rows(OpContext& op, Row row) {
  const State& s = op.state<State>();
  const Shape& in = op.input(0).shape;
  const Shape& out = op.output(0).shape;
  const int64_t in_row = int64_t{in[2]} * in[3];
  const int64_t out_row = int64_t{out[2]} * out[3];
  const auto bytes = static_cast<int64_t>(op.output(0).bytes);
  for_slices(op, int64_t{out[0]} * out[1], bytes, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t y = i % out[1];
      const T* image = op.input(0).as<T>() + i / out[1] * in[1] * in_row;
      row(y, image + s.y.low[y] * in_row, image + s.y.high[y] * in_row,
          op.output(0).as<T>() + i * out_row, thread);
    }
  });
}

void run_plain(OpContext& op) {
  const State& s = op.state<State>();
  const int64_t w = op.output(0).shape[2];
  const int64_t c = op.output(0).shape[3];
  const auto real = [&]<class T>(int64_t y, const T* top, const T* bottom, T* out, int) {
    plain_row(s, y, top, bottom, w, c, out);
  };
  const auto fixed = [&]<class T>(int64_t y, const T* top, const T* bottom, T* out, int) {
    plain_row_fixed(s, y, top, bottom, w, c, out);
  };
  switch (op.input(0).type) {
    case Type::float32:
      return run_rows<float>(op, real);
    case Type::uint8:
      return run_rows<uint8_t>(op, real);
    case Type::int8:
      return run_rows<int8_t>(op, fixed);
    default:
      return run_rows<int16_t>(op, fixed);
  }
}

void run_f32(OpContext& op) {
  const State& s = op.state<State>();
  BilinearRow row{.left = s.x.low, .right = s.x.high, .x_weight = s.x.weight};
  row.w = op.output(0).shape[2];
  row.c = op.output(0).shape[3];
  run_rows<float>(op, [&](int64_t y, const float* top, const float* bottom, float* out, int) {
    BilinearRow r = row;
    r.top = top;
    r.bottom = bottom;
    r.y_weight = s.y.weight[y];
    r.out = out;
    kernels().bilinear_f32(r);
  });
}

// Rows first, then pixels: for outputs that use an input pixel more than once.
void run_f32_rows(OpContext& op) {
  const State& s = op.state<State>();
  const int64_t in_row = int64_t{op.input(0).shape[2]} * op.input(0).shape[3];
  LerpPixelsF32 pixels{.left = s.x.low, .right = s.x.high, .weight = s.x.weight};
  pixels.row_elements = in_row;
  pixels.w = op.output(0).shape[2] * s.spread;
  pixels.c = op.output(0).shape[3] / s.spread;
  run_rows<float>(op,
                  [&](int64_t y, const float* top, const float* bottom, float* out, int thread) {
                    LerpPixelsF32 p = pixels;
                    float* row = op.scratch<float>(s.rows) + thread * s.row_elements;
                    p.row = top;
                    p.out = out;
                    if (s.y.weight[y] != 0.0f && top != bottom) {
                      kernels().lerp_rows_f32(top, bottom, in_row, s.y.weight[y], row);
                      p.row = row;
                    }
                    kernels().lerp_pixels_f32(p);
                  });
}

void run_8_bit(OpContext& op) {
  const State& s = op.state<State>();
  const int64_t in_row = int64_t{op.input(0).shape[2]} * op.input(0).shape[3];
  const uint8_t flip = op.input(0).type == Type::int8 ? 0x80 : 0;
  LerpPixelsQ8 pixels{.left = s.x.low, .right = s.x.high, .weight = s.x.kernel, .pairs = s.pairs};
  pixels.w = op.output(0).shape[2] * s.spread;
  pixels.c = op.output(0).shape[3] / s.spread;
  pixels.flip = flip;
  run_rows<uint8_t>(
      op, [&](int64_t y, const uint8_t* top, const uint8_t* bottom, uint8_t* out, int thread) {
        LerpPixelsQ8 p = pixels;
        int16_t* row = op.scratch<int16_t>(s.rows) + thread * s.row_elements;
        p.row = row;
        p.out = out;
        kernels().lerp_rows_q8(top, bottom, in_row, s.y.kernel[y], flip, row);
        kernels().lerp_pixels_q8(p);
      });
}

Status invoke(OpContext& op) {
  if (!op.state<State>().ready) return {};
  if (op.reference())
    run_plain(op);
  else if (op.input(0).shape == op.output(0).shape)
    std::memcpy(op.output(0).data, op.input(0).data, op.output(0).bytes);
  else if (op.input(0).type == Type::float32)
    uses_rows(op) ? run_f32_rows(op) : run_f32(op);
  else if (uses_rows(op))
    run_8_bit(op);
  else
    run_plain(op);
  return {};
}

}  // namespace

extern const OpDef kResizeBilinear;
const OpDef kResizeBilinear = {
    .name = "RESIZE_BILINEAR",
    .builtin = 23,
    .max_version = 4,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ResizeBilinearOptions),
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
