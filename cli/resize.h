// SPDX-License-Identifier: Apache-2.0
// Changing the size of pictures and masks, and blurring them.
//
// The convention for model inputs: the whole picture is stretched to the model's size, without
// keeping its proportions, by a triangle filter that widens with the reduction (so that no pixel is
// skipped when a picture shrinks) and is plain bilinear interpolation when it grows; pixel centres
// lie at half-integers. 8-bit pictures are filtered first along rows, rounded to 8 bits, then along
// columns, with weights of 22 fractional bits: bit for bit what Pillow's resize(…, BILINEAR) gives
// (where it filters rows first, as it does but for some tall pictures), which is how most training
// pipelines and recorded reference inputs are made.
#pragma once

#include <vector>

#include "cli/image.h"

namespace cygnet::cli {

/// A picture of width × height pixels by the convention above.
Image resize(const Image& image, int width, int height);

/// A picture of width × height pixels that keeps its proportions: scaled until it covers that size,
/// the rest cut off evenly on both sides.
Image resize_to_cover(const Image& image, int width, int height);

/// Real values on a grid, rows from top to bottom: values[(y * width + x) * channels + c].
struct Plane {
  int width = 0;
  int height = 0;
  int channels = 1;
  std::vector<float> values;

  Plane() = default;
  /// Zeroed values.
  Plane(int w, int h, int c)
      : width(w), height(h), channels(c), values(size_t(w) * size_t(h) * size_t(c)) {}
};

/// As resize of a picture, without rounding.
Plane resize(const Plane& plane, int width, int height);

/// The value of the nearest pixel: for class indices, which can't be averaged.
std::vector<int> resize_nearest(const std::vector<int>& classes, int from_width, int from_height,
                                int width, int height);

/// Three box filters of the given radius (≥ 0, in pixels) along rows and columns, which together
/// are close to a Gaussian of standard deviation sqrt(radius · (radius + 1)). Edges repeat.
void blur(Plane* plane, int radius);

}  // namespace cygnet::cli
