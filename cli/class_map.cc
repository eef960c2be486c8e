// SPDX-License-Identifier: Apache-2.0
#include <png.h>

#include <cstring>

#include "cli/files.h"
#include "cli/image.h"
#include "cli/sample_readers.h"

namespace cygnet::cli {

ClassMap load_class_map(const std::string& path) {
  const std::vector<uint8_t> bytes = read_file(path, kMaxImageFileBytes);
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  const auto damaged = [&] {
    Failure failure(text(path, ": damaged PNG: ", image.message));
    png_image_free(&image);
    return failure;
  };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) throw damaged();
  const bool indices = (image.format & PNG_FORMAT_FLAG_COLORMAP) != 0;
  const bool grey = (image.format &
                     (PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA | PNG_FORMAT_FLAG_LINEAR)) == 0;
  if (!indices && !grey) {
    png_image_free(&image);
    throw Failure(text(path, ": no class map: expected a PNG of 8-bit grey or with a palette"));
  }
  try {
    image_internal::check_size(image.width, image.height);
  } catch (const Failure& failure) {
    png_image_free(&image);
    throw Failure(text(path, ": ", failure.what()));
  }
  // With a colour map the simplified reader gives the numbers that stand in the file.
  image.format = PNG_FORMAT_RGBA_COLORMAP;
  ClassMap map{static_cast<int>(image.width), static_cast<int>(image.height), {}};
  map.classes.resize(size_t{image.width} * image.height);
  uint8_t colors[256 * 4];
  if (png_image_finish_read(&image, nullptr, map.classes.data(), 0, colors) == 0) throw damaged();
  return map;
}

}  // namespace cygnet::cli
