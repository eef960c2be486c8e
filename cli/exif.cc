// SPDX-License-Identifier: Apache-2.0
#include "cli/exif.h"

#include <algorithm>
#include <cstring>

namespace cygnet::cli {
namespace {

/// Numbers of a TIFF structure in its byte order; 0 outside of it.
struct Tiff {
  std::span<const uint8_t> bytes;
  bool big_endian = false;

  uint32_t get(uint64_t at, size_t n) const {
    uint32_t value = 0;
    if (at + n > bytes.size()) return 0;
    for (size_t i = 0; i < n; ++i) value = value << 8 | bytes[at + (big_endian ? i : n - 1 - i)];
    return value;
  }
};

}  // namespace

int exif_orientation(std::span<const uint8_t> block) {
  constexpr uint8_t kName[] = {'E', 'x', 'i', 'f', 0, 0};
  constexpr size_t kEntryBytes = 12;
  constexpr uint32_t kOrientationTag = 0x0112;
  constexpr uint32_t kShort = 3;
  if (block.size() < sizeof kName + 8 || !std::equal(kName, std::end(kName), block.begin())) {
    return 1;
  }
  Tiff tiff{block.subspan(sizeof kName)};
  tiff.big_endian = tiff.bytes[0] == 'M';
  uint64_t directory = tiff.get(4, 4);
  uint32_t entries = tiff.get(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    uint64_t entry = directory + 2 + uint64_t{i} * kEntryBytes;
    if (tiff.get(entry, 2) != kOrientationTag || tiff.get(entry + 2, 2) != kShort) continue;
    uint32_t value = tiff.get(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image upright(const Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // Of the upright picture: columns lie along the stored rows from 5 on; then mirrored or not.
  bool transposed = orientation >= 5;
  bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image result(transposed ? image.height : image.width, transposed ? image.width : image.height,
               image.channels);
  size_t stored_width = static_cast<size_t>(image.width);
  size_t to = 0;
  for (int y = 0; y < result.height; ++y) {
    for (int x = 0; x < result.width; ++x, ++to) {
      int sx = transposed ? y : x;
      int sy = transposed ? x : y;
      if (flip_x) sx = image.width - 1 - sx;
      if (flip_y) sy = image.height - 1 - sy;
      const uint8_t* from =
          image.at(static_cast<size_t>(sy) * stored_width + static_cast<size_t>(sx));
      std::memcpy(result.at(to), from, static_cast<size_t>(image.channels));
    }
  }
  return result;
}

}  // namespace cygnet::cli
