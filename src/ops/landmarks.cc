// SPDX-License-Identifier: Apache-2.0
// MediaPipe's custom operators of its face landmark model, f32.
// Landmarks2TransformMatrix: the matrix that maps the pixels of a crop around landmarks to those of
//   the picture. input 0: landmarks, x, y and z each ([1, n, 3]; version 1: [1, 1, 1, 3·n]);
//   output 0: [1, 4, 4]
// TransformTensorBilinear (version 2): the crop. input 0: [1, H, W, C]; input 1: matrix [1, 4, 4];
//   output 0: [1, output_height, output_width, C], 0 outside of the picture
// TransformLandmarks (version 2): landmarks of the crop in the picture. input 0: [1, n, 2 or 3];
//   input 1: matrix [1, 4, 4]; output 0: of input 0's shape; z stays.
// Options are FlexBuffers maps. Source: MediaPipe 0.10.14, util/tflite/operations.
#include <algorithm>
#include <cmath>

#include "ops/flex_integer.h"
#include "ops/movement.h"

namespace cygnet::ops {
namespace {

struct Point {
  float x, y;
};

Point rotated(Point p, float angle) {
  const float c = std::cos(angle), s = std::sin(angle);
  return {p.x * c - p.y * s, p.x * s + p.y * c};
}

// The options of both versions; sizes in pixels.
struct Crop {
  int64_t left = 0, right = 0;  // landmarks whose line becomes level
  int64_t out_h = 1, out_w = 1;
  FlexValue subset;  // landmarks that the crop surrounds
  float angle = 0;   // version 2
  float scale_x = 1, scale_y = 1;
  int64_t in_h = 1, in_w = 1;  // version 1
  float range = 1;
};

// Number i of a list, −1 where it is none.
double number_at(const FlexValue& list, int64_t i) {
  double number = -1;
  return list.at(i).real(&number) ? number : -1;
}

Status read_pair(const FlexMap& map, const char* key, int64_t* h, int64_t* w) {
  const FlexValue list = map.find(key);
  const double sizes[2] = {number_at(list, 0), number_at(list, 1)};
  for (double size : sizes)
    if (list.size() != 2 || !(size >= 1 && size < 32768))
      return bad_model("C10: option \"%s\": expected two sizes from 1 to 32767", key);
  *h = static_cast<int64_t>(sizes[0]);
  *w = static_cast<int64_t>(sizes[1]);
  return {};
}

Status read_scale(const FlexMap& map, const char* key, float* scale) {
  CYGNET_TRY(flex_float(map, key, scale));
  return *scale > 0 ? Status() : bad_model("%s: expected a number > 0", key);
}

Status read_crop(const OpContext& op, Crop* crop) {
  const int64_t last = op.input(0).shape.elements() / 3 - 1;
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(flex_integer(map, "left_rotation_idx", 0, last, &crop->left));
  CYGNET_TRY(flex_integer(map, "right_rotation_idx", 0, last, &crop->right));
  crop->subset = map.find(op.version() == 1 ? "subset" : "subset_idxs");
  if (crop->subset.size() < 1) return bad_model("subset: expected landmarks, got none");
  for (int64_t i = 0; i < crop->subset.size(); ++i)
    if (const double k = number_at(crop->subset, i); !(k >= 0 && k <= static_cast<double>(last)))
      return bad_model("subset: expected 0 to %lld, got %g", static_cast<long long>(last), k);
  if (op.version() == 1) {
    int64_t dimensions = 0, range = 0;
    CYGNET_TRY(flex_integer(map, "dimensions", 3, 3, &dimensions));
    CYGNET_TRY(flex_integer(map, "landmarks_range", 1, INT32_MAX, &range));
    CYGNET_TRY(read_scale(map, "bbox_size_multiplier", &crop->scale_x));
    CYGNET_TRY(read_pair(map, "input_hw", &crop->in_h, &crop->in_w));
    CYGNET_TRY(read_pair(map, "output_hw", &crop->out_h, &crop->out_w));
    crop->range = static_cast<float>(range);
    return {};
  }
  CYGNET_TRY(flex_float(map, "target_rotation_radians", &crop->angle));
  CYGNET_TRY(flex_integer(map, "output_height", 1, 32767, &crop->out_h));
  CYGNET_TRY(flex_integer(map, "output_width", 1, 32767, &crop->out_w));
  CYGNET_TRY(read_scale(map, "scale_x", &crop->scale_x));
  return read_scale(map, "scale_y", &crop->scale_y);
}

Status infer_matrix(OpContext& op) {
  const Tensor& x = op.input(0);
  CYGNET_TRY(expect_type("input 0", x, {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  const Shape& s = x.shape;
  if (op.version() == 1)
    CYGNET_TRY(expect_rank("input 0", x, 4));
  else
    CYGNET_TRY(expect_rank("input 0", x, 3));
  if (op.version() == 1 ? s.elements(0, 3) != 1 || s[3] % 3 != 0 : s[0] != 1 || s[2] != 3)
    return bad_model("input 0: expected landmarks of three numbers, got %s", shape_text(s).text);
  Crop crop;
  CYGNET_TRY(read_crop(op, &crop));
  return op.set_output(0, Shape{1, 4, 4});
}

// The rectangle around the subset, turned by `angle`: its centre, turned back, and its size.
void surround(const OpContext& op, const Crop& crop, float angle, Point* centre, Point* size) {
  const float* xyz = op.input(0).as<float>();
  Point low{INFINITY, INFINITY}, high{-INFINITY, -INFINITY};
  for (int64_t i = 0; i < crop.subset.size(); ++i) {
    const auto at = 3 * static_cast<int64_t>(number_at(crop.subset, i));
    const Point p = rotated({xyz[at], xyz[at + 1]}, angle);
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  *size = {high.x - low.x, high.y - low.y};
  *centre = rotated({(low.x + high.x) / 2, (low.y + high.y) / 2}, -angle);
}

// Writes the matrix [a b · x; c d · y] with identity elsewhere.
void write_matrix(float* m, float a, float b, float x, float c, float d, float y) {
  const float rows[16] = {a, b, 0, x, c, d, 0, y, 0, 0, 1, 0, 0, 0, 0, 1};
  std::copy(rows, rows + 16, m);
}

Status invoke_matrix(OpContext& op) {
  Crop crop;
  CYGNET_TRY(read_crop(op, &crop));
  const float *left = op.input(0).as<float>() + 3 * crop.left,
              *right = op.input(0).as<float>() + 3 * crop.right;
  const float dx = right[0] - left[0], dy = right[1] - left[1];
  const bool old = op.version() == 1;
  const float angle = old ? -std::atan(dy / dx) : crop.angle - std::atan2(dy, dx);
  Point centre{}, size{};
  surround(op, crop, angle, &centre, &size);
  const float c = std::cos(-angle), s = std::sin(-angle);
  const auto out_w = static_cast<float>(crop.out_w), out_h = static_cast<float>(crop.out_h);
  float sx = 0, sy = 0, mx = 0, my = 0;  // a pixel of the crop; where pixel (0, 0) lies unturned
  if (old) {
    const float half_w = (static_cast<float>(crop.in_w) - 1) / 2,
                half_h = (static_cast<float>(crop.in_h) - 1) / 2;
    const float bx = size.x * crop.scale_x / crop.range, by = size.y * crop.scale_x / crop.range;
    sx = bx * 2 / (out_w - 1);
    sy = by * 2 / (out_h - 1);
    const Point middle{centre.x / crop.range * 2 - 1, centre.y / crop.range * 2 - 1};
    write_matrix(op.output(0).as<float>(), half_w * c * sx, -half_w * s * sy,
                 half_w * (-c * bx + s * by + middle.x + 1), half_h * s * sx, half_h * c * sy,
                 half_h * (-s * bx - c * by + middle.y + 1));
    return {};
  }
  sx = crop.scale_x * size.x / out_w;
  sy = crop.scale_y * size.y / out_h;
  mx = -out_w / 2;
  my = -out_h / 2;
  const float a = c * sx, b = -s * sy, d = s * sx, e = c * sy;
  write_matrix(op.output(0).as<float>(), a, b, a * mx + b * my + centre.x, d, e,
               d * mx + e * my + centre.y);
  return {};
}

Status expect_matrix(const OpContext& op) {
  if (op.version() != 2)
    return Status::error(Code::unsupported, "C7: expected version 2, got %d", op.version());
  CYGNET_TRY(expect_type("input 0", op.input(0), {Type::float32}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::float32}));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::float32}));
  return expect_shape("input 1", op.input(1), Shape{1, 4, 4});
}

Status infer_crop(OpContext& op) {
  const Shape& x = op.input(0).shape;
  CYGNET_TRY(expect_matrix(op));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 4));
  CYGNET_TRY(expect_shape("input 0", op.input(0), Shape{1, x[1], x[2], x[3]}));
  FlexMap map;
  int64_t h = 0, w = 0;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(flex_integer(map, "output_height", 1, 32767, &h));
  CYGNET_TRY(flex_integer(map, "output_width", 1, 32767, &w));
  return op.set_output(0, Shape{1, static_cast<int32_t>(h), static_cast<int32_t>(w), x[3]});
}

// One pixel of the crop, between four of the picture; those outside are 0.
void blend(const float* x, const Shape& shape, float px, float py, float* out) {
  const int64_t h = shape[1], w = shape[2], channels = shape[3];
  const double fx = std::floor(static_cast<double>(px)), fy = std::floor(static_cast<double>(py));
  const auto left = static_cast<int64_t>(fx), top = static_cast<int64_t>(fy);
  const double u = static_cast<double>(px) - fx, v = static_cast<double>(py) - fy;
  for (int64_t k = 0; k < channels; ++k) {
    const auto at = [&](int64_t row, int64_t column) {
      return row >= h || column >= w ? 0.0
                                     : static_cast<double>(x[(row * w + column) * channels + k]);
    };
    const double upper = (1 - u) * at(top, left) + u * at(top, left + 1);
    const double lower = (1 - u) * at(top + 1, left) + u * at(top + 1, left + 1);
    out[k] = static_cast<float>(v * lower + (1 - v) * upper);
  }
}

Status invoke_crop(OpContext& op) {
  const Shape &in = op.input(0).shape, &out = op.output(0).shape;
  const float* m = op.input(1).as<float>();
  // Pixels are sampled at their centres.
  const auto shifted = [](const float* row) {
    return static_cast<float>(static_cast<double>(row[3]) + 0.5 * static_cast<double>(row[0]) +
                              0.5 * static_cast<double>(row[1]) - 0.5);
  };
  const float shift_x = shifted(m), shift_y = shifted(m + 4);
  const auto last_x = static_cast<float>(in[2] - 1), last_y = static_cast<float>(in[1] - 1);
  op.parallel_for(int64_t{out[1]} * out[2], [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const auto x = static_cast<float>(i % out[2]), y = static_cast<float>(i / out[2]);
      const float px = m[0] * x + m[1] * y + shift_x, py = m[4] * x + m[5] * y + shift_y;
      float* to = op.output(0).as<float>() + i * out[3];
      if (px >= 0 && px <= last_x && py >= 0 && py <= last_y)
        blend(op.input(0).as<float>(), in, px, py, to);
      else
        std::fill(to, to + out[3], 0.0f);
    }
  });
  return {};
}

Status infer_landmarks(OpContext& op) {
  const Shape& x = op.input(0).shape;
  CYGNET_TRY(expect_matrix(op));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 3));
  CYGNET_TRY(expect_range("batch of input 0", x[0], 1, 1));
  CYGNET_TRY(expect_range("coordinates of input 0", x[2], 2, 3));
  return op.set_output(0, x);
}

Status invoke_landmarks(OpContext& op) {
  const int64_t n = op.input(0).shape[1], step = op.input(0).shape[2];
  const float *p = op.input(0).as<float>(), *m = op.input(1).as<float>();
  float* out = op.output(0).as<float>();
  for (int64_t i = 0; i < n * step; i += step) {
    const float x = p[i], y = p[i + 1];
    if (step == 3) out[i + 2] = p[i + 2];
    out[i] = m[0] * x + m[1] * y + m[3];
    out[i + 1] = m[4] * x + m[5] * y + m[7];
  }
  return {};
}

}  // namespace

extern const OpDef kLandmarks2TransformMatrix;
const OpDef kLandmarks2TransformMatrix = {
    .name = "Landmarks2TransformMatrix",
    .max_version = 2,
    .infer = infer_matrix,
    .invoke = invoke_matrix,
};

extern const OpDef kTransformTensorBilinear;
const OpDef kTransformTensorBilinear = {
    .name = "TransformTensorBilinear",
    .max_version = 2,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_crop,
    .invoke = invoke_crop,
};

extern const OpDef kTransformLandmarks;
const OpDef kTransformLandmarks = {
    .name = "TransformLandmarks",
    .max_version = 2,
    .min_inputs = 2,
    .max_inputs = 2,
    .infer = infer_landmarks,
    .invoke = invoke_landmarks,
};

}  // namespace cygnet::ops
