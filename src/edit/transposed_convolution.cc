// SPDX-License-Identifier: Apache-2.0
#include "edit/transposed_convolution.h"

#include <algorithm>

#include "edit/failure.h"

namespace cygnet {
namespace {

using schema::Padding;

// One direction. Result o sums input i · filter[o + before − i·stride]. Of the results stride·q + r
// all need the inputs q − last to q − first, tap t of a convolution being input q − last + t.
struct Direction {
  int64_t in, out, kernel, stride;
  int64_t before;    // filter elements that fall before the first result
  int64_t skip = 0;  // results of the convolution before the first wanted one
  int64_t first, last;
  int64_t positions;  // of the convolution
  int64_t after;      // zeros behind the input

  Direction(int64_t i, int64_t o, int64_t k, int64_t s, Padding padding)
      : in(i), out(o), kernel(k), stride(s) {
    before = padding == Padding::SAME
                 ? std::max<int64_t>(0, ((out + s - 1) / s - 1) * s + kernel - out) / 2
                 : 0;
    // Phases that begin elsewhere may need fewer taps.
    if ((kernel - 1 - before) / s + (s - 1 + before) / s > (kernel - 1) / s)
      std::swap(before, skip);
    first = -((s - 1 + before) / s);
    last = (kernel - 1 - before) / s;
    positions = (out + skip + s - 1) / s;
    after = std::max<int64_t>(0, positions - first - in);
  }
  int64_t taps() const { return last - first + 1; }
  // Which element of the filter tap t of phase r is; −1 for none.
  int64_t element(int64_t t, int64_t r) const {
    const int64_t k = (last - t) * stride + r + before;
    return k < kernel ? k : -1;
  }
  // Whether SAME pads like this.
  bool same() const {
    return positions == in && last == (taps() - 1) / 2 && after == taps() - 1 - last;
  }
};

// How many times as large the filter may become, beside kFreeElements: a stride much wider than the
// filter fills it with zeros.
constexpr double kMostGrowth = 64;
constexpr double kFreeElements = 1 << 20;

std::vector<float> phases(Editor& e, const TransposedConvolution& t, const Direction& h,
                          const Direction& w) {
  const Shape& f = e.shape(t.filter);
  const double growth = static_cast<double>(h.stride * h.taps()) / static_cast<double>(f[0]) *
                        static_cast<double>(w.stride * w.taps()) / static_cast<double>(f[1]);
  const auto elements = static_cast<double>(f.elements());
  if (growth * elements > kMostGrowth * elements + kFreeElements)
    throw Failure(text(e.draft().source, ": transposed convolution \"", t.name, "\": the stride ",
                       h.stride, "x", w.stride, " is too wide for a filter of ", f[0], "x", f[1],
                       " where the batch is free; give the input a fixed batch (--inputs)"));
  const std::span<const float> from = e.values<float>(t.filter);
  const int64_t out = f[2], in = f[3];
  std::vector<float> to(static_cast<size_t>(h.stride * w.stride * out * h.taps() * w.taps() * in));
  float* row = to.data();
  for (int64_t rh = 0; rh < h.stride; ++rh)
    for (int64_t rw = 0; rw < w.stride; ++rw)
      for (int64_t o = 0; o < out; ++o)
        for (int64_t th = 0; th < h.taps(); ++th)
          for (int64_t tw = 0; tw < w.taps(); ++tw, row += in) {
            const int64_t kh = h.element(th, rh), kw = w.element(tw, rw);
            if (kh < 0 || kw < 0) continue;
            const float* source = from.data() + ((kh * w.kernel + kw) * out + o) * in;
            std::copy(source, source + in, row);
          }
  return to;
}

// Output channels are the filter's dimension 2, and follow each other in each phase. Zeros between
// are on any grid that has a zero point of 0.
Grid phase_grid(const Grid& grid, int32_t channels) {
  if (!grid || (grid->scales.size() > 1 && grid->axis != 2)) return nullptr;
  QuantizedType q{grid->type, grid->scales, grid->zero_points, 0};
  const size_t n = grid->scales.size();
  if (n > 1)
    for (size_t i = n; i < static_cast<size_t>(channels); ++i) {
      q.scales.push_back(grid->scales[i % n]);
      q.zero_points.push_back(grid->zero_points[i % n]);
    }
  return std::make_shared<const QuantizedType>(std::move(q));
}

int32_t narrow(int64_t n) {
  return static_cast<int32_t>(n);
}

// The part of h × w elements from [top, left] of an image.
int32_t crop(Editor& e, int32_t x, int64_t top, int64_t left, int64_t h, int64_t w,
             const std::string& name) {
  if (top == 0 && left == 0 && e.shape(x)[1] == h && e.shape(x)[2] == w) return x;
  schema::StridedSliceOptionsT o;
  o.begin_mask = o.end_mask = 0b1001;
  return e.add(Builtin::STRIDED_SLICE,
               {x, e.list({0, narrow(top), narrow(left), 0}),
                e.list({0, narrow(top + h), narrow(left + w), 0}), e.list({1, 1, 1, 1})},
               o, name);
}

// [n, h, w, sh·sw·c] → [n, h·sh, w·sw, c]
int32_t spread(Editor& e, int32_t x, int64_t sh, int64_t sw, const std::string& name) {
  const int64_t h = e.shape(x)[1], w = e.shape(x)[2], c = e.shape(x)[3] / (sh * sw);
  if (sh == 1 && sw == 1) return x;
  if (sh == sw) {
    schema::DepthToSpaceOptionsT o;
    o.block_size = narrow(sh);
    return e.add(Builtin::DEPTH_TO_SPACE, {x}, o, name);
  }
  if (sh > 1) {
    x = e.add(Builtin::RESHAPE, {x, e.list({-1, narrow(w), narrow(sh), narrow(sw * c)})},
              schema::ReshapeOptionsT(), name + "/phases");
    x = e.add(Builtin::TRANSPOSE, {x, e.list({0, 2, 1, 3})}, schema::TransposeOptionsT(),
              name + "/rows");
  }
  return e.add(Builtin::RESHAPE, {x, e.list({-1, narrow(h * sh), narrow(w * sw), narrow(c)})},
               schema::ReshapeOptionsT(), name);
}

int32_t as_convolution(Editor& e, const TransposedConvolution& t) {
  const Shape x = e.shape(t.x), f = e.shape(t.filter);
  const Direction h(x[1], t.out_h, f[0], t.stride_h, t.padding);
  const Direction w(x[2], t.out_w, f[1], t.stride_w, t.padding);
  schema::Conv2DOptionsT o;
  o.stride_h = o.stride_w = 1;
  o.padding = h.same() && w.same() ? Padding::SAME : Padding::VALID;
  int32_t image = t.x;
  if (o.padding == Padding::VALID && (h.last > 0 || h.after > 0 || w.last > 0 || w.after > 0)) {
    const int32_t pads =
        e.constant<int32_t>({4, 2}, std::vector<int32_t>{0, 0, narrow(h.last), narrow(h.after),
                                                         narrow(w.last), narrow(w.after), 0, 0});
    image = e.add(Builtin::PAD, {image, pads}, schema::PadOptionsT(), t.name + "/pad");
  }
  const int32_t filter = e.constant<float>(
      {narrow(h.stride * w.stride * f[2]), narrow(h.taps()), narrow(w.taps()), f[3]},
      phases(e, t, h, w), std::string(e.tensor(t.filter).name));
  e.set_grid(filter, phase_grid(e.grid(t.filter), e.shape(filter)[0]));
  // LiteRT insists on a bias.
  const int32_t channels = e.shape(filter)[0];
  const int32_t bias =
      e.constant<float>({channels}, std::vector<float>(static_cast<size_t>(channels), 0));
  int32_t y = e.add(Builtin::CONV_2D, {image, filter, bias}, o, t.name + "/convolution");
  y = crop(e, y, 0, 0, h.positions, w.positions, t.name + "/positions");
  y = spread(e, y, h.stride, w.stride, t.name + "/spread");
  return crop(e, y, h.skip, w.skip, t.out_h, t.out_w, t.name);
}

}  // namespace

int32_t add_transposed_convolution(Editor& e, const TransposedConvolution& t) {
  const bool free = e.dim_free(t.x, 0);
  if (free && e.constant(t.filter) && e.type(t.filter) == Type::float32)
    return as_convolution(e, t);
  schema::TransposeConvOptionsT o;
  o.padding = t.padding;
  o.stride_h = t.stride_h;
  o.stride_w = t.stride_w;
  const int32_t filter = e.add(Builtin::TRANSPOSE, {t.filter, e.list({2, 0, 1, 3})},
                               schema::TransposeOptionsT(), std::string(e.tensor(t.filter).name));
  const int32_t shape =
      free ? t.output_shape : e.list({e.shape(t.x)[0], t.out_h, t.out_w, e.shape(t.filter)[2]});
  return e.add(Builtin::TRANSPOSE_CONV, {shape, filter, t.x}, o, {t.name, e.type(t.x)});
}

}  // namespace cygnet
