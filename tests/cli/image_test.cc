// SPDX-License-Identifier: Apache-2.0
#include "cli/image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include <jpeglib.h>

#include "cli/files.h"
#include "scratch_folder.h"

namespace cygnet::cli {
namespace {

Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (size_t i = 0; i < image.count(); ++i) {
    size_t x = i % static_cast<size_t>(width);
    size_t y = i / static_cast<size_t>(width);
    for (int c = 0; c < channels; ++c) {
      image.at(i)[c] = static_cast<uint8_t>(x * 5 + y * 3 + static_cast<size_t>(c) * 40);
    }
  }
  return image;
}

std::vector<uint8_t> encode_jpeg(const Image& image, bool progressive) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = image.channels;
  info.in_color_space = image.channels == 1   ? JCS_GRAYSCALE
                        : image.channels == 3 ? JCS_RGB
                                              : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 95, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPLE*>(
        image.at(size_t{info.next_scanline} * static_cast<size_t>(image.width)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::vector<uint8_t> bytes(memory, memory + size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return bytes;
}

void put(std::vector<uint8_t>* bytes, uint64_t value, int n) {
  for (int i = 0; i < n; ++i) bytes->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

/// A BMP of 24 bits a pixel, rows from the bottom up.
std::vector<uint8_t> encode_bmp(const Image& image, int64_t width, int64_t height) {
  std::vector<uint8_t> bytes = {'B', 'M'};
  put(&bytes, 0, 8);
  put(&bytes, 54, 4);
  put(&bytes, 40, 4);
  put(&bytes, static_cast<uint64_t>(width), 4);
  put(&bytes, static_cast<uint64_t>(height), 4);
  put(&bytes, 1, 2);
  put(&bytes, 24, 2);
  bytes.resize(bytes.size() + 24);
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x) {
      const uint8_t* p = image.at(static_cast<size_t>(y * image.width + x));
      bytes.insert(bytes.end(), {p[2], p[1], p[0]});
    }
    while ((bytes.size() - 54) % 4 != 0) bytes.push_back(0);
  }
  return bytes;
}

void expect_close(const Image& a, const Image& b, double mean_error) {
  ASSERT_EQ(a.width, b.width);
  ASSERT_EQ(a.height, b.height);
  ASSERT_EQ(a.channels, b.channels);
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  EXPECT_LE(sum / static_cast<double>(a.pixels.size()), mean_error);
}

TEST(Png, RoundTrip) {
  ScratchFolder folder;
  Image rgb = gradient(13, 7, 3);
  write_png(folder.file("a.png"), rgb);
  EXPECT_EQ(load_image(folder.file("a.png")).pixels, rgb.pixels);
  Image rgba = gradient(13, 7, 4);
  EXPECT_EQ(decode_image(encode_png(rgba), "a", 4).pixels, rgba.pixels);
  Image grey = decode_image(encode_png(gradient(4, 4, 1)), "a");
  EXPECT_EQ(grey.channels, 3);
  EXPECT_EQ(grey.at(5)[0], grey.at(5)[2]);
  EXPECT_EQ(grey.at(5)[0], gradient(4, 4, 1).at(5)[0]);
}

TEST(Png, TransparentPartsAreShownOverWhite) {
  Image rgba(3, 1, 4);
  rgba.pixels = {10, 20, 30, 0, 10, 20, 30, 255, 0, 100, 200, 128};
  EXPECT_EQ(decode_image(encode_png(rgba), "a").pixels,
            (std::vector<uint8_t>{255, 255, 255, 10, 20, 30, 127, 177, 227}));
}

TEST(Png, AlphaOfAnOpaquePictureIsFull) {
  EXPECT_EQ(decode_image(encode_png(gradient(2, 2, 3)), "a", 4).at(3)[3], 255);
}

TEST(Jpeg, ColourGreyAndProgressive) {
  Image rgb = gradient(40, 30, 3);
  for (bool progressive : {false, true}) {
    expect_close(decode_image(encode_jpeg(rgb, progressive), "a"), rgb, 8);
  }
  Image grey = decode_image(encode_jpeg(gradient(40, 30, 1), false), "a");
  EXPECT_EQ(grey.channels, 3);
  EXPECT_NEAR(grey.at(100)[1], gradient(40, 30, 1).at(100)[0], 4);
  EXPECT_EQ(decode_image(encode_jpeg(rgb, false), "a", 4).at(7)[3], 255);
}

TEST(Jpeg, FourInks) {
  Image inks(16, 16, 4);
  for (size_t i = 0; i < inks.count(); ++i) {
    uint8_t* p = inks.at(i);
    p[0] = 255;
    p[1] = 128;
    p[2] = 0;
    p[3] = 255;
  }
  Image rgb = decode_image(encode_jpeg(inks, false), "a");
  EXPECT_NEAR(rgb.at(0)[0], 255, 2);
  EXPECT_NEAR(rgb.at(0)[1], 128, 2);
  EXPECT_NEAR(rgb.at(0)[2], 0, 2);
}

TEST(Bmp, RowsFromTheBottom) {
  Image rgb = gradient(5, 3, 3);
  EXPECT_EQ(decode_image(encode_bmp(rgb, 5, 3), "a").pixels, rgb.pixels);
}

TEST(Image, RefusesWithTheNameOfTheFile) {
  ScratchFolder folder;
  expect_failure("No such file", [&] { load_image(folder.file("absent.png")); });
  write_file(folder.file("a.png"), std::vector<uint8_t>{'h', 'e', 'l', 'l', 'o'});
  expect_failure(folder.file("a.png") + ": not a JPEG, PNG or BMP picture",
                 [&] { load_image(folder.file("a.png")); });
  write_file(folder.file("a.png"), {});
  expect_failure("not a JPEG", [&] { load_image(folder.file("a.png")); });
}

TEST(Image, RefusesPicturesThatAreCutOff) {
  Image rgb = gradient(40, 30, 3);
  for (auto bytes : {encode_png(rgb), encode_jpeg(rgb, false), encode_bmp(rgb, 40, 30)}) {
    for (size_t n : {bytes.size() / 2, bytes.size() / 4, size_t{20}, size_t{30}}) {
      expect_failure("a: damaged", [&] { decode_image(std::span(bytes).first(n), "a"); });
    }
  }
}

TEST(Image, RefusesSizesBeyondTheLimits) {
  Image rgb = gradient(4, 4, 3);
  expect_failure("more than the limit", [&] { decode_image(encode_bmp(rgb, 60000, 60000), "a"); });
  expect_failure("more than the limit", [&] { decode_image(encode_bmp(rgb, 70000, 1), "a"); });
  expect_failure("0x4 pixels", [&] { decode_image(encode_bmp(rgb, 0, 4), "a"); });
  expect_failure("pixels need", [&] { decode_image(encode_bmp(rgb, 4, 400), "a"); });
  expect_failure("more than the limit", [&] { decode_image(encode_bmp(rgb, 4, INT32_MIN), "a"); });
}

TEST(Image, MutantsAreReadOrRefused) {
  Image rgb = gradient(24, 20, 3);
  std::mt19937 random(11);
  for (const auto& whole : {encode_png(rgb), encode_jpeg(rgb, false), encode_jpeg(rgb, true),
                            encode_bmp(rgb, 24, 20)}) {
    for (int i = 0; i < 400; ++i) {
      std::vector<uint8_t> bytes = whole;
      for (auto k = random() % 5 + 1; k > 0; --k) {
        size_t range = random() % 2 == 0 ? bytes.size() : std::min<size_t>(64, bytes.size());
        bytes[2 + random() % (range - 2)] = static_cast<uint8_t>(random());
      }
      // A forged size of many million pixels is legal, and takes its time.
      std::string message = failure_of([&] {
        Image image = decode_image(bytes, "a");
        EXPECT_EQ(image.pixels.size(), image.count() * 3);
      });
      EXPECT_TRUE(message.empty() || message.starts_with("a: ")) << message;
    }
  }
}

}  // namespace
}  // namespace cygnet::cli
