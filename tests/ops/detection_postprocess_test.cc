// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "flatbuffers/flexbuffers.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Shape = std::vector<int32_t>;

struct Options {
  int detections = 3, classes_of_box = 1, per_class = 100, classes = 2;
  bool regular = false;
  float score = 0.1f, iou = 0.5f, scale = 1;
  const char* missing = "";
};

std::vector<uint8_t> flex(const Options& o) {
  flexbuffers::Builder b;
  const auto put = [&](const char* key, auto value) {
    if (std::string(key) == o.missing) return;
    if constexpr (std::is_same_v<decltype(value), float>)
      b.Float(key, value);
    else if constexpr (std::is_same_v<decltype(value), bool>)
      b.Bool(key, value);
    else
      b.Int(key, value);
  };
  b.Map([&]() {
    put("max_detections", o.detections);
    put("max_classes_per_detection", o.classes_of_box);
    put("detections_per_class", o.per_class);
    put("use_regular_nms", o.regular);
    put("num_classes", o.classes);
    put("nms_score_threshold", o.score);
    put("nms_iou_threshold", o.iou);
    for (const char* key : {"y_scale", "x_scale", "h_scale", "w_scale"}) put(key, o.scale);
  });
  b.Finish();
  return b.GetBuffer();
}

std::function<void(ModelBuilder&)> model(const Options& o, const Shape& boxes = {1, 3, 4},
                                         const Shape& scores = {1, 3, 3},
                                         const Shape& anchors = {3, 4},
                                         Type anchor = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(boxes), s = b.input(scores), a = b.input(anchors, anchor);
    b.custom_op("TFLite_Detection_PostProcess", {x, s, a},
                {b.output({1, 1, 4}), b.output({1, 1}), b.output({1, 1}), b.output({1})}, flex(o));
  };
}

// Boxes 0 and 1 are nearly the same, box 2 lies elsewhere; the first class is the background.
std::vector<Values> inputs() {
  return {values<float>(std::vector<float>(12, 0)),
          values<float>({0.9f, 0.8f, 0.3f, 0, 0.7f, 0.6f, 0, 0.05f, 0.5f}),
          values<float>({1, 1, 2, 2, 1, 1, 2, 2, 5, 5, 2, 2})};
}

TEST(DetectionPostprocess, Cases) {
  run_op_cases({
      {.name = "fast, two classes a box",
       .model = model({.classes_of_box = 2}),
       .inputs = inputs(),
       .outputs = {values<float>(
                       {0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 6, 6, 4, 4, 6, 6, 0, 0, 0, 0, 0, 0, 0, 0}),
                   values<float>({0, 1, 1, 0, 0, 0}),
                   values<float>({0.8f, 0.3f, 0.5f, 0.05f, 0, 0}), values<float>({2})},
       .shapes = {{1, 6, 4}, {1, 6}, {1, 6}, {1}}},
      {.name = "regular",
       .model = model({.regular = true}),
       .inputs = inputs(),
       .outputs = {values<float>({0, 0, 2, 2, 0, 0, 2, 2, 4, 4, 6, 6}), values<float>({0, 1, 1}),
                   values<float>({0.8f, 0.6f, 0.5f}), values<float>({3})}},
      {.name = "regular, one of each class",
       .model = model({.per_class = 1, .regular = true}),
       .inputs = inputs(),
       .outputs = {values<float>({0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 0, 0}), values<float>({0, 1, 0}),
                   values<float>({0.8f, 0.6f, 0}), values<float>({2})}},
  });
}

TEST(DetectionPostprocess, Refuses) {
  std::vector<Values> turned = inputs();
  turned[2] = values<float>({1, 1, -2, 2, 1, 1, 2, 2, 5, 5, 2, 2});
  refuse_op_cases({
      {.name = "boxes",
       .model = model({}, {1, 3, 3}),
       .message = "encodings of input 0: expected 4"},
      {.name = "batch", .model = model({}, {2, 3, 4}), .message = "batch of input 0"},
      {.name = "scores",
       .model = model({}, {1, 3, 4}, {1, 2, 3}),
       .message = "input 1: expected shape"},
      {.name = "anchors",
       .model = model({}, {1, 3, 4}, {1, 3, 3}, {2, 4}),
       .message = "input 2: expected shape [3,4], got [2,4]"},
      {.name = "anchors' type",
       .model = model({}, {1, 3, 4}, {1, 3, 3}, {3, 4}, Type::uint8),
       .message = "input 2: expected type FLOAT32"},
      {.name = "classes",
       .model = model({.classes = 1}),
       .message = "num_classes: expected 2 to 3"},
      {.name = "iou", .model = model({.iou = 0}), .message = "nms_iou_threshold: expected"},
      {.name = "scale", .model = model({.scale = 0}), .message = "y_scale: expected"},
      {.name = "detections", .model = model({.detections = -1}), .message = "max_detections"},
      {.name = "many",
       .model = model({.detections = 1 << 30, .classes_of_box = 1 << 30}),
       .message = "T3: boxes"},
      {.name = "missing", .model = model({.missing = "num_classes"}), .message = "C10: option"},
      {.name = "negative size",
       .model = model({}),
       .message = "box 0 has a negative size",
       .inputs = turned},
  });
}

}  // namespace
}  // namespace cygnet::test
