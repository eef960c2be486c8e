// SPDX-License-Identifier: Apache-2.0
#include "ops/transposed_sums.h"

#include <limits>

namespace cygnet::ops {
namespace {

constexpr int64_t kMostTerms = 64;       // of an output
constexpr int64_t kLeastDepth = 8;       // with fewer, the sums take longer than what they save
constexpr int64_t kGroupPixels = 96;     // multiplied together, at least
constexpr int64_t kMostBytes = 1 << 20;  // of a thread's products: within the cache

int64_t most_rows(const ConvGeometry& g) {
  return phase_taps(g.h, 0);
}

// Sizes; whether this way is the faster one.
bool suits(const TransposedOperands& in, const ConvGeometry& g, TransposedSums* s) {
  const int64_t taps = g.taps(), w = in.x.shape[2], depth = in.x.shape[3];
  const bool overlap = g.h.filter > g.h.stride || g.w.filter > g.w.stride;
  if (in.x.type != Type::float32 || in.filter.type != Type::float32 || !overlap ||
      depth < kLeastDepth || most_rows(g) * phase_taps(g.w, 0) > kMostTerms || w == 0)
    return false;
  s->columns = taps * in.filter.shape[0];
  s->group = std::clamp<int64_t>(kGroupPixels / w, 1, std::max(1, in.x.shape[1]));
  s->rows = s->group + most_rows(g) - 1;
  return s->rows * w * s->columns <= kMostBytes / int64_t{sizeof(float)};
}

Status pack(OpContext& op, const TransposedOperands& in, const ConvGeometry& g, TransposedSums* s) {
  const int64_t taps = g.taps(), m = in.filter.shape[0], c = in.filter.shape[3];
  CYGNET_TRY(prepare_product(op, in.x, in.filter, s->group * in.x.shape[2], s->columns, 1, c,
                             &s->product));
  base::Buffer plain;
  const size_t plain_bytes = static_cast<size_t>(s->columns * c) * sizeof(float),
               bias_bytes = static_cast<size_t>(m) * sizeof(float);
  if (!plain.resize(plain_bytes)) return out_of_memory("filter", plain_bytes);
  auto* to = reinterpret_cast<float*>(plain.data());
  for (int64_t t = 0; t < taps; ++t)
    for (int64_t j = 0; j < m; ++j, to += c)
      std::memcpy(to, in.filter.as<float>() + (j * taps + t) * c,
                  static_cast<size_t>(c) * sizeof(float));
  s->bias = static_cast<float*>(op.allocate(bias_bytes));
  if (s->bias == nullptr) return out_of_memory("bias", bias_bytes);
  if (in.bias != nullptr) std::memcpy(s->bias, in.bias->data, bias_bytes);
  Tensor taken = in.filter;
  taken.data = plain.data();
  taken.bytes = plain_bytes;
  return share_weights(op,
                       {.source = taken,
                        .input = in.x,
                        .filter = taken,
                        .n = s->columns,
                        .k = c,
                        .split = s->product.split},
                       &s->weights);
}

}  // namespace

Status prepare_transposed_sums(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                               TransposedSums* s) {
  if (!suits(in, g, s)) return {};
  CYGNET_TRY(pack(op, in, g, s));
  const int64_t threads = op.threads();
  CYGNET_TRY(op.request_scratch(
      static_cast<size_t>(threads * s->rows * in.x.shape[2] * s->columns) * sizeof(float),
      &s->products));
  CYGNET_TRY(
      op.request_scratch(static_cast<size_t>(threads * s->rows) * sizeof(int64_t), &s->kept));
  s->used = true;
  return {};
}

namespace {

// What one thread works with.
struct Worker {
  OpContext& op;
  const TransposedOperands& in;
  const ConvGeometry& g;
  const TransposedSums& s;
  const Clamp<float>& clamp;
  int thread;
  float* products;  // [rows][W][columns]
  int64_t* kept;    // [rows]

  int64_t h() const { return in.x.shape[1]; }
  int64_t w() const { return in.x.shape[2]; }

  // The products of row `y` of image `image`; of more rows behind it, where they are missing.
  const float* row(int64_t image, int64_t y) {
    const int64_t number = image * h() + y, place = number % s.rows, size = w() * s.columns;
    float* out = products + place * size;
    if (kept[place] == number) return out;
    const int64_t count = std::min({s.group, s.rows - place, h() - y}), c = in.x.shape[3];
    for (int64_t i = 0; i < count; ++i) kept[place + i] = number + i;
    constexpr float kAny = std::numeric_limits<float>::infinity();
    LayerGemm gemm = {.a = in.x.as<float>() + number * w() * c,
                      .a_stride = c,
                      .m = count * w(),
                      .n = s.columns,
                      .k = c,
                      .weights = s.weights,
                      .out = out,
                      .out_stride = s.columns,
                      .real = {-kAny, kAny}};
    use_product(op, s.product, thread, &gemm);
    run_gemm(in.filter, op.output(0), gemm);
    return out;
  }

  // `count` outputs of a row's phase. The taps [first_tap, taps) of column `fx` of the filter and
  // every stride-th behind it reach them: tap t of the first one reads input column x − t.
  void run(const float* const* rows, const int32_t* filter_rows, int64_t row_count, int64_t fx,
           int64_t first_tap, int64_t taps, int64_t x, int64_t count, float* out) const {
    const int64_t m = in.filter.shape[0];
    const float* terms[kMostTerms];
    int64_t n = 0;
    for (int64_t r = 0; r < row_count; ++r)
      for (int64_t t = first_tap; t < taps; ++t)
        terms[n++] = rows[r] + (x - t) * s.columns +
                     (int64_t{filter_rows[r]} * g.w.filter + fx + t * g.w.stride) * m;
    kernels().sum_terms_f32({.terms = terms,
                             .count = n,
                             .in_stride = s.columns,
                             .bias = s.bias,
                             .rows = count,
                             .c = m,
                             .out = out,
                             .out_stride = g.w.stride * m,
                             .lo = clamp.low,
                             .hi = clamp.high});
  }

  // Output row `oy` of image `image`.
  void output_row(int64_t image, int64_t oy, float* out) {
    const auto phase_h = static_cast<int32_t>((oy + g.h.pad) % g.h.stride);
    const int64_t first = (oy + g.h.pad) / g.h.stride, m = in.filter.shape[0];
    const float* rows[kMostTerms];
    int32_t filter_rows[kMostTerms];
    int64_t count = 0;
    // The uppermost row first: it brings those below it.
    for (int32_t t = phase_taps(g.h, phase_h) - 1; t >= 0; --t)
      if (first - t >= 0 && first - t < h()) {
        rows[count] = row(image, first - t);
        filter_rows[count++] = phase_h + t * g.h.stride;
      }
    for (int32_t phase = 0; phase < g.w.stride; ++phase) {
      const int64_t taps = phase_taps(g.w, phase),
                    from = (phase - g.w.pad % g.w.stride + g.w.stride) % g.w.stride,
                    pixels = from >= g.w.in ? 0 : (g.w.in - from - 1) / g.w.stride + 1,
                    x = (from + g.w.pad) / g.w.stride;
      // Outputs [begin, end) have all taps.
      const int64_t begin = std::clamp<int64_t>(taps - 1 - x, 0, pixels),
                    end = std::clamp<int64_t>(w() - x, begin, pixels);
      for (int64_t i = 0, step; i < pixels; i += step) {
        const bool inner = i >= begin && i < end;
        step = inner ? end - i : 1;
        const int64_t first_tap = inner ? 0 : std::clamp<int64_t>(x + i - w() + 1, 0, taps),
                      last = inner ? taps : std::min(taps, x + i + 1);
        run(rows, filter_rows, count, phase, first_tap, last, x + i, step,
            out + (from + i * g.w.stride) * m);
      }
    }
  }
};

}  // namespace

void invoke_transposed_sums(OpContext& op, const TransposedOperands& in, const ConvGeometry& g,
                            const TransposedSums& s, const Clamp<float>& clamp) {
  const Tensor& y = op.output(0);
  const int64_t rows = y.shape[1], row_elements = y.shape.elements(2, 4),
                size = s.rows * in.x.shape[2] * s.columns;
  op.parallel_for(int64_t{y.shape[0]} * rows, [&](int64_t begin, int64_t end, int thread) {
    Worker worker{op,
                  in,
                  g,
                  s,
                  clamp,
                  thread,
                  op.scratch<float>(s.products) + thread * size,
                  op.scratch<int64_t>(s.kept) + thread * s.rows};
    std::fill(worker.kept, worker.kept + s.rows, -1);
    for (int64_t i = begin; i < end; ++i)
      worker.output_row(i / rows, i % rows, op.output(0).as<float>() + i * row_elements);
  });
}

}  // namespace cygnet::ops
