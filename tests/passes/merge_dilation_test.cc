// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::test {
namespace {

struct Case {
  int32_t h, w, block, filter;
  std::vector<int32_t> paddings, crops;
  Padding padding;  // of the convolution between
  Names expected;
};

TEST(MergeDilation, Paddings) {
  const Names one = {"CONV_2D"}, two = {"PAD", "CONV_2D"},
              three = {"SPACE_TO_BATCH_ND", "CONV_2D", "BATCH_TO_SPACE_ND"};
  const Case cases[] = {
      // SAME, with what the block needs besides cropped away again.
      {8, 8, 2, 3, {2, 2, 2, 2}, {0, 0, 0, 0}, Padding::VALID, one},
      {9, 10, 2, 3, {2, 3, 2, 2}, {0, 1, 0, 0}, Padding::VALID, one},
      {9, 10, 4, 3, {4, 7, 4, 6}, {0, 3, 0, 2}, Padding::VALID, one},
      // VALID.
      {9, 10, 2, 3, {0, 1, 0, 0}, {0, 1, 0, 0}, Padding::VALID, one},
      // The convolution of the phases pads.
      {9, 10, 2, 3, {0, 1, 0, 0}, {0, 1, 0, 0}, Padding::SAME, one},
      {9, 10, 2, 1, {0, 1, 0, 0}, {0, 1, 0, 0}, Padding::SAME, one},
      // Causal: all in front.
      {9, 10, 2, 3, {4, 1, 4, 0}, {0, 1, 0, 0}, Padding::VALID, two},
      {8, 8, 2, 2, {2, 0, 2, 0}, {0, 0, 0, 0}, Padding::VALID, two},
      // Crops of what is not padding.
      {8, 8, 2, 3, {2, 2, 2, 2}, {3, 0, 0, 0}, Padding::VALID, three},
      {8, 8, 2, 3, {2, 2, 2, 2}, {0, 0, 0, 4}, Padding::VALID, three},
  };
  for (const Case& c : cases) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const Conv conv{.filter = c.filter, .padding = c.padding};
    const int32_t y = conv(e, space_to_batch(e, image(e, 3, c.h, c.w), c.block, c.paddings));
    e.set_outputs({batch_to_space(e, y, c.block, c.crops)});
    optimize(draft, {"merge-dilation"});
    EXPECT_EQ(operators(draft), c.expected) << &c - cases;
  }
}

TEST(MergeDilation, DepthwiseWithBatchNormInEitherOrder) {
  for (bool inside : {true, false}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const Conv conv{.channels = 3, .padding = Padding::VALID, .depthwise = true};
    int32_t y = conv(e, space_to_batch(e, image(e), 2, {2, 3, 2, 2}));
    if (inside) y = relu(e, batch_norm(e, y, 3), Builtin::RELU6);
    y = batch_to_space(e, y, 2, {0, 1, 0, 0});
    if (!inside) y = relu(e, batch_norm(e, y, 3), Builtin::RELU6);
    e.set_outputs({y});
    optimize(draft);
    EXPECT_EQ(operators(draft), Names{"DEPTHWISE_CONV_2D"});
  }
}

TEST(MergeDilation, StridesAndSharedResultsStay) {
  for (int k = 0; k < 3; ++k) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const Conv conv{.stride = k == 0 ? 2 : 1, .dilation = k == 1 ? 2 : 1};
    const int32_t y = conv(e, space_to_batch(e, image(e, 3, 8, 8), 2, {2, 2, 2, 2}));
    const int32_t z = batch_to_space(e, y, 2, {0, 0, 0, 0});
    if (k == 2)
      e.set_outputs({z, y});
    else
      e.set_outputs({z});
    EXPECT_EQ(optimize(draft, {"merge-dilation"}), 0) << k;
  }
}

}  // namespace
}  // namespace cygnet::test
