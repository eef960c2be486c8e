// SPDX-License-Identifier: Apache-2.0
// MediaPipe's Landmarks2TransformMatrix, TransformTensorBilinear and TransformLandmarks.
#include <gtest/gtest.h>

#include "flatbuffers/flexbuffers.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Shape = std::vector<int32_t>;

struct Crop {
  int left = 0, right = 1, size = 4;
  std::vector<int> subset = {0, 1, 2};
  float scale = 1;
};

std::vector<uint8_t> flex(const Crop& crop) {
  flexbuffers::Builder b;
  b.Map([&]() {
    b.Int("left_rotation_idx", crop.left);
    b.Int("right_rotation_idx", crop.right);
    b.TypedVector("subset_idxs", [&]() {
      for (int i : crop.subset) b.Int(i);
    });
    b.Float("target_rotation_radians", 0.0f);
    b.Int("output_height", crop.size);
    b.Int("output_width", crop.size);
    b.Float("scale_x", crop.scale);
    b.Float("scale_y", crop.scale);
  });
  b.Finish();
  return b.GetBuffer();
}

std::function<void(ModelBuilder&)> matrix(const Crop& crop, const Shape& shape = {1, 3, 3}) {
  return [=](ModelBuilder& b) {
    b.custom_op("Landmarks2TransformMatrix", {b.input(shape)}, {b.output({1, 4, 4})}, flex(crop),
                2);
  };
}

std::function<void(ModelBuilder&)> sample(int size, const Shape& x = {1, 2, 2, 1}, int version = 2,
                                          const Shape& m = {1, 4, 4}) {
  return [=](ModelBuilder& b) {
    const int i = b.input(x), t = b.input(m);
    b.custom_op("TransformTensorBilinear", {i, t}, {b.output({1, 1, 1, 1})}, flex({.size = size}),
                version);
  };
}

std::function<void(ModelBuilder&)> move(const Shape& x, int version = 2) {
  return [=](ModelBuilder& b) {
    const int i = b.input(x), t = b.input({1, 4, 4});
    b.custom_op("TransformLandmarks", {i, t}, {b.output(x)}, {}, version);
  };
}

const Values kMatrix = values<float>({2, 0, 9, 1, 0, 3, 9, -1, 0, 0, 1, 0, 0, 0, 0, 1});

TEST(Landmarks, Cases) {
  run_op_cases({
      {.name = "a level crop of [2, 10] x [4, 8] to 4 x 4 pixels",
       .model = matrix({}),
       .inputs = {values<float>({2, 4, 7, 10, 4, 7, 6, 8, 7})},
       .outputs = {values<float>({2, 0, 0, 2, 0, 1, 0, 4, 0, 0, 1, 0, 0, 0, 0, 1})}},
      {.name = "upright: a quarter turn",
       .model = matrix({.subset = {0, 1}}),
       .inputs = {values<float>({0, 0, 0, 0, 8, 0, 0, 0, 0})},
       .outputs = {values<float>({0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1})},
       .tolerance = 1e-5},
      {.name = "half as many pixels",
       .model = sample(1),
       .inputs = {values<float>({1, 2, 3, 4}),
                  values<float>({2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1})},
       .outputs = {values<float>({2.5})}},
      {.name = "outside",
       .model = sample(2),
       .inputs = {values<float>({1, 2, 3, 4}),
                  values<float>({1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1})},
       .outputs = {values<float>({2, 0, 4, 0})},
       .shapes = {{1, 2, 2, 1}}},
      {.name = "points",
       .model = move({1, 2, 3}),
       .inputs = {values<float>({1, 2, 5, 0, 0, 6}), kMatrix},
       .outputs = {values<float>({3, 5, 5, 1, -1, 6})}},
      {.name = "flat points",
       .model = move({1, 1, 2}),
       .inputs = {values<float>({1, 2}), kMatrix},
       .outputs = {values<float>({3, 5})}},
  });
}

TEST(Landmarks, Refuses) {
  refuse_op_cases({
      {.name = "index",
       .model = matrix({.left = 3}),
       .message = "\"left_rotation_idx\": expected 0 to 2"},
      {.name = "subset",
       .model = matrix({.subset = {0, -1}}),
       .message = "subset: expected 0 to 2"},
      {.name = "none", .model = matrix({.subset = {}}), .message = "subset: expected landmarks"},
      {.name = "scale", .model = matrix({.scale = 0}), .message = "scale_x: expected"},
      {.name = "size", .model = matrix({.size = 0}), .message = "\"output_height\": expected 1 to"},
      {.name = "shape", .model = matrix({}, {1, 3, 2}), .message = "expected landmarks of three"},
      {.name = "rows", .model = sample(-1), .message = "\"output_height\": expected 1 to"},
      {.name = "picture", .model = sample(1, {2, 2, 1}), .message = "input 0: expected rank 4"},
      {.name = "version", .model = sample(1, {1, 2, 2, 1}, 1), .message = "expected version 2"},
      {.name = "matrix",
       .model = sample(1, {1, 2, 2, 1}, 2, {1, 3, 4}),
       .message = "input 1: expected shape [1,4,4]"},
      {.name = "coordinates", .model = move({1, 2, 4}), .message = "coordinates of input 0"},
      {.name = "batch", .model = move({2, 2, 2}), .message = "batch of input 0"},
  });
}

}  // namespace
}  // namespace cygnet::test
