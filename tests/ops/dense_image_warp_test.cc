// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

std::function<void(ModelBuilder&)> warp(std::vector<int32_t> x, std::vector<int32_t> flow,
                                        Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int image = b.input(x), shift = b.input(flow, type);
    b.custom_op("DenseImageWarp", {image, shift}, {b.output(x)});
  };
}

TEST(DenseImageWarp, Cases) {
  const std::vector<float> image = {0, 1, 2, 10, 11, 12, 20, 21, 22};
  const auto flow = [](float y, float x) {
    std::vector<float> out;
    for (int i = 0; i < 9; ++i) out.insert(out.end(), {y, x});
    return values(out);
  };
  const auto model = warp({1, 3, 3, 1}, {1, 3, 3, 2});
  run_op_cases({
      {.name = "stays",
       .model = model,
       .inputs = {values(image), flow(0, 0)},
       .outputs = {values(image)}},
      {.name = "down by a half",
       .model = model,
       .inputs = {values(image), flow(0.5f, 0)},
       .outputs = {values<float>({0, 1, 2, 5, 6, 7, 15, 16, 17})}},
      {.name = "to the left, beyond the edge",
       .model = model,
       .inputs = {values(image), flow(0, -1.25f)},
       .outputs = {values<float>({1.25f, 2, 2, 11.25f, 12, 12, 21.25f, 22, 22})}},
      {.name = "far out",
       .model = model,
       .inputs = {values(image), flow(1e30f, -INFINITY)},
       .outputs = {values<float>({2, 2, 2, 2, 2, 2, 2, 2, 2})}},
      {.name = "not a number",
       .model = model,
       .inputs = {values(image), flow(NAN, 0)},
       .outputs = {values(std::vector<float>(9, NAN))}},
  });
}

TEST(DenseImageWarp, Refuses) {
  refuse_op_cases({
      {.name = "small",
       .model = warp({1, 1, 3, 1}, {1, 1, 3, 2}),
       .message = "input 0: expected height and width of at least 2, got [1,1,3,1]"},
      {.name = "flow",
       .model = warp({1, 3, 3, 1}, {1, 3, 3, 1}),
       .message = "input 1: expected shape [1,3,3,2], got [1,3,3,1]"},
      {.name = "rank", .model = warp({3, 3, 1}, {3, 3, 2}), .message = "input 0: expected rank 4"},
      {.name = "type",
       .model = warp({1, 3, 3, 1}, {1, 3, 3, 2}, Type::float16),
       .message = "input 1: expected type FLOAT32, got FLOAT16"},
  });
}

}  // namespace
}  // namespace cygnet::test
