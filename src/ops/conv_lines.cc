// SPDX-License-Identifier: Apache-2.0
#include "ops/conv_lines.h"

namespace cygnet::ops {
namespace {

constexpr int64_t kStep = 64;          // bytes of a run that are multiplied together
constexpr int64_t kMostColumns = 32;   // of a block of weights
constexpr int64_t kLeastWindows = 32;  // with fewer most of a tile is empty
constexpr int64_t kMostImage = 1 << 28, kMostGrowth = 4, kSmallImage = 1 << 18;

int64_t steps_of(int64_t bytes) {
  return (bytes + kStep - 1) / kStep;
}
int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// What a run is, and how many output pixels a window serves.
void choose_runs(const ConvGeometry& g, int64_t c, int64_t n, ConvLines* s) {
  s->joined =
      g.w.filter > 1 && g.w.dilation == 1 && steps_of(g.w.filter * c) < g.w.filter * steps_of(c);
  s->k = c;
  s->taps = g.taps();
  s->unit = c;
  if (!s->joined) return;
  const auto run = [&](int64_t pixels) { return ((pixels - 1) * g.w.stride + g.w.filter) * c; };
  while (2 * s->pixels * n <= kMostColumns && g.w.out % (2 * s->pixels) == 0 &&
         run(2 * s->pixels) <= kStep)
    s->pixels *= 2;
  s->k = run(s->pixels);
  s->taps = g.h.filter;
  s->unit = int64_t{s->pixels} * g.w.stride * c;
}

// Pixels of a padded row that windows read, from column `x` on in steps of `step`.
struct Row {
  int64_t begin, end;  // those of the image
  int64_t needed;
};
Row row_of(const ConvGeometry& g, int64_t x, int64_t step) {
  const int64_t last = int64_t{g.w.out - 1} * g.w.stride + int64_t{g.w.filter - 1} * g.w.dilation;
  Row row = {};
  row.needed = (last - x) / step + 1;
  row.begin = std::max<int64_t>(0, ceil_div(g.w.pad - x, step));
  row.end =
      std::max(row.begin, std::min(ceil_div(int64_t{g.w.pad} + g.w.in - x, step), row.needed));
  return row;
}

// Lines as short as they can be: what lies behind a row is the padding before the next one.
void choose_line(const ConvGeometry& g, ConvLines* s) {
  s->kept = g.w.out / s->pixels;
  s->line = s->kept;
  const int64_t step = s->joined ? 1 : g.w.stride;
  const int64_t pixels_of_unit = s->joined ? int64_t{s->pixels} * g.w.stride : 1;
  int64_t needed = 0;
  for (int64_t i = 0; i < s->planes; ++i) {
    const Row row = row_of(g, s->plane[i].x, step);
    s->line = std::max({s->line, ceil_div(row.end, pixels_of_unit),
                        ceil_div(row.needed - row.begin, pixels_of_unit)});
    needed = std::max(needed, row.needed);
  }
  const int64_t pixel_bytes = s->unit / pixels_of_unit;
  s->spare = std::max<int64_t>(0, needed - s->line * pixels_of_unit) * pixel_bytes;
}

// Calls fn(tap, plane, row of the plane, column of the plane) for each run of window 0.
template <class Fn>
void each_run(const ConvGeometry& g, ConvLines* s, const Fn& fn) {
  const int64_t width = s->joined ? 1 : g.w.filter;
  for (int64_t t = 0; t < s->taps; ++t) {
    const int64_t y = t / width * g.h.dilation, x = t % width * g.w.dilation;
    const auto phase_y = static_cast<int32_t>(y % g.h.stride),
               phase_x = static_cast<int32_t>(x % g.w.stride);
    int64_t i = 0;
    while (i < s->planes && (s->plane[i].y != phase_y || s->plane[i].x != phase_x)) ++i;
    if (i == s->planes) s->plane[s->planes++] = {phase_y, phase_x};
    fn(t, i, y / g.h.stride, x / g.w.stride);
  }
}

Status make_planes(OpContext& op, const ConvGeometry& g, ConvLines* s) {
  const auto bytes = static_cast<size_t>(g.taps()) * sizeof(ConvLines::Plane);
  s->plane = static_cast<ConvLines::Plane*>(op.allocate(bytes));
  if (s->plane == nullptr) return out_of_memory("planes", bytes);
  each_run(g, s, [&](int64_t, int64_t, int64_t y, int64_t) { s->below = std::max(s->below, y); });
  choose_line(g, s);
  s->windows = int64_t{g.h.out - 1} * s->line + s->kept;
  return {};
}

// Bytes of a plane for `band` output rows.
int64_t plane_bytes(const ConvLines& s, int64_t band) {
  return ceil_div((band + s.below) * s.line * s.unit + s.spare, kStep) * kStep;
}

// Weights that don't stay in the cache beside rows are better used for all of these.
bool is_heavy(const ConvLines& s) {
  constexpr size_t kMostWeightBytes = 512 * 1024;
  return s.weight_bytes > kMostWeightBytes;
}

// As many rows as stay in the cache with their results, but several times what two bands share; or
// all.
void choose_band(const ConvGeometry& g, int64_t n, bool all, ConvLines* s) {
  constexpr int64_t kBytes = 256 * 1024, kShared = 4;
  const int64_t row = s->line * (s->planes * s->unit + s->pixels * n);
  s->band = all || is_heavy(*s) ? g.h.out : std::max(kBytes / row, kShared * s->below);
  s->band = std::clamp<int64_t>(s->band, 1, g.h.out);
  s->plane_bytes = plane_bytes(*s, s->band);
}

Status make_offsets(OpContext& op, const ConvGeometry& g, ConvLines* s) {
  const auto bytes = static_cast<size_t>(s->taps) * sizeof(int32_t);
  s->at = static_cast<int32_t*>(op.allocate(bytes));
  if (s->at == nullptr) return out_of_memory("offsets", bytes);
  if (s->in_place) return {};
  each_run(g, s, [&](int64_t t, int64_t i, int64_t y, int64_t x) {
    s->at[t] = static_cast<int32_t>(i * s->plane_bytes + (y * s->line + x) * s->unit);
  });
  return {};
}

bool suits(const OpContext& op, const Tensor& x, const Tensor& filter, const ConvResults& results) {
  return kernels().conv_q8 != nullptr && !op.reference() && !results.hybrid &&
         x.type == Type::int8 && !x.constant && filter.type == Type::int8 &&
         filter.shape[3] == x.shape[3];
}

// 1×1: pixels are windows as they are.
bool is_pointwise(const ConvGeometry& g) {
  return g.taps() == 1 && g.h.stride == 1 && g.w.stride == 1;
}

// Long pixels that cross cache lines anywhere are better copied if they are read for many blocks of
// columns.
bool gains_in_place(const ConvGeometry& g, int64_t c, int64_t n) {
  return g.pixels() >= kLeastWindows / 2 &&
         (c <= kStep || c % (kStep / 4) == 0 || n <= 2 * kMostColumns);
}

// Whether the windows computed for nothing, half empty tiles and the copy of the image cost less
// than copying windows.
bool gains(const ConvGeometry& g, const ConvLines& s, int64_t c) {
  const int64_t steps = s.taps * steps_of(s.k), copied = steps_of(g.taps() * ceil_div(c, 4) * 4),
                image = int64_t{g.h.in} * g.w.in * c;
  return s.windows >= kLeastWindows && 2 * s.windows * s.pixels <= 3 * g.pixels() &&
         steps <= 3 * copied && image <= kMostImage &&
         s.planes * plane_bytes(s, g.h.out) <= kMostGrowth * image + kSmallImage;
}

Status pack(OpContext& op, const ConvGeometry& g, const Tensor& x, const Tensor& filter,
            const Tensor* bias, const ConvResults& results, ConvLines* s) {
  const int64_t n = filter.shape[0], c = filter.shape[3], columns = n * s->pixels,
                depth = s->taps * s->k, row = g.w.filter * c;
  const int nr = kernels().gemm_q8_nr;
  s->weight_bytes = gemm_q8_packed_bytes(columns, s->taps, s->k, nr);
  base::Buffer copies;  // filters, biases and scales of all pixels of a window
  const auto filters = static_cast<size_t>(ceil_div(columns * depth, 4) * 4);
  const bool several = s->pixels > 1;
  if (several && !copies.resize(filters + static_cast<size_t>(columns) * 8))
    return out_of_memory("packed weights", s->weight_bytes);
  PackQ8 params{.input_zero_point = x.quantization.zero_point(),
                .bias = bias == nullptr ? nullptr : bias->as<int32_t>(),
                .scale = results.scales.scales,
                .scale_stride = 1};
  const void* from = filter.data;
  if (several) {
    auto* biases = reinterpret_cast<int32_t*>(copies.data() + filters);
    auto* scales = reinterpret_cast<float*>(biases + columns);
    std::memset(copies.data(), 0, filters);
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t pixel = j / n, channel = j % n;
      for (int64_t t = 0; t < s->taps; ++t)
        std::memcpy(copies.data() + j * depth + t * s->k + pixel * g.w.stride * c,
                    filter.as<uint8_t>() + (channel * s->taps + t) * row, static_cast<size_t>(row));
      biases[j] = params.bias == nullptr ? 0 : params.bias[channel];
      scales[j] = params.scale[channel];
    }
    params.bias = biases;
    params.scale = scales;
    from = copies.data();
  }
  const auto values = static_cast<size_t>(columns) * sizeof(float);
  PackKey key("lines", op.input(1));
  key.number(columns).number(s->taps).number(s->k).number(s->pixels).number(g.w.stride * c);
  key.number(params.input_zero_point).data(params.scale, values);
  key.data(params.bias, values);
  s->weights = op.packed(key, s->weight_bytes, [&](uint8_t* packed) {
    pack_gemm_q8(from, {.n_stride = depth, .tap_stride = s->k, .k_stride = 1}, params, columns,
                 s->taps, s->k, nr, packed);
  });
  return s->weights == nullptr ? out_of_memory("packed weights", s->weight_bytes) : Status();
}

// Columns of a task: all of them, unless there are too few windows for all threads.
int64_t columns_of_task(const OpContext& op, int64_t windows, int64_t columns) {
  constexpr int64_t kFewWindows = 48, kLeastColumns = 64;
  if (op.threads() == 1 || windows >= op.threads() * kFewWindows || columns < 2 * kLeastColumns)
    return columns;
  const int64_t nr = kernels().gemm_q8_nr,
                share = std::max(ceil_div(columns, op.threads()), kLeastColumns);
  return std::min(ceil_div(share, nr) * nr, columns);
}

}  // namespace

Status prepare_conv_lines(OpContext& op, const ConvGeometry& g, const Tensor& x,
                          const Tensor& filter, const Tensor* bias, const ConvResults& results,
                          ConvLines* s) {
  if (!suits(op, x, filter, results)) return {};
  const int64_t c = x.shape[3];
  choose_runs(g, c, filter.shape[0], s);
  s->in_place = is_pointwise(g);
  if (s->in_place) {
    if (!gains_in_place(g, c, filter.shape[0])) return {};
    s->line = s->kept = s->windows = g.pixels();
  } else {
    CYGNET_TRY(make_planes(op, g, s));
    if (!gains(g, *s, c)) return {};
  }
  CYGNET_TRY(pack(op, g, x, filter, bias, results, s));
  const int64_t columns = filter.shape[0] * s->pixels;
  s->columns = columns_of_task(op, s->windows, columns);
  if (s->in_place && s->columns == columns) op.promise_wanted();
  choose_band(g, filter.shape[0], s->columns < columns, s);
  CYGNET_TRY(make_offsets(op, g, s));
  s->padding = static_cast<uint8_t>(x.quantization.zero_point());
  s->used = true;
  if (s->in_place) return {};
  s->band_bytes = s->planes * s->plane_bytes + kStep;
  return op.request_scratch(static_cast<size_t>(op.threads() * s->band_bytes), &s->staged);
}

namespace {

// Writes row `y` of a plane.
void stage_line(const ConvGeometry& g, const ConvLines& s, const ConvLines::Plane& plane, int64_t y,
                const uint8_t* image, int64_t c, uint8_t* out) {
  const int64_t bytes = s.line * s.unit, from = y * g.h.stride + plane.y - g.h.pad;
  const auto pad = [&](int64_t begin, int64_t end) {
    std::memset(out + begin, s.padding, static_cast<size_t>(end - begin));
  };
  if (from < 0 || from >= g.h.in) return pad(0, bytes);
  const int64_t step = s.joined ? 1 : g.w.stride;
  const Row row = row_of(g, plane.x, step);
  const uint8_t* in = image + (from * g.w.in + row.begin * step + plane.x - g.w.pad) * c;
  const auto copy = [&](int64_t at, int64_t count) {
    std::memcpy(out + at, in, static_cast<size_t>(count));
  };
  pad(0, row.begin * c);
  if (step == 1)
    copy(row.begin * c, (row.end - row.begin) * c);
  else
    for (int64_t i = row.begin; i < row.end; ++i, in += step * c) copy(i * c, c);
  pad(row.end * c, bytes);
}

// The planes of output rows [first, first + count).
void stage_band(const ConvGeometry& g, const ConvLines& s, const uint8_t* image, int64_t c,
                int64_t first, int64_t count, uint8_t* out) {
  const int64_t line_bytes = s.line * s.unit;
  for (int64_t i = 0; i < s.planes; ++i) {
    uint8_t* to = out + i * s.plane_bytes;
    for (int64_t y = first; y < first + count + s.below; ++y, to += line_bytes)
      stage_line(g, s, s.plane[i], y, image, c, to);
    std::memset(to, s.padding, static_cast<size_t>(s.spare));
  }
}

ConvQ8 conv_args(const OpContext& op, const ConvLines& s, const ConvResults& results) {
  const Tensor& y = op.output(0);
  ConvQ8 conv;
  conv.at = s.at;
  conv.a_stride = s.unit;
  conv.n = conv.out_stride = s.pixels * y.shape[3];
  conv.taps = s.taps;
  conv.k = s.k;
  conv.line = s.line;
  conv.kept = s.kept;
  conv.weights = s.weights;
  conv.zero_point = y.quantization.zero_point();
  conv.lo = results.quantized.low;
  conv.hi = results.quantized.high;
  return conv;
}

// One image, `a`, where windows are few: parts of the columns on all threads.
void invoke_columns(OpContext& op, const ConvLines& s, const ConvQ8& args, const uint8_t* a,
                    uint8_t* out) {
  op.parallel_for(ceil_div(args.n, s.columns), [&](int64_t begin, int64_t end, int) {
    const int64_t column = begin * s.columns;
    ConvQ8 conv = args;
    conv.a = a;
    conv.m = s.windows;
    conv.n = std::min(end * s.columns, args.n) - column;
    conv.weights = s.weights + gemm_q8_packed_bytes(column, s.taps, s.k, kernels().gemm_q8_nr);
    conv.out = out + column;
    kernels().conv_q8(conv);
  });
}

// All pixels of all images, in parts that stay in the cache with their results.
void invoke_in_place(OpContext& op, const ConvLines& s, const ConvQ8& args) {
  constexpr int64_t kBytes = 256 * 1024, kPixels = 64, kTask = 32;
  const int64_t c = s.unit, n = args.n, images = op.input(0).shape[0],
                part = std::max<int64_t>(1, kBytes / ((c + n) * kPixels)) * kPixels,
                step = is_heavy(s) ? s.windows : part;
  for (int64_t batch = 0; batch < images; ++batch) {
    if (s.columns < n) {
      const int64_t first = batch * s.windows;
      invoke_columns(op, s, args, op.input(0).as<uint8_t>() + first * c,
                     op.output(0).as<uint8_t>() + first * n);
      continue;
    }
    op.parallel_for(ceil_div(s.windows, kTask), [&](int64_t begin, int64_t end, int thread) {
      const int64_t stop = std::min(end * kTask, s.windows);
      for (int64_t i = begin * kTask; i < stop; i += step) {
        const int64_t first = batch * s.windows + i, count = std::min(step, stop - i);
        op.wanted(first * c, (first + count) * c, thread);
        ConvQ8 conv = args;
        conv.a = op.input(0).as<uint8_t>() + first * c;
        conv.m = count;
        conv.out = op.output(0).as<uint8_t>() + first * n;
        kernels().conv_q8(conv);
        op.produced(first * n, (first + count) * n, thread);
      }
    });
  }
}

}  // namespace

void invoke_conv_lines(OpContext& op, const ConvGeometry& g, const ConvLines& s,
                       const ConvResults& results) {
  const Tensor& x = op.input(0);
  const ConvQ8 args = conv_args(op, s, results);
  if (s.in_place) return invoke_in_place(op, s, args);
  const int64_t c = x.shape[3], image_bytes = x.shape.elements(1, 4), height = g.h.out,
                row_bytes = s.kept * args.n;
  if (s.columns < args.n) {
    for (int64_t batch = 0; batch < x.shape[0]; ++batch) {
      auto* staged = op.scratch<uint8_t>(s.staged);
      stage_band(g, s, x.as<uint8_t>() + batch * image_bytes, c, 0, height, staged);
      invoke_columns(op, s, args, staged, op.output(0).as<uint8_t>() + batch * height * row_bytes);
    }
    return;
  }
  const int64_t share = ceil_div(x.shape[0] * height, op.threads());
  const auto run = [&](int64_t begin, int64_t end, int thread) {
    uint8_t* staged = op.scratch<uint8_t>(s.staged) + thread * s.band_bytes;
    for (int64_t row = begin, rows; row < end; row += rows) {
      const int64_t batch = row / height, first = row % height;
      rows = std::min({s.band, end - row, height - first});
      stage_band(g, s, x.as<uint8_t>() + batch * image_bytes, c, first, rows, staged);
      ConvQ8 conv = args;
      conv.a = staged;
      conv.m = (rows - 1) * s.line + s.kept;
      conv.out = op.output(0).as<uint8_t>() + row * row_bytes;
      kernels().conv_q8(conv);
      op.produced(row * row_bytes, (row + rows) * row_bytes, thread);
    }
  };
  op.parallel_for(x.shape[0] * height, run, std::min(share, s.band));
}

}  // namespace cygnet::ops
