// SPDX-License-Identifier: Apache-2.0
#include "ops/few_channels.h"

namespace cygnet::ops {
namespace {

// With more, matrix products fill their lanes; but not with few inputs, whose rows they must copy.
constexpr int32_t kMostColumns = 8, kMostColumnsOfFewInputs = 16, kFewInputs = 4;
constexpr int64_t kMostStep = 16;  // with more, planes take longer than products
constexpr int64_t kLeastTaps = 4;  // with fewer, too
constexpr int64_t kMostTerms = 512;
constexpr int32_t kMostDilation = 16;
constexpr int64_t kMostNumbers = 1 << 20;  // of a thread's planes
constexpr int64_t kLeastPixels = 12;       // of a row: fewer leave lanes empty
constexpr int64_t kQuad = 4;               // elements of a term of 8 bits

int64_t rounded_up(int64_t n, int64_t step) {
  return (n + step - 1) / step * step;
}

bool suits(const ConvGeometry& g, const Tensor& x, const Tensor& filter,
           const ConvResults& results) {
  const int64_t c = x.shape[3], step = c * g.w.stride, taps = g.taps();
  const bool real = x.type == Type::float32, quantized = x.type == Type::int8;
  if (results.hybrid || !(real || (quantized && g.w.dilation == 1)) || filter.shape[3] != c ||
      filter.shape[0] > (real && c <= kFewInputs ? kMostColumnsOfFewInputs : kMostColumns) ||
      taps < kLeastTaps || taps * c > kMostTerms || g.w.out < kLeastPixels || step > kMostStep ||
      std::max(g.h.dilation, g.w.dilation) > kMostDilation)
    return false;
  const int64_t rows = int64_t{g.h.filter} * g.h.dilation,
                columns = g.w.out + int64_t{g.w.filter} * g.w.dilation;
  return rows * columns * step <= kMostNumbers;
}

// The elements of a window's row that terms begin with, one term after the other.
template <class Fn>
void each_term(const ConvGeometry& g, int64_t c, bool real, const Fn& fn) {
  if (!real) {
    for (int64_t e = 0; e < g.w.filter * c; e += kQuad) fn(e);
    return;
  }
  for (int64_t x = 0; x < g.w.filter; ++x)
    for (int64_t ch = 0; ch < c; ++ch) fn(x * g.w.dilation * c + ch);
}

Status make_terms(OpContext& op, const ConvGeometry& g, int64_t c, bool real, FewChannels* s) {
  const auto most = static_cast<size_t>(g.taps() * c);
  s->term = static_cast<FewChannels::Term*>(op.allocate(most * sizeof(FewChannels::Term)));
  s->first = static_cast<int32_t*>(op.allocate(static_cast<size_t>(s->step) * sizeof(int32_t)));
  if (s->term == nullptr || s->first == nullptr) return out_of_memory("terms", most);
  // Planes of 8 bits are made one by one; all of f32 at once.
  if (real)
    for (; s->planes < s->step; ++s->planes) s->first[s->planes] = static_cast<int32_t>(s->planes);
  int64_t furthest = 0;
  for (int32_t row = 0; row < g.h.filter; ++row)
    each_term(g, c, real, [&](int64_t e) {
      const auto start = static_cast<int32_t>(e % s->step);
      int32_t plane = 0;
      while (plane < s->planes && s->first[plane] != start) ++plane;
      if (plane == s->planes) s->first[s->planes++] = start;
      s->term[s->terms++] = {row, plane, static_cast<int32_t>(e / s->step)};
      furthest = std::max(furthest, e / s->step);
    });
  const int64_t numbers = g.w.out + furthest;
  s->plane_stride = rounded_up(numbers + kTermSlack, kTermSlack + 1);
  s->line = numbers * s->step + (real ? 0 : kQuad);
  return {};
}

// Calls set(index in the packed weights, first element of the filter, how many of them).
template <class Set>
void each_weight(const ConvGeometry& g, int64_t c, bool real, int64_t columns, int64_t terms,
                 const Set& set) {
  for (int64_t j = 0; j < columns; ++j) {
    int64_t t = 0;
    for (int64_t row = 0; row < g.h.filter; ++row) {
      const int64_t length = g.w.filter * c;
      for (int64_t e = 0; e < length; e += real ? 1 : kQuad, ++t)
        set((j / kConvRowColumns * terms + t) * kConvRowColumns + j % kConvRowColumns,
            (j * g.h.filter + row) * length + e, std::min(length - e, kQuad));
    }
  }
}

Status pack_f32(OpContext& op, const ConvGeometry& g, const Tensor& filter, const Tensor* bias,
                FewChannels* s) {
  const int64_t n = filter.shape[0], whole = rounded_up(n, kConvRowColumns);
  const size_t bytes = static_cast<size_t>(whole * (s->terms + 1)) * sizeof(float);
  auto* weights = static_cast<float*>(op.allocate(bytes));
  if (weights == nullptr) return out_of_memory("packed weights", bytes);
  float* padded = weights + whole * s->terms;
  each_weight(g, filter.shape[3], true, n, s->terms,
              [&](int64_t at, int64_t from, int64_t) { weights[at] = filter.as<float>()[from]; });
  if (bias != nullptr) std::memcpy(padded, bias->data, static_cast<size_t>(n) * sizeof(float));
  s->weights = weights;
  s->bias = padded;
  return {};
}

Status pack_q8(OpContext& op, const ConvGeometry& g, const Tensor& x, const Tensor& filter,
               const Tensor* bias, const ConvResults& results, FewChannels* s) {
  const int64_t n = filter.shape[0], whole = rounded_up(n, kConvRowColumns);
  const size_t bytes = static_cast<size_t>(whole * (s->terms + 2)) * sizeof(int32_t);
  auto* weights = static_cast<int32_t*>(op.allocate(bytes));
  if (weights == nullptr) return out_of_memory("packed weights", bytes);
  int32_t* padded = weights + whole * s->terms;
  auto* scale = reinterpret_cast<float*>(padded + whole);
  each_weight(g, filter.shape[3], false, n, s->terms, [&](int64_t at, int64_t from, int64_t count) {
    std::memcpy(weights + at, filter.as<int8_t>() + from, static_cast<size_t>(count));
  });
  const int64_t depth = filter.shape.elements(1, 4);
  for (int64_t j = 0; j < n; ++j) {
    int64_t sum = 0;
    for (int64_t i = 0; i < depth; ++i) sum += filter.as<int8_t>()[j * depth + i];
    const int64_t own = bias == nullptr ? 0 : bias->as<int32_t>()[j];
    padded[j] = static_cast<int32_t>(static_cast<uint32_t>(own - sum * unsigned_zero_point(x)));
    scale[j] = results.scales.scales[j];
  }
  s->weights = weights;
  s->bias = padded;
  s->scale = scale;
  return {};
}

// A plane whose numbers are all padding.
Status make_padding(OpContext& op, const Tensor& x, FewChannels* s) {
  const size_t bytes = static_cast<size_t>(s->plane_stride) * sizeof(int32_t);
  void* padding = op.allocate(bytes);
  if (padding == nullptr) return out_of_memory("padding", bytes);
  std::memset(padding, x.type == Type::float32 ? 0 : unsigned_zero_point(x), bytes);
  s->padding = padding;
  return {};
}

Status request_scratch(OpContext& op, int element, FewChannels* s) {
  const int64_t threads = op.threads();
  const auto request = [&](int64_t elements, size_t size, int* handle) {
    return op.request_scratch(static_cast<size_t>(threads * elements) * size, handle);
  };
  CYGNET_TRY(request(s->rows * s->planes * s->plane_stride, sizeof(int32_t), &s->planes_scratch));
  CYGNET_TRY(request(s->line, static_cast<size_t>(element), &s->lines_scratch));
  CYGNET_TRY(request(s->terms, sizeof(void*), &s->pointers_scratch));
  return request(s->rows, sizeof(int64_t), &s->kept_scratch);
}

}  // namespace

Status prepare_few_channels(OpContext& op, const ConvGeometry& g, const Tensor& x,
                            const Tensor& filter, const Tensor* bias, const ConvResults& results,
                            FewChannels* s) {
  if (!suits(g, x, filter, results)) return {};
  const bool real = x.type == Type::float32;
  s->step = int64_t{x.shape[3]} * g.w.stride;
  s->rows = int64_t{g.h.filter - 1} * g.h.dilation + 1;
  CYGNET_TRY(make_terms(op, g, x.shape[3], real, s));
  CYGNET_TRY(real ? pack_f32(op, g, filter, bias, s) : pack_q8(op, g, x, filter, bias, results, s));
  CYGNET_TRY(make_padding(op, x, s));
  CYGNET_TRY(request_scratch(op, real ? 4 : 1, s));
  s->used = true;
  return {};
}

namespace {

/// What one thread works with.
struct Worker {
  const FewChannels& s;
  const ConvGeometry& g;
  const Tensor& x;
  int32_t* planes;  // [rows][planes][plane_stride]
  uint8_t* line;
  const int32_t** terms;  // [terms]
  int64_t* kept;          // [rows]: which row of all images' a place holds

  bool real() const { return x.type == Type::float32; }
  int64_t element() const { return real() ? 4 : 1; }

  /// The planes of row `y` of image `image`.
  const int32_t* row(int64_t image, int64_t y) {
    const int64_t number = image * g.h.in + y, place = y % s.rows;
    int32_t* to = planes + place * s.planes * s.plane_stride;
    if (kept[place] == number) return to;
    kept[place] = number;
    const int64_t bytes = int64_t{g.w.in} * x.shape[3] * element(), line_bytes = s.line * element(),
                  left = std::min(int64_t{g.w.pad} * x.shape[3] * element(), line_bytes),
                  inside = std::min(bytes, line_bytes - left);
    const int pad_byte = real() ? 0 : x.quantization.zero_point();
    const auto fill = [&](int64_t from, int64_t end) {
      std::memset(line + from, pad_byte, static_cast<size_t>(end - from));
    };
    fill(0, left);
    std::memcpy(line + left, x.as<uint8_t>() + number * bytes, static_cast<size_t>(inside));
    fill(left + inside, line_bytes);
    split(to);
    return to;
  }

  void split(int32_t* to) const {
    if (real()) {
      kernels().split_channels_f32(reinterpret_cast<const float*>(line), s.line / s.step, s.step,
                                   reinterpret_cast<float*>(to), s.plane_stride);
      return;
    }
    const int64_t numbers = (s.line - kQuad) / s.step;
    for (int64_t p = 0; p < s.planes; ++p)
      kernels().split_quads_q8(line + s.first[p], numbers, s.step, sign_flip(x),
                               to + p * s.plane_stride);
  }

  /// Points the terms to what row `oy` of image `image` is made of.
  void point(int64_t image, int64_t oy) {
    int32_t known = -1;
    const int32_t* start = nullptr;
    for (int64_t t = 0; t < s.terms; ++t) {
      const FewChannels::Term& term = s.term[t];
      if (term.row != known) {
        known = term.row;
        const int64_t y = g.h.first(oy) + int64_t{term.row} * g.h.dilation;
        start = y < 0 || y >= g.h.in ? nullptr : row(image, y);
      }
      terms[t] = start == nullptr ? static_cast<const int32_t*>(s.padding)
                                  : start + term.plane * s.plane_stride + term.shift;
    }
  }
};

}  // namespace

void invoke_few_channels(OpContext& op, const ConvGeometry& g, const FewChannels& s,
                         const ConvResults& results) {
  const Tensor& x = op.input(0);
  Tensor& y = op.output(0);
  const int64_t n = y.shape[3], pixels = g.w.out, row_elements = pixels * n;
  op.parallel_for(int64_t{x.shape[0]} * g.h.out, [&](int64_t begin, int64_t end, int thread) {
    Worker w{
        s,
        g,
        x,
        op.scratch<int32_t>(s.planes_scratch) + thread * s.rows * s.planes * s.plane_stride,
        op.scratch<uint8_t>(s.lines_scratch) + thread * s.line * (x.type == Type::float32 ? 4 : 1),
        op.scratch<const int32_t*>(s.pointers_scratch) + thread * s.terms,
        op.scratch<int64_t>(s.kept_scratch) + thread * s.rows};
    std::fill(w.kept, w.kept + s.rows, -1);
    for (int64_t row = begin; row < end; ++row) {
      w.point(row / g.h.out, row % g.h.out);
      if (w.real())
        kernels().conv_row_f32({.terms = reinterpret_cast<const float* const*>(w.terms),
                                .count = s.terms,
                                .weights = static_cast<const float*>(s.weights),
                                .bias = static_cast<const float*>(s.bias),
                                .pixels = pixels,
                                .n = n,
                                .out = y.as<float>() + row * row_elements,
                                .lo = results.real.low,
                                .hi = results.real.high});
      else
        kernels().conv_row_q8({.terms = w.terms,
                               .count = s.terms,
                               .weights = static_cast<const int32_t*>(s.weights),
                               .bias = static_cast<const int32_t*>(s.bias),
                               .scale = s.scale,
                               .pixels = pixels,
                               .n = n,
                               .out = y.as<uint8_t>() + row * row_elements,
                               .zero_point = y.quantization.zero_point(),
                               .lo = results.quantized.low,
                               .hi = results.quantized.high});
      op.produced(row * row_elements, (row + 1) * row_elements, thread);
    }
  });
}

}  // namespace cygnet::ops
