// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 65535
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include <limits>
#include <memory>

#include "cli/failure.h"
#include "cli/image.h"

namespace cygnet::cli::image_internal {
namespace {

struct FreePixels {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

uint32_t read_u32(std::span<const uint8_t> bytes, size_t at) {
  return bytes[at] | uint32_t{bytes[at + 1]} << 8 | uint32_t{bytes[at + 2]} << 16 |
         uint32_t{bytes[at + 3]} << 24;
}

uint32_t read_u16(std::span<const uint8_t> bytes, size_t at) {
  return bytes[at] | uint32_t{bytes[at + 1]} << 8;
}

/// The decoder reads zeros past the end of the file, so whether all rows are there is checked here.
void check_header(std::span<const uint8_t> bytes) {
  constexpr size_t kSmallest = 26;
  constexpr size_t kUsual = 54;
  constexpr uint32_t kOldHeader = 12;
  if (bytes.size() < kSmallest) throw Failure("damaged BMP: its header is cut off");
  uint64_t offset = read_u32(bytes, 10);
  int64_t width = 0;
  int64_t height = 0;
  uint64_t bits = 0;
  if (read_u32(bytes, 14) == kOldHeader) {
    width = read_u16(bytes, 18);
    height = read_u16(bytes, 20);
    bits = read_u16(bytes, 24);
  } else {
    if (bytes.size() < kUsual) throw Failure("damaged BMP: its header is cut off");
    width = static_cast<int32_t>(read_u32(bytes, 18));
    height = static_cast<int32_t>(read_u32(bytes, 22));
    bits = read_u16(bytes, 28);
  }
  check_size(width, height < 0 ? -height : height);
  uint64_t row_bytes = (static_cast<uint64_t>(width) * bits + 31) / 32 * 4;
  uint64_t needed = row_bytes * static_cast<uint64_t>(height < 0 ? -height : height);
  if (offset > bytes.size() || needed > bytes.size() - offset) {
    throw Failure(text("damaged BMP: its pixels need ", needed, " bytes at ", offset,
                       ", but the file has ", bytes.size()));
  }
}

}  // namespace

Image decode_bmp(std::span<const uint8_t> bytes, int channels) {
  check_header(bytes);
  int width = 0;
  int height = 0;
  int in_file = 0;
  std::unique_ptr<stbi_uc, FreePixels> pixels(stbi_load_from_memory(
      bytes.data(), static_cast<int>(bytes.size()), &width, &height, &in_file, STBI_rgb_alpha));
  if (pixels == nullptr) throw Failure(text("damaged BMP: ", stbi_failure_reason()));
  Image image(width, height, 4);
  std::memcpy(image.pixels.data(), pixels.get(), image.pixels.size());
  return channels == 4 ? image : over_white(image);
}

}  // namespace cygnet::cli::image_internal
