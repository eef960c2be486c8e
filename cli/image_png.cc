// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <cstring>

#include "cli/failure.h"
#include "cli/image.h"

namespace cygnet::cli {
namespace {

/// libpng's state, released at the end of the scope.
struct Png {
  png_image image;
  Png() {
    std::memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
  }
  ~Png() { png_image_free(&image); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;
};

}  // namespace

namespace image_internal {

Image decode_png(std::span<const uint8_t> bytes, int channels) {
  Png png;
  if (png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()) == 0) {
    throw Failure(text("damaged PNG: ", png.image.message));
  }
  check_size(png.image.width, png.image.height);
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  bool has_alpha = (png.image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  bool read_alpha = has_alpha || channels == 4;
  png.image.format = read_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  Image image(static_cast<int>(png.image.width), static_cast<int>(png.image.height),
              read_alpha ? 4 : 3);
  if (png_image_finish_read(&png.image, nullptr, image.pixels.data(), 0, nullptr) == 0) {
    throw Failure(text("damaged PNG: ", png.image.message));
  }
  return channels == 3 && read_alpha ? over_white(image) : image;
}

}  // namespace image_internal

std::vector<uint8_t> encode_png(const Image& image) {
  Png png;
  png.image.width = static_cast<png_uint_32>(image.width);
  png.image.height = static_cast<png_uint_32>(image.height);
  png.image.format = image.channels == 1   ? PNG_FORMAT_GRAY
                     : image.channels == 3 ? PNG_FORMAT_RGB
                                           : PNG_FORMAT_RGBA;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::vector<uint8_t> bytes(size);
  if (png_image_write_to_memory(&png.image, bytes.data(), &size, 0, image.pixels.data(), 0,
                                nullptr) == 0) {
    throw Failure(text("cannot encode a PNG: ", png.image.message));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace cygnet::cli
