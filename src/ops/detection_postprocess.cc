// SPDX-License-Identifier: Apache-2.0
// TFLite_Detection_PostProcess: boxes and classes of an object detector, from what it says of fixed
// anchors.
//   input 0: encodings [1, n, ≥ 4], f32 or uint8: y, x, h, w; input 1: scores [1, n, c] of c
//   classes, f32 or uint8, the first of them the background where c is num_classes + 1; input 2:
//   anchors [n, 4] of input 0's type: centre y, x, height, width output 0: boxes [1, m, 4]: y, x of
//   the lower and the upper corner; output 1: their classes [1, m]; output 2: scores [1, m]; output
//   3: how many [1]; all f32; what is left of them is 0.
// A box is centre y = ey/y_scale·height + ay (x alike), height = exp(eh/h_scale)·ah. Options, a
// FlexBuffers map: max_detections, max_classes_per_detection (m is their product), num_classes,
// nms_score_threshold, nms_iou_threshold in (0, 1], y_scale, x_scale, h_scale, w_scale;
// use_regular_nms (false): suppression class by class, of each class at most detections_per_class
// (100) boxes, then the best max_detections of all; else boxes are ranked by their best score,
// suppressed, and have their best max_classes_per_detection classes each. Boxes with a score of at
// least the threshold take part; one goes that overlaps a better one by more than the iou threshold
// says. Of equal scores the first comes first. Source: TFLite's custom kernel, LiteRT 2.3.
#include <algorithm>
#include <cmath>

#include "ops/flex_integer.h"
#include "ops/movement.h"

namespace cygnet::ops {
namespace {

struct Options {
  int64_t detections = 0, classes_of_box = 1, per_class = 100, classes = 1;
  bool regular = false;
  float score = 0, iou = 0;
  float scale[4] = {};  // y, x, h, w
};

Status read_options(const OpContext& op, Options* o) {
  static constexpr const char* kScales[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
  FlexMap map;
  CYGNET_TRY(FlexMap::open(op.custom_options(), &map));
  CYGNET_TRY(flex_integer(map, "max_detections", 0, INT32_MAX, &o->detections));
  CYGNET_TRY(flex_integer(map, "max_classes_per_detection", 1, INT32_MAX, &o->classes_of_box));
  if (map.find("detections_per_class").present())
    CYGNET_TRY(flex_integer(map, "detections_per_class", 1, INT32_MAX, &o->per_class));
  int64_t regular = 0;
  if (map.find("use_regular_nms").present())
    CYGNET_TRY(flex_integer(map, "use_regular_nms", INT32_MIN, INT32_MAX, &regular));
  o->regular = regular != 0;
  CYGNET_TRY(flex_integer(map, "num_classes", 1, INT32_MAX, &o->classes));
  CYGNET_TRY(flex_float(map, "nms_score_threshold", &o->score));
  CYGNET_TRY(flex_float(map, "nms_iou_threshold", &o->iou));
  if (!(o->iou > 0 && o->iou <= 1))
    return bad_model("nms_iou_threshold: expected a number in (0, 1], got %g",
                     static_cast<double>(o->iou));
  for (int i = 0; i < 4; ++i) {
    CYGNET_TRY(flex_float(map, kScales[i], &o->scale[i]));
    if (o->scale[i] == 0) return bad_model("%s: expected a number other than 0", kScales[i]);
  }
  return expect_range("T3: boxes", o->detections * o->classes_of_box, 0, INT32_MAX / 4);
}

Status infer(OpContext& op) {
  const Tensor &boxes = op.input(0), &scores = op.input(1), &anchors = op.input(2);
  CYGNET_TRY(expect_type("input 0", boxes, {Type::float32, Type::uint8}));
  CYGNET_TRY(expect_type("input 1", scores, {Type::float32, Type::uint8}));
  CYGNET_TRY(expect_same_type("input 0", boxes, "input 2", anchors));
  CYGNET_TRY(expect_rank("input 0", boxes, 3));
  CYGNET_TRY(expect_rank("input 1", scores, 3));
  const int32_t n = boxes.shape[1];
  CYGNET_TRY(expect_range("batch of input 0", boxes.shape[0], 1, 1));
  CYGNET_TRY(expect_range("encodings of input 0", boxes.shape[2], 4, INT32_MAX));
  CYGNET_TRY(expect_shape("input 1", scores, Shape{1, n, scores.shape[2]}));
  CYGNET_TRY(expect_shape("input 2", anchors, Shape{n, 4}));
  static constexpr const char* kNames[] = {"input 0", "input 1", "input 2"};
  for (int i = 0; i < 3; ++i)
    if (op.input(i).type == Type::uint8) CYGNET_TRY(expect_per_tensor(kNames[i], op.input(i)));
  for (int i = 0; i < 4; ++i) CYGNET_TRY(expect_type("outputs", op.output(i), {Type::float32}));
  Options o;
  CYGNET_TRY(read_options(op, &o));
  CYGNET_TRY(expect_range("num_classes", o.classes, scores.shape[2] - 1, scores.shape[2]));
  const auto m = static_cast<int32_t>(o.detections * o.classes_of_box);
  CYGNET_TRY(op.set_output(0, Shape{1, m, 4}));
  CYGNET_TRY(op.set_output(1, Shape{1, m}));
  CYGNET_TRY(op.set_output(2, Shape{1, m}));
  return op.set_output(3, Shape{1});
}

struct State {
  Options options;
  // Scratch: boxes [n, 4] f32; scores [n, c] f32 where they are uint8; the scores of the boxes that
  // suppression looks at [n] f32; their numbers by rank, those kept, and places of classes [n] or
  // [c] int32 each; merged detections [detections + n].
  int boxes, scores, best, ranked, kept, order, merged;
};

// A detection of the regular way: its score and box · classes + class.
struct Detection {
  float score;
  int32_t from;
  int64_t what;
};

Status prepare(OpContext& op) {
  auto* s = op.make_state<State>();
  if (s == nullptr) return out_of_memory("state", sizeof(State));
  CYGNET_TRY(read_options(op, &s->options));
  const auto n = static_cast<size_t>(op.input(0).shape[1]),
             c = static_cast<size_t>(op.input(1).shape[2]);
  const size_t scores = op.input(1).type == Type::uint8 ? n * c : 0;
  const size_t merged = s->options.regular ? n + static_cast<size_t>(s->options.detections) : 0;
  CYGNET_TRY(op.request_scratch(n * 4 * sizeof(float), &s->boxes));
  CYGNET_TRY(op.request_scratch(scores * sizeof(float), &s->scores));
  CYGNET_TRY(op.request_scratch(n * sizeof(float), &s->best));
  CYGNET_TRY(op.request_scratch(n * sizeof(int32_t), &s->ranked));
  CYGNET_TRY(op.request_scratch(n * sizeof(int32_t), &s->kept));
  CYGNET_TRY(op.request_scratch(c * sizeof(int32_t), &s->order));
  return op.request_scratch(merged * sizeof(Detection), &s->merged);
}

float real_at(const Tensor& t, int64_t i) {
  if (t.type == Type::float32) return t.as<float>()[i];
  return static_cast<float>(t.as<uint8_t>()[i] - t.quantization.zero_point()) *
         t.quantization.scale();
}

Status decode(OpContext& op, const Options& o, float* boxes) {
  const int64_t n = op.input(0).shape[1], width = op.input(0).shape[2];
  for (int64_t i = 0; i < n; ++i, boxes += 4) {
    for (int d = 0; d < 2; ++d) {
      const auto encoding = [&](int k) {
        return static_cast<double>(real_at(op.input(0), i * width + k)) /
               static_cast<double>(o.scale[k]);
      };
      const auto anchor = [&](int k) {
        return static_cast<double>(real_at(op.input(2), i * 4 + k));
      };
      const auto centre = static_cast<float>(encoding(d) * anchor(d + 2) + anchor(d));
      const auto half = static_cast<float>(0.5 * std::exp(encoding(d + 2)) * anchor(d + 2));
      boxes[d] = centre - half;
      boxes[d + 2] = centre + half;
      if (boxes[d] > boxes[d + 2])
        return Status::error(Code::invalid_argument, "input 2: box %lld has a negative size",
                             static_cast<long long>(i));
    }
  }
  return {};
}

float overlap(const float* a, const float* b) {
  const auto area = [](const float* box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  const float area_a = area(a), area_b = area(b);
  if (area_a <= 0 || area_b <= 0) return 0;
  const float h = std::max(std::min(a[2], b[2]) - std::max(a[0], b[0]), 0.0f),
              w = std::max(std::min(a[3], b[3]) - std::max(a[1], b[1]), 0.0f);
  return h * w / (area_a + area_b - h * w);
}

// Boxes by falling score, those that overlap a better one left out; how many of them, at most
// `most`, lie in `kept`.
int32_t suppress(OpContext& op, const State& s, int64_t most) {
  const auto *boxes = op.scratch<float>(s.boxes), *best = op.scratch<float>(s.best);
  auto *ranked = op.scratch<int32_t>(s.ranked), *kept = op.scratch<int32_t>(s.kept);
  int32_t candidates = 0, count = 0;
  for (int32_t i = 0; i < op.input(0).shape[1]; ++i)
    if (best[i] >= s.options.score) ranked[candidates++] = i;
  std::sort(ranked, ranked + candidates, [best](int32_t a, int32_t b) {
    return best[a] != best[b] ? best[a] > best[b] : a < b;
  });
  for (int32_t i = 0; i < candidates && count < most; ++i) {
    const float* box = boxes + 4 * int64_t{ranked[i]};
    bool stays = true;
    for (int32_t k = 0; k < count && stays; ++k)
      stays = !(overlap(boxes + 4 * int64_t{kept[k]}, box) > s.options.iou);
    if (stays) kept[count++] = ranked[i];
    if (i % 256 == 255 && op.stopped()) break;
  }
  return count;
}

void put(OpContext& op, int64_t place, const float* box, int64_t class_number, float score) {
  std::copy(box, box + 4, op.output(0).as<float>() + 4 * place);
  op.output(1).as<float>()[place] = static_cast<float>(class_number);
  op.output(2).as<float>()[place] = score;
}

// The k best classes of a box, of equal ones the first first, into `order`.
void rank_classes(const float* scores, int64_t classes, int64_t k, int32_t* order) {
  for (int32_t c = 0; c < classes; ++c) order[c] = c;
  std::partial_sort(order, order + k, order + classes, [scores](int32_t a, int32_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
}

int32_t detect_fast(OpContext& op, const State& s, const float* scores) {
  const Options& o = s.options;
  const int64_t n = op.input(0).shape[1], all = op.input(1).shape[2];
  const int64_t k = std::min(o.classes_of_box, o.classes);
  auto* best = op.scratch<float>(s.best);
  scores += all - o.classes;  // past the background
  for (int64_t i = 0; i < n; ++i)
    best[i] = *std::max_element(scores + i * all, scores + i * all + o.classes);
  const int32_t count = suppress(op, s, o.detections);
  auto* order = op.scratch<int32_t>(s.order);
  for (int32_t i = 0; i < count; ++i) {
    const int64_t box = op.scratch<int32_t>(s.kept)[i];
    rank_classes(scores + box * all, o.classes, k, order);
    for (int32_t c = 0; c < k; ++c)
      put(op, i * o.classes_of_box + c, op.scratch<float>(s.boxes) + 4 * box, order[c],
          scores[box * all + order[c]]);
  }
  return count;
}

int32_t detect_regular(OpContext& op, const State& s, const float* scores) {
  const Options& o = s.options;
  const int64_t n = op.input(0).shape[1], all = op.input(1).shape[2];
  auto* best = op.scratch<float>(s.best);
  auto* merged = op.scratch<Detection>(s.merged);
  scores += all - o.classes;
  int32_t count = 0;
  for (int32_t c = 0; c < o.classes && !op.stopped(); ++c) {
    for (int64_t i = 0; i < n; ++i) best[i] = scores[i * all + c];
    const int32_t kept = suppress(op, s, o.per_class);
    int32_t total = count;
    for (int32_t i = 0; i < kept; ++i, ++total) {
      const int64_t box = op.scratch<int32_t>(s.kept)[i];
      merged[total] = {best[box], 0, box * all + c};
    }
    for (int32_t i = 0; i < total; ++i) merged[i].from = i;
    count = static_cast<int32_t>(std::min<int64_t>(total, o.detections));
    std::partial_sort(merged, merged + count, merged + total,
                      [](const Detection& a, const Detection& b) {
                        return a.score != b.score ? a.score > b.score : a.from < b.from;
                      });
  }
  for (int32_t i = 0; i < count; ++i)
    put(op, i, op.scratch<float>(s.boxes) + 4 * (merged[i].what / all), merged[i].what % all,
        merged[i].score);
  return count;
}

Status invoke(OpContext& op) {
  const State& s = op.state<State>();
  for (int i = 0; i < 4; ++i)
    if (op.output(i).bytes > 0) std::memset(op.output(i).data, 0, op.output(i).bytes);
  if (op.input(0).shape[1] == 0) return {};
  CYGNET_TRY(decode(op, s.options, op.scratch<float>(s.boxes)));
  const float* scores = op.input(1).as<float>();
  const int64_t elements = op.input(1).shape.elements();
  if (op.input(1).type == Type::uint8) {
    auto* real = op.scratch<float>(s.scores);
    for (int64_t i = 0; i < elements; ++i) real[i] = real_at(op.input(1), i);
    scores = real;
  }
  for (int64_t i = 0; i < elements; ++i)
    if (std::isnan(scores[i]))
      return Status::error(Code::invalid_argument, "input 1: score %lld is not a number",
                           static_cast<long long>(i));
  const int32_t count =
      s.options.regular ? detect_regular(op, s, scores) : detect_fast(op, s, scores);
  *op.output(3).as<float>() = static_cast<float>(count);
  return {};
}

}  // namespace

extern const OpDef kDetectionPostprocess;
const OpDef kDetectionPostprocess = {
    .name = "TFLite_Detection_PostProcess",
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 4,
    .max_outputs = 4,
    .infer = infer,
    .prepare = prepare,
    .invoke = invoke,
};

}  // namespace cygnet::ops
