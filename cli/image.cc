// SPDX-License-Identifier: Apache-2.0
#include "cli/image.h"

#include <algorithm>

#include "cli/failure.h"
#include "cli/files.h"

namespace cygnet::cli {
namespace image_internal {

void check_size(int64_t width, int64_t height) {
  if (width < 1 || height < 1) throw Failure(text("a picture of ", width, "x", height, " pixels"));
  if (width > kMaxImageSide || height > kMaxImageSide || width * height > kMaxImagePixels) {
    throw Failure(text(width, "x", height, " pixels are more than the limit of ", kMaxImageSide,
                       " a side and ", kMaxImagePixels, " in all"));
  }
}

Image over_white(const Image& rgba) {
  Image rgb(rgba.width, rgba.height, 3);
  for (size_t i = 0; i < rgba.count(); ++i) {
    const uint8_t* from = rgba.at(i);
    int alpha = from[3];
    for (int c = 0; c < 3; ++c) {
      rgb.at(i)[c] = static_cast<uint8_t>((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
  return rgb;
}

}  // namespace image_internal

Image decode_image(std::span<const uint8_t> bytes, const std::string& path, int channels) {
  auto starts_with = [bytes](std::initializer_list<uint8_t> magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
  };
  using namespace image_internal;
  try {
    if (starts_with({0xff, 0xd8, 0xff})) return decode_jpeg(bytes, channels);
    if (starts_with({0x89, 'P', 'N', 'G'})) return decode_png(bytes, channels);
    if (starts_with({'B', 'M'})) return decode_bmp(bytes, channels);
  } catch (const Failure& failure) {
    throw Failure(text(path, ": ", failure.what()));
  }
  throw Failure(text(path, ": not a JPEG, PNG or BMP picture"));
}

Image load_image(const std::string& path, int channels) {
  return decode_image(read_file(path, kMaxImageFileBytes), path, channels);
}

void write_png(const std::string& path, const Image& image) {
  write_file(path, encode_png(image));
}

}  // namespace cygnet::cli
