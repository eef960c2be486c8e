// SPDX-License-Identifier: Apache-2.0
#include "cli/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "cli/npz.h"
#include "test_paths.h"

namespace cygnet::cli {
namespace {

Image grey_sample() {
  Image image(7, 5, 1);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x)
      image.pixels[static_cast<size_t>(y * 7 + x)] =
          static_cast<uint8_t>(x * 37 + y * 59 + x * y * 7);
  return image;
}

// Expected values are Pillow 13's of resize((w, h), BILINEAR).
TEST(Resize, EqualsPillow) {
  const Image image = grey_sample();
  EXPECT_EQ(resize(image, 3, 4).pixels,
            (std::vector<uint8_t>{48, 127, 164, 124, 140, 101, 168, 102, 126, 138, 148, 117}));
  EXPECT_EQ(
      resize(image, 9, 6).pixels,
      (std::vector<uint8_t>{0,   25,  53,  82,  111, 140, 169, 197, 222, 44,  72,  106, 138, 171,
                            204, 130, 78,  106, 93,  125, 163, 167, 88,  126, 104, 94,  126, 143,
                            179, 173, 122, 48,  90,  132, 139, 103, 192, 189, 129, 69,  115, 162,
                            172, 127, 38,  236, 109, 74,  124, 175, 226, 134, 71,  114}));
  EXPECT_EQ(resize(image, 2, 2).pixels, (std::vector<uint8_t>{110, 131, 140, 123}));
  EXPECT_EQ(resize(image, 7, 5).pixels, image.pixels);
}

TEST(Resize, RecordedModelInputs) {
  struct Case {
    const char* model;
    const char* key;
    const char* picture;
  };
  const Case cases[] = {
      {"mobilenet_v1_0.25_128_quant", "in:input", "cat.bmp"},
      {"mobilenet_v2_1.0_224_quant", "in:input", "cat.bmp"},
      {"movenet_single_pose_lightning_ptq", "in:serving_default_input:0", "squat.bmp"},
      {"deeplabv3_mnv2_dm05_pascal_quant", "in:MobilenetV2/MobilenetV2/input",
       "bird_segmentation.bmp"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.model);
    std::string npz = std::string(test::kSharedDir) + "/models/" + c.model + ".npz";
    if (!std::filesystem::exists(npz)) GTEST_SKIP() << npz << " is absent";
    ArchiveReader reader(npz, uint64_t{1} << 30);
    Array expected = reader.read(reader.find(c.key));
    Image image = load_image(std::string(test::kSharedDir) + "/images/" + c.picture);
    Image fitted =
        resize(image, static_cast<int>(expected.shape[2]), static_cast<int>(expected.shape[1]));
    EXPECT_EQ(fitted.pixels, expected.data);
  }
}

TEST(Resize, PlanesAgreeWithPictures) {
  Image image = grey_sample();
  Plane plane(7, 5, 1);
  for (size_t i = 0; i < image.pixels.size(); ++i) plane.values[i] = image.pixels[i];
  for (auto [w, h] : {std::pair{3, 4}, {9, 2}, {20, 17}, {1, 1}}) {
    Image a = resize(image, w, h);
    Plane b = resize(plane, w, h);
    ASSERT_EQ(a.pixels.size(), b.values.size());
    for (size_t i = 0; i < a.pixels.size(); ++i) EXPECT_NEAR(a.pixels[i], b.values[i], 1.01);
  }
}

TEST(Resize, KeepsConstantsAndChannels) {
  Image image(5, 3, 3);
  for (size_t i = 0; i < image.count(); ++i) {
    image.at(i)[0] = 255;
    image.at(i)[1] = 7;
  }
  for (auto [w, h] : {std::pair{1, 1}, {2, 9}, {50, 1}, {5, 3}}) {
    Image result = resize(image, w, h);
    for (size_t i = 0; i < result.count(); ++i) {
      EXPECT_EQ(result.at(i)[0], 255);
      EXPECT_EQ(result.at(i)[1], 7);
      EXPECT_EQ(result.at(i)[2], 0);
    }
  }
}

TEST(Resize, CoverKeepsProportions) {
  Image image(4, 2, 1);
  image.pixels = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(resize_to_cover(image, 2, 2).pixels, (std::vector<uint8_t>{2, 3, 6, 7}));
  EXPECT_EQ(resize_to_cover(image, 4, 1).pixels.size(), 4u);
  EXPECT_EQ(resize_to_cover(image, 4, 2).pixels, image.pixels);
}

TEST(Resize, NearestTakesPixelCentres) {
  std::vector<int> classes = {1, 2, 3, 4};
  EXPECT_EQ(resize_nearest(classes, 2, 2, 4, 4),
            (std::vector<int>{1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
  EXPECT_EQ(resize_nearest(classes, 4, 1, 2, 1), (std::vector<int>{2, 4}));
  EXPECT_EQ(resize_nearest(classes, 2, 2, 2, 2), classes);
}

TEST(Blur, SpreadsAndKeepsTheSum) {
  constexpr int kSide = 41;
  constexpr int kRadius = 3;
  Plane plane(kSide, kSide, 2);
  size_t middle = (kSide / 2 * kSide + kSide / 2) * 2;
  plane.values[middle] = 1;
  blur(&plane, kRadius);
  double sum = 0, variance = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      size_t at = static_cast<size_t>(y * kSide + x) * 2;
      double v = plane.values[at];
      EXPECT_EQ(plane.values[at + 1], 0) << "channels mix";
      sum += v;
      variance += v * (x - kSide / 2) * (x - kSide / 2);
    }
  }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NEAR(variance, kRadius * (kRadius + 1), 1e-3);
}

TEST(Blur, RadiusBeyondThePictureAndZero) {
  Plane plane(3, 1, 1);
  plane.values = {0, 3, 6};
  Plane same = plane;
  blur(&same, 0);
  EXPECT_EQ(same.values, plane.values);
  blur(&plane, 50);
  for (float v : plane.values) EXPECT_NEAR(v, 3, 0.2);
}

}  // namespace
}  // namespace cygnet::cli
