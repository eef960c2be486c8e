// SPDX-License-Identifier: Apache-2.0
// Resampling of images as products with constant matrices, a row for each output row or column; and
// patches. Filters as TensorFlow 2.21 has them (resize_bicubic_op.cc, resize_area_op.cc,
// scale_and_translate_op.cc, sampling_kernels.cc).
#include <algorithm>
#include <cmath>
#include <limits>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

constexpr int64_t kMostMatrix = int64_t{1} << 24;

// How `out` samples are made of `in` ones: weights [out, in].
struct Sampling {
  int32_t out, in;
  std::vector<float> weights;

  Sampling(Call& c, int32_t outputs, int32_t inputs) : out(outputs), in(inputs) {
    if (out < 1 || in < 1 || int64_t{out} * in > kMostMatrix)
      c.fail("resizing ", in, " to ", out, " samples is not supported");
    weights.resize(static_cast<size_t>(out) * static_cast<size_t>(in));
  }
  float& at(int64_t y, int64_t x) {
    return weights[static_cast<size_t>(y * in + std::clamp<int64_t>(x, 0, in - 1))];
  }
};

// Height, then width: [oh, h]·[n, h, w·c], then [ow, w]·[n·oh, w, c].
int32_t resample(Call& c, int32_t x, const Sampling& rows, const Sampling& columns) {
  Editor& e = c.e;
  const int32_t channels = c.fixed_dim(x, 3);
  const int32_t batch = e.dim_free(x, 0) ? -1 : e.shape(x)[0];
  const schema::BatchMatMulOptionsT o;
  const int32_t flat = reshape(e, x, {batch, rows.in, columns.in * channels}, c.part("rows"));
  const int32_t down = e.constant<float>({rows.out, rows.in}, rows.weights, c.part("down"));
  const int32_t high = e.add(Builtin::BATCH_MATMUL, {down, flat}, o, c.part("high"));
  const int32_t merged = batch < 0 ? -1 : batch * rows.out;
  const int32_t lines = reshape(e, high, {merged, columns.in, channels}, c.part("columns"));
  const int32_t along =
      e.constant<float>({columns.out, columns.in}, columns.weights, c.part("along"));
  const int32_t wide = e.add(Builtin::BATCH_MATMUL, {along, lines}, o, c.part("wide"));
  return reshape(e, wide, {batch, rows.out, columns.out, channels}, c.name());
}

// The operator with a matrix for each direction that make(out, in) computes.
template <class Make>
void resize_by(Call& c, Make&& make) {
  if (c.shape(0).rank != 4) c.fail("expected rank 4, got ", c.shape(0).rank);
  const std::vector<int64_t> size = c.integers(1);
  if (size.size() != 2) c.fail("size: expected 2 elements, got ", size.size());
  for (int64_t s : size)
    if (s < 1 || s > INT32_MAX) c.fail("size: expected positive numbers, got ", s);
  const int32_t x = cast(c.e, c.in(0), Type::float32, c.part("float"));
  const Sampling rows = make(static_cast<int32_t>(size[0]), c.fixed_dim(x, 1), 0);
  const Sampling columns = make(static_cast<int32_t>(size[1]), c.fixed_dim(x, 2), 1);
  c.out(resample(c, x, rows, columns));
}

float scale_of(bool corners, int32_t out, int32_t in) {
  return corners && out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1)
                            : static_cast<float>(in) / static_cast<float>(out);
}

// ---- Cubic: weights are looked up at 1024 places between two samples

float cubic_near(double x, double a) {
  return static_cast<float>(((a + 2) * x - (a + 3)) * x * x + 1);
}
float cubic_far(double x, double a) {
  return static_cast<float>(((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a);
}

void resize_bicubic(Call& c) {
  constexpr int kSteps = 1024;
  const bool corners = c.node.boolean("align_corners", false);
  const bool centers = c.node.boolean("half_pixel_centers", false);
  const double a = centers ? -0.5 : -0.75;
  resize_by(c, [&](int32_t out, int32_t in, int) {
    Sampling s(c, out, in);
    const float scale = scale_of(corners, out, in);
    for (int32_t y = 0; y < out; ++y) {
      const float at =
          centers ? (static_cast<float>(y) + 0.5f) * scale - 0.5f : static_cast<float>(y) * scale;
      const auto base = static_cast<int64_t>(std::floor(at));
      const double x =
          static_cast<double>(std::lrint((at - static_cast<float>(base)) * kSteps)) / kSteps;
      const float w[4] = {cubic_far(x, a), cubic_near(x, a), cubic_near(1 - x, a),
                          cubic_far(1 - x, a)};
      float sum = 0;
      // With pixel centers samples beyond the border count nothing; without they repeat it.
      for (int64_t k = 0; k < 4; ++k)
        if (!centers || (base - 1 + k >= 0 && base - 1 + k < in)) sum += w[k];
      for (int64_t k = 0; k < 4; ++k)
        if (!centers)
          s.at(y, base - 1 + k) += w[k];
        else if (base - 1 + k >= 0 && base - 1 + k < in)
          s.at(y, base - 1 + k) += w[k] / sum;
    }
    return s;
  });
}

// ---- Area: the mean over what an output sample covers

void resize_area(Call& c) {
  const bool corners = c.node.boolean("align_corners", false);
  resize_by(c, [&](int32_t out, int32_t in, int) {
    Sampling s(c, out, in);
    const float scale = scale_of(corners, out, in);
    for (int32_t y = 0; y < out; ++y) {
      const float from = static_cast<float>(y) * scale, to = static_cast<float>(y + 1) * scale;
      const auto last = static_cast<int64_t>(std::ceil(to));
      for (auto i = static_cast<int64_t>(std::floor(from)); i < last; ++i) {
        const float covered =
            std::min(static_cast<float>(i + 1), to) - std::max(static_cast<float>(i), from);
        s.at(y, i) += covered / scale;
      }
    }
    return s;
  });
}

// ---- Scale and translate

struct Filter {
  std::string_view name;
  float radius;
  float (*weight)(float x);  // x ≥ 0
};

template <int radius>
float lanczos(float x) {
  const float pi = 3.14159265359f;
  if (x > radius) return 0;
  if (x <= 1e-3f) return 1;
  return radius * std::sin(pi * x) * std::sin(pi * x / radius) / (pi * pi * x * x);
}
float gaussian(float x) {
  return x >= 1.5f ? 0 : std::exp(-x * x / (2 * 0.5f * 0.5f));
}
float box(float x) {
  return x < 0.5f ? 1.0f : x == 0.5f ? 0.5f : 0.0f;
}
float triangle(float x) {
  return x < 1 ? 1 - x : 0;
}
float keys_cubic(float x) {
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5f * x + 2.5f) * x - 4) * x + 2;
  return (1.5f * x - 2.5f) * x * x + 1;
}
float mitchell_cubic(float x) {
  if (x >= 2) return 0;
  if (x >= 1) return (((-7.0f / 18) * x + 2) * x - 10.0f / 3) * x + 16.0f / 9;
  return ((7.0f / 6) * x - 2) * x * x + 8.0f / 9;
}

constexpr Filter kFilters[] = {
    {"lanczos1", 1, lanczos<1>},
    {"lanczos3", 3, lanczos<3>},
    {"lanczos5", 5, lanczos<5>},
    {"gaussian", 1.5f, gaussian},
    {"box", 1, box},
    {"triangle", 1, triangle},
    {"keyscubic", 2, keys_cubic},
    {"mitchellcubic", 2, mitchell_cubic},
};

void scale_and_translate(Call& c) {
  const std::string_view kernel = c.node.string("kernel_type", "lanczos3");
  const auto* filter = std::find_if(std::begin(kFilters), std::end(kFilters),
                                    [&](const Filter& f) { return f.name == kernel; });
  if (filter == std::end(kFilters)) c.fail("kernel_type: ", kernel, " is not known");
  if (!c.e.constant(c.in(2)) || !c.e.constant(c.in(3)) || c.shape(2).elements() != 2 ||
      c.shape(3).elements() != 2)
    c.fail("expected two constant scales and translations");
  const bool antialias = c.node.boolean("antialias", true);
  resize_by(c, [&](int32_t out, int32_t in, int d) {
    Sampling s(c, out, in);
    const float scale = c.e.values<float>(c.in(2))[static_cast<size_t>(d)];
    const float moved = c.e.values<float>(c.in(3))[static_cast<size_t>(d)];
    if (!(scale > 0)) c.fail("scale: expected a positive number, got ", scale);
    const float inverse = 1 / scale, stretch = antialias ? std::max(inverse, 1.0f) : 1.0f;
    for (int32_t y = 0; y < out; ++y) {
      const float at = (static_cast<float>(y) + 0.5f) * inverse - inverse * moved;
      if (at < 0 || at > static_cast<float>(in)) continue;
      const float reach = filter->radius * stretch;
      const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::ceil(at - reach - 0.5f)));
      const auto last =
          std::min<int64_t>(in - 1, static_cast<int64_t>(std::floor(at + reach - 0.5f)));
      float sum = 0;
      for (int64_t i = first; i <= last; ++i)
        sum += s.at(y, i) = filter->weight(std::abs(static_cast<float>(i) + 0.5f - at) / stretch);
      if (std::abs(sum) < 1000 * std::numeric_limits<float>::min()) continue;
      for (int64_t i = first; i <= last; ++i) s.at(y, i) /= sum;
    }
    return s;
  });
}

// ---- Patches

struct Window {
  int32_t kh, kw, sh, sw, dh, dw;
};

Window window_of(Call& c) {
  const auto pair = [&](std::string_view attr) {
    const std::vector<int64_t>& list = c.node.list(attr).ints;
    if (list.size() != 4 || list[0] != 1 || list[3] != 1 || list[1] < 1 || list[2] < 1 ||
        list[1] > 1 << 16 || list[2] > 1 << 16)
      c.fail(attr, ": expected [1, height, width, 1]");
    return std::pair(static_cast<int32_t>(list[1]), static_cast<int32_t>(list[2]));
  };
  const auto [kh, kw] = pair("ksizes");
  const auto [sh, sw] = pair("strides");
  const auto [dh, dw] = pair("rates");
  return {kh, kw, sh, sw, dh, dw};
}

// [n, oh, ow, kh·kw·c]: SPACE_TO_DEPTH where the patches are square and lie side by side, else a
// convolution that copies.
void extract_patches(Call& c) {
  Editor& e = c.e;
  if (c.shape(0).rank != 4) c.fail("expected rank 4, got ", c.shape(0).rank);
  const Window w = window_of(c);
  const int32_t channels = c.fixed_dim(c.in(0), 3);
  const Shape& x = c.shape(0);
  if (w.kh == w.kw && w.sh == w.kh && w.sw == w.kw && w.dh == 1 && w.dw == 1 && x[1] % w.kh == 0 &&
      x[2] % w.kw == 0 && w.kh > 1) {
    schema::SpaceToDepthOptionsT o;
    o.block_size = w.kh;
    return c.out(e.add(Builtin::SPACE_TO_DEPTH, {c.in(0)}, o, c.name()));
  }
  const int64_t count = int64_t{w.kh} * w.kw * channels;
  if (count > 1 << 12) c.fail("patches of ", count, " elements are not supported");
  if (c.type(0) != Type::float32) c.fail("type ", type_name(c.type(0)), " is not supported");
  std::vector<float> weights(static_cast<size_t>(count * count));
  for (int64_t i = 0; i < count; ++i) weights[static_cast<size_t>(i * count + i)] = 1;
  const auto n = static_cast<int32_t>(count);
  const int32_t filter = e.constant<float>({n, w.kh, w.kw, channels}, weights, c.part("filter"));
  const int32_t bias = e.constant<float>({n}, std::vector<float>(static_cast<size_t>(n)));
  schema::Conv2DOptionsT o;
  o.padding = c.node.string("padding") == "SAME" ? schema::Padding::SAME : schema::Padding::VALID;
  o.stride_h = w.sh;
  o.stride_w = w.sw;
  o.dilation_h_factor = w.dh;
  o.dilation_w_factor = w.dw;
  c.out(e.add(Builtin::CONV_2D, {c.in(0), filter, bias}, o, c.name()));
}

constexpr OpRow kRows[] = {
    {"ExtractImagePatches", extract_patches},
    {"ResizeArea", resize_area},
    {"ResizeBicubic", resize_bicubic},
    {"ScaleAndTranslate", scale_and_translate},
};

}  // namespace

std::span<const OpRow> image_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
