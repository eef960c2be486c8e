// SPDX-License-Identifier: Apache-2.0
#include "cli/segmentation.h"

#include <gtest/gtest.h>

#include "cli/files.h"
#include "cli/labels.h"
#include "scratch_folder.h"

namespace cygnet::cli {
namespace {

using Color = std::array<uint8_t, 3>;

TEST(Segmentation, PascalColours) {
  EXPECT_EQ(class_color(0), (Color{0, 0, 0}));
  EXPECT_EQ(class_color(1), (Color{128, 0, 0}));
  EXPECT_EQ(class_color(3), (Color{128, 128, 0}));
  EXPECT_EQ(class_color(8), (Color{64, 0, 0}));
  EXPECT_EQ(class_color(15), (Color{192, 128, 128}));
  EXPECT_EQ(class_color(20), (Color{0, 64, 128}));
}

TEST(Segmentation, DrawsClassesOverThePicture) {
  Image rgb(2, 1, 3);
  rgb.pixels = {100, 100, 100, 100, 100, 100};
  Segmentation map{2, 1, {0, 1}, {}, 0};
  EXPECT_EQ(draw_classes(rgb, map, 0.5f).pixels,
            (std::vector<uint8_t>{100, 100, 100, 114, 50, 50}));
  EXPECT_EQ(draw_classes(rgb, map, 1).pixels, (std::vector<uint8_t>{0, 0, 0, 128, 0, 0}));
  EXPECT_EQ(mask_image(map).pixels, (std::vector<uint8_t>{0, 1}));
  EXPECT_EQ(foreground_of(map), (std::vector<float>{0, 1}));
}

TEST(Segmentation, CutsOutOverAColour) {
  Image rgb(3, 1, 3);
  rgb.pixels = {100, 100, 100, 100, 100, 100, 100, 100, 100};
  std::vector<float> foreground = {0, 0.5f, 1};
  Background background = read_background("#f00");
  EXPECT_EQ(cut_out(rgb, foreground, background).pixels,
            (std::vector<uint8_t>{255, 0, 0, 178, 50, 50, 100, 100, 100}));
  Segmentation portrait{3, 1, {}, foreground, 0};
  EXPECT_EQ(mask_image(portrait).pixels, (std::vector<uint8_t>{0, 128, 255}));
  Image clear = cut_out(rgb, foreground, read_background("transparent"));
  EXPECT_EQ(clear.channels, 4);
  EXPECT_EQ(clear.at(1)[3], 128);
}

TEST(Segmentation, BlurLeavesTheForegroundOut) {
  constexpr int kSide = 80;
  Image rgb(kSide, kSide, 3);
  std::vector<float> foreground(rgb.count(), 0.0f);
  for (size_t i = 0; i < rgb.count(); ++i) {
    bool person = i % kSide >= kSide / 2;
    foreground[i] = person ? 1.0f : 0.0f;
    rgb.at(i)[0] = person ? 255 : 60;
  }
  Image result = cut_out(rgb, foreground, read_background("blur"));
  for (size_t i = 0; i < result.count(); ++i) {
    EXPECT_NEAR(result.at(i)[0], foreground[i] > 0 ? 255 : 60, 2) << i;
  }
}

TEST(Background, Names) {
  EXPECT_EQ(read_background("#0a0B0c").color, (Color{10, 11, 12}));
  EXPECT_EQ(read_background("white").color, (Color{255, 255, 255}));
  expect_failure("'#12' is no colour", [] { read_background("#12"); });
  expect_failure("'#12345g' is no colour", [] { read_background("#12345g"); });
  expect_failure("absent.png", [] { read_background("absent.png"); });
  ScratchFolder folder;
  write_png(folder.file("a.png"), Image(3, 2, 3));
  EXPECT_EQ(read_background(folder.file("a.png")).picture.width, 3);
}

TEST(Labels, FitTheModel) {
  ScratchFolder folder;
  std::string content = "cat\ndog\n\nremarks\n";
  write_file(folder.file("l"), std::vector<uint8_t>(content.begin(), content.end()));
  Labels labels(folder.file("l"));
  EXPECT_EQ(labels.name(1), "dog");
  EXPECT_EQ(labels.name(2), "class 2");
  expect_failure("has 2 labels, but the model has 5 classes", [&] { labels.fit(5); });
  labels.fit(2);
  EXPECT_EQ(labels.name(0), "cat");
  labels.fit(3);
  EXPECT_EQ(labels.name(0), "background");
  EXPECT_EQ(labels.name(2), "dog");
  EXPECT_EQ(Labels("").name(7), "");
}

}  // namespace
}  // namespace cygnet::cli
