// SPDX-License-Identifier: Apache-2.0
// Pictures: JPEG, PNG and BMP files to 8-bit pixels, PNG files back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cygnet::cli {

/// 8-bit pixels, rows from top to bottom without padding: pixels[(y * width + x) * channels + c].
/// 1 channel: grey; 3: red, green, blue; 4: red, green, blue, alpha (not premultiplied). Colours
/// are sRGB.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<uint8_t> pixels;

  Image() = default;
  /// Zeroed pixels.
  Image(int w, int h, int c)
      : width(w), height(h), channels(c), pixels(size_t(w) * size_t(h) * size_t(c)) {}
  size_t count() const { return size_t(width) * size_t(height); }
  uint8_t* at(size_t pixel) { return &pixels[pixel * size_t(channels)]; }
  const uint8_t* at(size_t pixel) const { return &pixels[pixel * size_t(channels)]; }
};

inline constexpr int kMaxImageSide = 65535;
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 27;
inline constexpr uint64_t kMaxImageFileBytes = uint64_t{1} << 30;

/// Reads a picture in whatever of the three formats its first bytes announce. `channels` 3:
/// transparent parts are shown over white; 4: alpha is kept (255 where the file has none).
/// Photographs are turned upright as their Exif data say. Throws Failure, which names the file,
/// when it is missing, no picture, damaged, cut off, or larger than the limits above.
Image load_image(const std::string& path, int channels = 3);

/// As load_image, from the file's bytes.
Image decode_image(std::span<const uint8_t> bytes, const std::string& path, int channels = 3);

/// The bytes of a PNG file. 1, 3 or 4 channels.
std::vector<uint8_t> encode_png(const Image& image);

/// Writes a PNG file, as a whole or not at all. Throws Failure.
void write_png(const std::string& path, const Image& image);

namespace image_internal {

/// Decoders of one format each. They throw Failure without the file's name.
Image decode_jpeg(std::span<const uint8_t> bytes, int channels);
Image decode_png(std::span<const uint8_t> bytes, int channels);
Image decode_bmp(std::span<const uint8_t> bytes, int channels);

/// Throws Failure when a picture of this size is refused.
void check_size(int64_t width, int64_t height);

/// An image of 3 channels: `rgba` over white.
Image over_white(const Image& rgba);

}  // namespace image_internal
}  // namespace cygnet::cli
