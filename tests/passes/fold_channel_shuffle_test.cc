// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::test {
namespace {

int32_t shuffled(Editor& e, int32_t x, int32_t groups) {
  const Shape s = e.shape(x);
  const int32_t c = s[3];
  x = reshape(e, x, {-1, s[1], s[2], groups, c / groups});
  return reshape(e, transpose(e, x, {0, 1, 2, 4, 3}), {-1, s[1], s[2], c});
}

Names left(int32_t (*build)(Editor&, int32_t), int rewrites) {
  Draft draft;
  Editor e(draft, builtin_ops());
  e.set_outputs({build(e, image(e, 12))});
  EXPECT_EQ(optimize(draft, {"fold-channel-shuffle"}), rewrites);
  return operators(draft);
}

TEST(FoldChannelShuffle, IntoAConvolution) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return Conv()(e, shuffled(e, x, 3)); }, 1),
            Names{"CONV_2D"});
}

TEST(FoldChannelShuffle, PastDepthwiseConvolutionsAndActivations) {
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {
                  const Conv depthwise{.channels = 12, .stride = 2, .depthwise = true};
                  x = relu(e, depthwise(e, shuffled(e, x, 4)));
                  return Conv{.filter = 1}(e, x);
                },
                1),
            (Names{"DEPTHWISE_CONV_2D", "RELU", "CONV_2D"}));
}

TEST(FoldChannelShuffle, StaysWhereTheChannelsAreSeen) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return shuffled(e, x, 3); }, 0).size(), 3u);
  // Two filters a channel.
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {
                  const Conv depthwise{.channels = 24, .depthwise = true};
                  return Conv()(e, depthwise(e, shuffled(e, x, 4)));
                },
                0)
                .size(),
            5u);
  // Another reader.
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {
                  const int32_t y = shuffled(e, x, 4);
                  return add(e, Conv{.channels = 12}(e, y), y);
                },
                0)
                .size(),
            5u);
}

}  // namespace
}  // namespace cygnet::test
