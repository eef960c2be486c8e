// SPDX-License-Identifier: Apache-2.0
// NON_MAX_SUPPRESSION_V4 and _V5: the best boxes, without those that overlap a better one.
//   input 0: boxes [n, 4], f32: two opposite corners y, x; input 1: scores [n], f32
//   input 2: int32, how many at most; input 3: f32, the intersection over union from which on a
//   box goes; input 4: f32, scores must be above it; V5, input 5: f32, sigma ≥ 0 of soft
//   suppression V4: output 0: indices [most], int32; output 1: how many, int32 [] V5: output 0:
//   indices; output 1: their scores [most], f32; output 2: how many
// V5 multiplies the scores of boxes that stay by exp(−½·iou²/sigma) for sigma > 0. Of equal scores
// the first box wins; what is left of the lists is 0. Source: TFLite's reference kernel,
// LiteRT 2.3.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

constexpr int kNumbers = 6;

Status expect_scalar(const OpContext& op, int i, Type type) {
  static constexpr const char* kNames[kNumbers] = {"input 0", "input 1", "input 2",
                                                   "input 3", "input 4", "input 5"};
  CYGNET_TRY(expect_type(kNames[i], op.input(i), {type}));
  return expect_elements(kNames[i], op.input(i), 1);
}

template <bool kSoft>
Status infer(OpContext& op) {
  const Tensor& boxes = op.input(0);
  CYGNET_TRY(expect_type("input 0", boxes, {Type::float32}));
  CYGNET_TRY(expect_rank("input 0", boxes, 2));
  CYGNET_TRY(expect_shape("input 0", boxes, Shape{boxes.shape[0], 4}));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::float32}));
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{boxes.shape[0]}));
  CYGNET_TRY(expect_scalar(op, 2, Type::int32));
  for (int i = 3; i < op.inputs(); ++i) CYGNET_TRY(expect_scalar(op, i, Type::float32));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int32}));
  if (kSoft) CYGNET_TRY(expect_type("output 1", op.output(1), {Type::float32}));
  CYGNET_TRY(expect_type(kSoft ? "output 2" : "output 1", op.output(kSoft ? 2 : 1), {Type::int32}));
  if (!op.known(2)) return op.defer();
  const int32_t most = *op.input(2).as<int32_t>();
  CYGNET_TRY(expect_range("input 2", most, 0, INT32_MAX));
  CYGNET_TRY(op.set_output(0, Shape{most}));
  if (kSoft) CYGNET_TRY(op.set_output(1, Shape{most}));
  return op.set_output(kSoft ? 2 : 1, Shape{});
}

struct State {
  int scores;  // scratch: [n], −∞ for boxes that are gone
};

Status prepare(OpContext& op) {
  auto* state = op.make_state<State>();
  if (state == nullptr) return out_of_memory("state", sizeof(State));
  return op.request_scratch(sizeof(float) * static_cast<size_t>(op.input(0).shape[0]),
                            &state->scores);
}

// Intersection over union of boxes given by any two opposite corners; 0 where one has no area.
float overlap(const float* a, const float* b) {
  const auto low = [](const float* box, int d) { return std::min(box[d], box[d + 2]); };
  const auto high = [](const float* box, int d) { return std::max(box[d], box[d + 2]); };
  const auto area = [&](const float* box) {
    return (high(box, 0) - low(box, 0)) * (high(box, 1) - low(box, 1));
  };
  const float area_a = area(a), area_b = area(b);
  if (!(area_a > 0) || !(area_b > 0)) return 0;
  float common = 1;
  for (int d = 0; d < 2; ++d)
    common *= std::max(std::min(high(a, d), high(b, d)) - std::max(low(a, d), low(b, d)), 0.0f);
  return common / (area_a + area_b - common);
}

template <bool kSoft>
Status invoke(OpContext& op) {
  constexpr float kGone = -std::numeric_limits<float>::infinity();
  const int32_t n = op.input(0).shape[0];
  const auto* boxes = op.input(0).as<float>();
  const float limit = *op.input(3).as<float>(), threshold = *op.input(4).as<float>();
  const float sigma = kSoft ? *op.input(5).as<float>() : 0.0f;
  if (std::isnan(limit) || std::isnan(threshold))
    return bad_model("inputs 3 and 4: expected numbers, got %g and %g", static_cast<double>(limit),
                     static_cast<double>(threshold));
  if (!(sigma >= 0))
    return bad_model("input 5: expected 0 or more, got %g", static_cast<double>(sigma));
  const float scale = sigma > 0 ? -0.5f / sigma : 0.0f;
  auto* scores = op.scratch<float>(op.state<State>().scores);
  for (int32_t i = 0; i < n; ++i) {
    const float score = op.input(1).as<float>()[i];
    scores[i] = score > threshold ? score : kGone;
  }
  auto* selected = op.output(0).as<int32_t>();
  float* kept = kSoft ? op.output(1).as<float>() : nullptr;
  const int32_t most = op.output(0).shape[0];
  int32_t count = 0;
  for (; count < most; ++count) {
    const auto best = static_cast<int32_t>(std::max_element(scores, scores + n) - scores);
    if (best == n || !(scores[best] > kGone)) break;
    selected[count] = best;
    if (kSoft) kept[count] = scores[best];
    scores[best] = kGone;
    for (int32_t i = 0; i < n; ++i) {
      if (!(scores[i] > kGone)) continue;
      const float iou = overlap(boxes + 4 * best, boxes + 4 * i);
      if (iou >= limit)
        scores[i] = kGone;
      else if (sigma > 0 && !((scores[i] *= std::exp(scale * iou * iou)) > threshold))
        scores[i] = kGone;
    }
    if (count % 64 == 63 && op.stopped()) return {};
  }
  std::fill(selected + count, selected + most, 0);
  if (kSoft) std::fill(kept + count, kept + most, 0.0f);
  *op.output(kSoft ? 2 : 1).as<int32_t>() = count;
  return {};
}

}  // namespace

extern const OpDef kNonMaxSuppressionV4;
const OpDef kNonMaxSuppressionV4 = {
    .name = "NON_MAX_SUPPRESSION_V4",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::NON_MAX_SUPPRESSION_V4),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::NonMaxSuppressionV4Options),
    .min_inputs = 5,
    .max_inputs = 5,
    .min_outputs = 2,
    .max_outputs = 2,
    .infer = infer<false>,
    .prepare = prepare,
    .invoke = invoke<false>,
};

extern const OpDef kNonMaxSuppressionV5;
const OpDef kNonMaxSuppressionV5 = {
    .name = "NON_MAX_SUPPRESSION_V5",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::NON_MAX_SUPPRESSION_V5),
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::NonMaxSuppressionV5Options),
    .min_inputs = 6,
    .max_inputs = 6,
    .min_outputs = 3,
    .max_outputs = 3,
    .infer = infer<true>,
    .prepare = prepare,
    .invoke = invoke<true>,
};

}  // namespace cygnet::ops
