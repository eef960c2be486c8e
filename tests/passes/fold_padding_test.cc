// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "passes/layers.h"

namespace cygnet::test {
namespace {

int32_t max_pool(Editor& e, int32_t x, int32_t filter, int32_t stride, Padding padding) {
  schema::Pool2DOptionsT options;
  options.filter_height = options.filter_width = filter;
  options.stride_h = options.stride_w = stride;
  options.padding = padding;
  return e.add(Builtin::MAX_POOL_2D, {x}, options, "pool");
}

TEST(FoldPadding, WhatSameWouldPad) {
  for (bool depthwise : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const Conv conv{.channels = 3, .padding = Padding::VALID, .depthwise = depthwise};
    e.set_outputs({conv(e, pad(e, image(e), 1, 1, 1, 1))});
    EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), 1);
    EXPECT_EQ(operators(draft).size(), 1u);
  }
}

TEST(FoldPadding, Strides) {
  // 10 rows, 3 taps, stride 2: SAME pads one row behind.
  Draft draft;
  Editor e(draft, builtin_ops());
  const Conv conv{.stride = 2, .padding = Padding::VALID};
  e.set_outputs({conv(e, pad(e, image(e, 3, 10, 10), 0, 1, 0, 1))});
  EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), 1);
  EXPECT_EQ(operators(draft), Names{"CONV_2D"});
}

TEST(FoldPadding, Keeps) {
  for (int k = 0; k < 4; ++k) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = image(e, 3, 10, 10);
    const Conv strided{.stride = 2, .padding = Padding::VALID}, valid{.padding = Padding::VALID};
    const int32_t ones =
        e.add(Builtin::PADV2, {x, pairs(e, {0, 0, 1, 1, 1, 1, 0, 0}), e.scalar<float>(1)},
              schema::PadV2OptionsT(), "padded");
    e.set_outputs({k == 0   ? strided(e, pad(e, x, 1, 0, 1, 0))  // on the other side
                   : k == 1 ? valid(e, pad(e, x, 2, 2, 2, 2))    // more
                   : k == 2 ? Conv()(e, pad(e, x, 1, 1, 1, 1))   // SAME already
                            : valid(e, ones)});
    EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), 0) << k;
  }
}

TEST(FoldPadding, PoolsOfWhatIsNotNegative) {
  for (bool positive : {true, false}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = image(e, 3, 10, 10);
    const int32_t from = positive ? relu(e, x) : sub(e, relu(e, x), number(e, 4));
    e.set_outputs({max_pool(e, pad(e, from, 0, 1, 0, 1), 3, 2, Padding::VALID)});
    EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), positive ? 1 : 0);
  }
}

TEST(FoldPadding, PoolsPaddedWithTheLowest) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t value = e.scalar<float>(std::numeric_limits<float>::lowest());
  const int32_t x = e.add(Builtin::PADV2, {image(e), pairs(e, {0, 0, 1, 1, 1, 1, 0, 0}), value},
                          schema::PadV2OptionsT(), "padded");
  e.set_outputs({max_pool(e, x, 3, 1, Padding::VALID)});
  EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), 1);
  EXPECT_EQ(operators(draft), Names{"MAX_POOL_2D"});
}

TEST(FoldPadding, IntoPaddingsBehind) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = image(e, 3, 8, 8);
  e.set_outputs({pad(e, pad(e, x, 1, 2, 3, 4), 5, 6, 7, 8),
                 space_to_batch(e, pad(e, x, 1, 0, 0, 3), 2, {1, 2, 1, 0})});
  EXPECT_EQ(optimize(draft, {"fold-padding"}, 0), 2);
  EXPECT_EQ(operators(draft), (Names{"PAD", "SPACE_TO_BATCH_ND"}));
}

}  // namespace
}  // namespace cygnet::test
