// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Index = std::vector<int32_t>;

using Op = schema::BuiltinOperator;

// Two boxes that overlap by half (iou 1/3), one apart, one of them given by its other corners.
const std::vector<float> kBoxes = {0, 0, 1, 1, 0, 0.5f, 1, 1.5f, 9, 9, 8, 8};

struct Setting {
  int32_t most = 3;
  float limit = 0.3f, threshold = 0;
  float sigma = -1;  // negative: V4
  bool known = true;
};

std::function<void(ModelBuilder&)> model(Setting s, const Index& boxes = {3, 4}) {
  return [=](ModelBuilder& b) {
    std::vector<int32_t> in{b.input(boxes), b.input({3}),
                            s.known ? b.constant<int32_t>({}, {s.most}) : b.input({}, Type::int32),
                            b.constant<float>({}, {s.limit}), b.constant<float>({}, {s.threshold})};
    const int32_t length = std::max(s.most, 0);
    std::vector<int32_t> out{b.output({length}, Type::int32)};
    if (s.sigma >= 0) {
      in.push_back(b.constant<float>({}, {s.sigma}));
      out.push_back(b.output({length}));
    }
    out.push_back(b.output({}, Type::int32));
    if (s.sigma >= 0)
      b.op(Op::NON_MAX_SUPPRESSION_V5, in, out, schema::CreateNonMaxSuppressionV5Options(b.fbb()));
    else
      b.op(Op::NON_MAX_SUPPRESSION_V4, in, out, schema::CreateNonMaxSuppressionV4Options(b.fbb()));
  };
}

TEST(NonMaxSuppression, V4) {
  const auto scores = values<float>({0.5f, 0.9f, 0.7f});
  const std::vector<Values> in = {values(kBoxes), scores};
  run_op_cases({
      {.name = "suppressed",
       .model = model({}),
       .inputs = in,
       .outputs = {values<int32_t>({1, 2, 0}), values<int32_t>({2})}},
      {.name = "kept",
       .model = model({.limit = 0.4f}),
       .inputs = in,
       .outputs = {values<int32_t>({1, 2, 0}), values<int32_t>({3})}},
      {.name = "most",
       .model = model({.most = 1}),
       .inputs = in,
       .outputs = {values<int32_t>({1}), values<int32_t>({1})}},
      {.name = "threshold",
       .model = model({.threshold = 0.7f}),
       .inputs = in,
       .outputs = {values<int32_t>({1, 0, 0}), values<int32_t>({1})}},
      {.name = "fed",
       .model = model({.most = 2, .known = false}),
       .inputs = {values(kBoxes), scores, values<int32_t>({2})},
       .outputs = {values<int32_t>({1, 2}), values<int32_t>({2})},
       .shapes = {{2}, {}}},
      {.name = "nan",
       .model = model({}),
       .inputs = {values(kBoxes), values<float>({NAN, 0.1f, NAN})},
       .outputs = {values<int32_t>({1, 0, 0}), values<int32_t>({1})}},
  });
}

TEST(NonMaxSuppression, V5) {
  const float soft = 0.5f * std::exp(-0.5f / 9 / 0.5f);
  run_op_cases({
      {.name = "soft",
       .model = model({.limit = 1, .sigma = 0.5f}),
       .inputs = {values(kBoxes), values<float>({0.5f, 0.9f, 0.7f})},
       .outputs = {values<int32_t>({1, 2, 0}), values<float>({0.9f, 0.7f, soft}),
                   values<int32_t>({3})}},
      {.name = "hard",
       .model = model({.sigma = 0}),
       .inputs = {values(kBoxes), values<float>({0.5f, 0.9f, 0.7f})},
       .outputs = {values<int32_t>({1, 2, 0}), values<float>({0.9f, 0.7f, 0}),
                   values<int32_t>({2})}},
  });
}

TEST(NonMaxSuppression, Refuses) {
  refuse_op_cases({
      {.name = "boxes", .model = model({}, {3, 5}), .message = "input 0: expected shape [3,4]"},
      {.name = "scores",
       .model = model({}, {2, 4}),
       .message = "input 1: expected shape [2], got [3]"},
      {.name = "most", .model = model({.most = -1}), .message = "input 2: expected 0"},
      {.name = "limit",
       .model = model({.limit = NAN}),
       .message = "inputs 3 and 4: expected numbers, got nan and 0"},
      {.name = "threshold", .model = model({.threshold = NAN}), .message = "inputs 3 and 4"},
      {.name = "sigma",
       .model =
           [](ModelBuilder& b) {
             model({.sigma = 1})(b);
             b.last_op().inputs[5] = b.constant<float>({}, {-1});
           },
       .message = "input 5: expected 0 or more, got -1"},
      {.name = "two limits",
       .model =
           [](ModelBuilder& b) {
             model({})(b);
             b.last_op().inputs[3] = b.constant<float>({2}, {0.5f, 0.5f});
           },
       .message = "input 3: expected 1 elements"},
      {.name = "fed",
       .model = model({.known = false}),
       .message = "input 2: expected 0",
       .inputs = {values(kBoxes), values<float>({1, 2, 3}), values<int32_t>({-7})}},
  });
}

}  // namespace
}  // namespace cygnet::test
