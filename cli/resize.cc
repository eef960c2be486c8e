// SPDX-License-Identifier: Apache-2.0
#include "cli/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cygnet::cli {
namespace {

/// The input pixels [first, first + count) that make up one output pixel, and where their weights
/// begin in Filter::weights.
struct Window {
  int first = 0;
  int count = 0;
  size_t weights = 0;
};

struct Filter {
  std::vector<Window> windows;  ///< one for each output pixel
  std::vector<double> weights;  ///< each window's add up to 1
};

/// Triangle filter from `from` to `to` pixels.
Filter triangle(int from, int to) {
  double scale = static_cast<double>(from) / to;
  double support = std::max(scale, 1.0);
  Filter filter;
  filter.windows.reserve(static_cast<size_t>(to));
  for (int i = 0; i < to; ++i) {
    double center = (i + 0.5) * scale;
    int first = std::max(static_cast<int>(center - support + 0.5), 0);
    int end = std::min(static_cast<int>(center + support + 0.5), from);
    Window window{first, end - first, filter.weights.size()};
    double sum = 0;
    for (int k = first; k < end; ++k) {
      double distance = std::abs((k - center + 0.5) * (1.0 / support));
      double weight = distance < 1 ? 1 - distance : 0;
      filter.weights.push_back(weight);
      sum += weight;
    }
    for (size_t k = window.weights; k < filter.weights.size(); ++k) filter.weights[k] /= sum;
    filter.windows.push_back(window);
  }
  return filter;
}

constexpr int kFractionBits = 22;

/// Weights with kFractionBits fractional bits, rounded half away from zero.
std::vector<int32_t> fixed_point(const std::vector<double>& weights) {
  std::vector<int32_t> result;
  result.reserve(weights.size());
  for (double w : weights) {
    result.push_back(static_cast<int32_t>(std::lround(w * (1 << kFractionBits))));
  }
  return result;
}

/// How a filter runs over a grid of rows × length × channels elements: `along` is the distance
/// between neighbours on the filtered axis.
struct Axis {
  int lines = 0;  ///< lines to filter
  size_t line_step_in = 0;
  size_t line_step_out = 0;
  size_t along = 0;  ///< distance between neighbours of a line
  int inner = 1;     ///< neighbouring elements that are filtered alike
};

/// Sums of 22-bit weights that add up to about 1 times 8-bit values stay below 2^31.
void filter_line(const uint8_t* in, uint8_t* out, const Filter& filter,
                 const std::vector<int32_t>& weights, size_t along, int inner) {
  for (const Window& window : filter.windows) {
    for (int c = 0; c < inner; ++c) {
      const uint8_t* source = in + static_cast<size_t>(window.first) * along + c;
      const int32_t* weight = &weights[window.weights];
      int32_t sum = 1 << (kFractionBits - 1);
      for (int k = 0; k < window.count; ++k)
        sum += weight[k] * source[static_cast<size_t>(k) * along];
      out[c] = static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
    }
    out += along;
  }
}

void filter_line(const float* in, float* out, const Filter& filter,
                 const std::vector<double>& weights, size_t along, int inner) {
  for (const Window& window : filter.windows) {
    for (int c = 0; c < inner; ++c) {
      const float* source = in + static_cast<size_t>(window.first) * along + c;
      const double* weight = &weights[window.weights];
      double sum = 0;
      for (int k = 0; k < window.count; ++k) {
        sum += weight[k] * static_cast<double>(source[static_cast<size_t>(k) * along]);
      }
      out[c] = static_cast<float>(sum);
    }
    out += along;
  }
}

template <class T, class Weight>
void filter_lines(const T* in, T* out, const Filter& filter, const std::vector<Weight>& weights,
                  const Axis& axis) {
  for (int i = 0; i < axis.lines; ++i) {
    filter_line(in + static_cast<size_t>(i) * axis.line_step_in,
                out + static_cast<size_t>(i) * axis.line_step_out, filter, weights, axis.along,
                axis.inner);
  }
}

Axis rows_of(int height, int width_in, int width_out, int channels) {
  size_t c = static_cast<size_t>(channels);
  return {height, static_cast<size_t>(width_in) * c, static_cast<size_t>(width_out) * c, c,
          channels};
}

Axis columns_of(int width, int channels) {
  size_t row = static_cast<size_t>(width) * static_cast<size_t>(channels);
  return {1, 0, 0, row, width * channels};
}

/// One dimension of a box filter, by a running sum. `step` is the distance of neighbours.
void box_line(float* line, int n, size_t step, int radius, std::vector<float>* copy) {
  copy->resize(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) (*copy)[static_cast<size_t>(i)] = line[static_cast<size_t>(i) * step];
  auto at = [&](int i) { return double{(*copy)[static_cast<size_t>(std::clamp(i, 0, n - 1))]}; };
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += at(i);
  double scale = 1.0 / (2 * radius + 1);
  for (int i = 0; i < n; ++i) {
    line[static_cast<size_t>(i) * step] = static_cast<float>(sum * scale);
    sum += at(i + radius + 1) - at(i - radius);
  }
}

}  // namespace

Image resize(const Image& image, int width, int height) {
  Image wide = image;
  if (width != image.width) {
    Filter filter = triangle(image.width, width);
    wide = Image(width, image.height, image.channels);
    filter_lines(image.pixels.data(), wide.pixels.data(), filter, fixed_point(filter.weights),
                 rows_of(image.height, image.width, width, image.channels));
  }
  if (height == image.height) return wide;
  Filter filter = triangle(image.height, height);
  Image result(width, height, image.channels);
  filter_lines(wide.pixels.data(), result.pixels.data(), filter, fixed_point(filter.weights),
               columns_of(width, image.channels));
  return result;
}

Image resize_to_cover(const Image& image, int width, int height) {
  double scale = std::max(static_cast<double>(width) / image.width,
                          static_cast<double>(height) / image.height);
  int w = std::clamp(static_cast<int>(std::lround(width / scale)), 1, image.width);
  int h = std::clamp(static_cast<int>(std::lround(height / scale)), 1, image.height);
  Image part(w, h, image.channels);
  size_t left = static_cast<size_t>((image.width - w) / 2);
  size_t top = static_cast<size_t>((image.height - h) / 2);
  for (size_t y = 0; y < static_cast<size_t>(h); ++y) {
    const uint8_t* row = image.at((y + top) * static_cast<size_t>(image.width) + left);
    std::copy_n(row, static_cast<size_t>(w * image.channels), part.at(y * static_cast<size_t>(w)));
  }
  return resize(part, width, height);
}

Plane resize(const Plane& plane, int width, int height) {
  Plane wide(width, plane.height, plane.channels);
  Filter rows = triangle(plane.width, width);
  filter_lines(plane.values.data(), wide.values.data(), rows, rows.weights,
               rows_of(plane.height, plane.width, width, plane.channels));
  Plane result(width, height, plane.channels);
  Filter columns = triangle(plane.height, height);
  filter_lines(wide.values.data(), result.values.data(), columns, columns.weights,
               columns_of(width, plane.channels));
  return result;
}

std::vector<int> resize_nearest(const std::vector<int>& classes, int from_width, int from_height,
                                int width, int height) {
  std::vector<int> result;
  result.reserve(static_cast<size_t>(width) * static_cast<size_t>(height));
  auto nearest = [](int i, int from, int to) {
    return static_cast<size_t>((int64_t{2} * i + 1) * from / (int64_t{2} * to));
  };
  for (int y = 0; y < height; ++y) {
    size_t row = nearest(y, from_height, height) * static_cast<size_t>(from_width);
    for (int x = 0; x < width; ++x) result.push_back(classes[row + nearest(x, from_width, width)]);
  }
  return result;
}

void blur(Plane* plane, int radius) {
  constexpr int kPasses = 3;
  if (radius < 1) return;
  std::vector<float> copy;
  size_t channels = static_cast<size_t>(plane->channels);
  size_t row = static_cast<size_t>(plane->width) * channels;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (size_t y = 0; y < static_cast<size_t>(plane->height); ++y) {
      for (size_t c = 0; c < channels; ++c) {
        box_line(&plane->values[y * row + c], plane->width, channels, radius, &copy);
      }
    }
    for (size_t x = 0; x < row; ++x) box_line(&plane->values[x], plane->height, row, radius, &copy);
  }
}

}  // namespace cygnet::cli
