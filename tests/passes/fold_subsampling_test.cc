// SPDX-License-Identifier: Apache-2.0
#include "passes/layers.h"

namespace cygnet::test {
namespace {

int32_t every(Editor& e, int32_t x, int32_t h, int32_t w, int32_t top = 0) {
  schema::StridedSliceOptionsT o;
  o.begin_mask = 0b1001;
  o.end_mask = 0b1111;
  return e.add(Builtin::STRIDED_SLICE,
               {x, e.list({0, top, 0, 0}), e.list({0, 0, 0, 0}), e.list({1, h, w, 1})}, o, "every");
}

Names left(const Conv& conv, int32_t h, int32_t w, int rewrites, int32_t top = 0) {
  Draft draft;
  Editor e(draft, builtin_ops());
  e.set_outputs({every(e, conv(e, image(e, 4)), h, w, top)});
  EXPECT_EQ(optimize(draft, {"fold-subsampling"}), rewrites);
  return operators(draft);
}

TEST(FoldSubsampling, BecomesTheStride) {
  EXPECT_EQ(left({.padding = Padding::VALID}, 2, 2, 1), Names{"CONV_2D"});
  EXPECT_EQ(left({.padding = Padding::VALID}, 2, 3, 1), Names{"CONV_2D"});
  EXPECT_EQ(left({.filter = 1, .stride = 2}, 2, 1, 1), Names{"CONV_2D"});
  EXPECT_EQ(left({.dilation = 2, .padding = Padding::VALID, .depthwise = true}, 2, 2, 1),
            Names{"DEPTHWISE_CONV_2D"});
}

TEST(FoldSubsampling, StaysWhereThePaddingWouldMove) {
  // Of 10 columns SAME with stride 2 leaves out the left zeros that it adds with stride 1.
  EXPECT_EQ(left({}, 2, 2, 0).size(), 2u);
  EXPECT_EQ(left({.padding = Padding::VALID}, 2, 2, 0, 1).size(), 2u);
  EXPECT_EQ(left({.padding = Padding::VALID, .depthwise = true}, 2, 3, 0).size(), 2u);
}

}  // namespace
}  // namespace cygnet::test
