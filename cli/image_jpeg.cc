// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include "cli/exif.h"
#include "cli/failure.h"
#include "cli/image.h"

namespace cygnet::cli::image_internal {
namespace {

/// Progressive files may repeat scans; more than any encoder writes is an attempt to burn time.
constexpr int kMaxScans = 500;
constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr unsigned kMaxMarkerBytes = 0xffff;

/// libjpeg reports errors by a call that must not return: it jumps back to decode().
struct Decoder {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX];
  bool cut_off;
};

Decoder& decoder_of(j_common_ptr info) {
  return *static_cast<Decoder*>(info->client_data);
}

[[noreturn]] void on_error(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  info->err->format_message(info, decoder.message);
  std::longjmp(decoder.on_error, 1);
}

void on_message(j_common_ptr info, int level) {
  int code = info->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) {
    decoder_of(info).cut_off = true;
  }
}

void on_progress(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  if (decoder.info.input_scan_number <= kMaxScans) return;
  std::snprintf(decoder.message, sizeof decoder.message, "too many scans");
  std::longjmp(decoder.on_error, 1);
}

/// Reads the header and chooses the output's colours. False on error.
bool start(Decoder* decoder, std::span<const uint8_t> bytes) {
  jpeg_decompress_struct& info = decoder->info;
  if (setjmp(decoder->on_error) != 0) return false;
  jpeg_create_decompress(&info);
  info.progress = &decoder->progress;
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_save_markers(&info, kExifMarker, kMaxMarkerBytes);
  jpeg_read_header(&info, TRUE);
  bool cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  return true;
}

/// Reads all rows into `pixels`, which has room for them. False on error.
bool read_rows(Decoder* decoder, uint8_t* pixels) {
  jpeg_decompress_struct& info = decoder->info;
  if (setjmp(decoder->on_error) != 0) return false;
  jpeg_start_decompress(&info);
  size_t stride = size_t{info.output_width} * static_cast<size_t>(info.output_components);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

/// Four ink channels to red, green and blue. Adobe's programs, which leave a marker, store the
/// paper's share and not the ink's.
Image from_cmyk(const Image& cmyk, bool inverted) {
  auto paper = [inverted](int ink) { return inverted ? ink : 255 - ink; };
  Image rgb(cmyk.width, cmyk.height, 3);
  for (size_t i = 0; i < rgb.count(); ++i) {
    const uint8_t* ink = cmyk.at(i);
    for (int c = 0; c < 3; ++c) {
      rgb.at(i)[c] = static_cast<uint8_t>(paper(ink[c]) * paper(ink[3]) / 255);
    }
  }
  return rgb;
}

Image with_alpha(const Image& rgb) {
  Image rgba(rgb.width, rgb.height, 4);
  for (size_t i = 0; i < rgb.count(); ++i) {
    std::memcpy(rgba.at(i), rgb.at(i), 3);
    rgba.at(i)[3] = 255;
  }
  return rgba;
}

/// The orientation that the file's first Exif block gives. The blocks live until the rows are read.
int orientation_of(const jpeg_decompress_struct& info) {
  for (auto* marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != kExifMarker) continue;
    return exif_orientation({marker->data, marker->data_length});
  }
  return 1;
}

/// Destroys libjpeg's state at the end of the scope.
struct Cleanup {
  Decoder* decoder;
  ~Cleanup() { jpeg_destroy_decompress(&decoder->info); }
};

}  // namespace

Image decode_jpeg(std::span<const uint8_t> bytes, int channels) {
  Decoder decoder{};
  decoder.info.client_data = &decoder;
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = on_error;
  decoder.errors.emit_message = on_message;
  decoder.progress.progress_monitor = on_progress;
  Cleanup cleanup{&decoder};
  if (!start(&decoder, bytes)) throw Failure(text("damaged JPEG: ", decoder.message));
  check_size(decoder.info.image_width, decoder.info.image_height);
  bool cmyk = decoder.info.out_color_space == JCS_CMYK;
  int orientation = orientation_of(decoder.info);
  Image image(static_cast<int>(decoder.info.image_width),
              static_cast<int>(decoder.info.image_height), cmyk ? 4 : 3);
  if (!read_rows(&decoder, image.pixels.data())) {
    throw Failure(text("damaged JPEG: ", decoder.message));
  }
  if (decoder.cut_off) throw Failure("damaged JPEG: its data is cut off");
  image = upright(image, orientation);
  if (cmyk) image = from_cmyk(image, decoder.info.saw_Adobe_marker != 0);
  return channels == 4 ? with_alpha(image) : image;
}

}  // namespace cygnet::cli::image_internal
