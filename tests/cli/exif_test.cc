// SPDX-License-Identifier: Apache-2.0
#include "cli/exif.h"

#include <gtest/gtest.h>

#include <vector>

namespace cygnet::cli {
namespace {

std::vector<uint8_t> block(uint8_t orientation, bool big_endian) {
  if (big_endian) {
    return {'E', 'x', 'i', 'f',  0, 0, 'M', 'M', 0, 42, 0, 0,           0, 8,
            0,   1,   1,   0x12, 0, 3, 0,   0,   0, 1,  0, orientation, 0, 0};
  }
  return {'E', 'x', 'i',  'f', 0, 0, 'I', 'I', 42, 0, 8,           0, 0, 0,
          1,   0,   0x12, 1,   3, 0, 1,   0,   0,  0, orientation, 0, 0, 0};
}

TEST(Exif, BothByteOrders) {
  EXPECT_EQ(exif_orientation(block(6, false)), 6);
  EXPECT_EQ(exif_orientation(block(6, true)), 6);
}

TEST(Exif, MalformedBlocksMeanAsStored) {
  EXPECT_EQ(exif_orientation({}), 1);
  EXPECT_EQ(exif_orientation(block(0, true)), 1);
  EXPECT_EQ(exif_orientation(block(9, true)), 1);
  std::vector<uint8_t> far = block(6, true);
  far[6 + 4] = 0xff;
  EXPECT_EQ(exif_orientation(far), 1);
  std::vector<uint8_t> whole = block(6, false);
  for (size_t n = 0; n + 4 < whole.size(); ++n) {
    EXPECT_EQ(exif_orientation(std::span(whole).first(n)), 1) << n;
  }
}

TEST(Exif, Upright) {
  Image image(3, 2, 1);
  image.pixels = {1, 2, 3, 4, 5, 6};
  const std::vector<uint8_t> expected[] = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Image turned = upright(image, orientation);
    EXPECT_EQ(turned.pixels, expected[orientation - 1]) << orientation;
    EXPECT_EQ(turned.width, orientation < 5 ? 3 : 2);
  }
}

}  // namespace
}  // namespace cygnet::cli
