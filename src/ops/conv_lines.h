// SPDX-License-Identifier: Apache-2.0
// 8-bit convolutions that read the image where it lies: in a copy with its padding written out, the
// windows of neighbouring pixels begin a constant distance apart, across the ends of rows too. The
// few windows that begin in the padding are computed for nothing.
#pragma once

#include "ops/conv_common.h"

namespace cygnet::ops {

/// Such a convolution, prepared. With strides, the copy holds one plane for each phase of rows and
/// columns, in which neighbouring windows are neighbours. A window has `taps` runs of `k` bytes
/// each: a pixel, or where channels are few a whole row of pixels. Then a window may also serve
/// several output pixels side by side, whose filters lie within it beside zeros.
struct ConvLines {
  /// One phase: rows `y`, `y` + stride … of the padded image, and columns likewise.
  struct Plane {
    int32_t y;
    int32_t x;
  };
  bool used = false;
  bool in_place = false;    ///< 1×1: no copy
  bool joined = false;      ///< a run is a row of pixels
  int32_t pixels = 1;       ///< output pixels of a window
  int64_t unit = 0;         ///< bytes from one window to the next
  int64_t line = 0;         ///< windows from one output row to the next
  int64_t kept = 0;         ///< windows of an output row that count
  int64_t windows = 0;      ///< all of an image, up to the last one that counts
  int64_t band = 0;         ///< output rows whose planes a thread makes together
  int64_t below = 0;        ///< rows of a plane beyond those
  int64_t plane_bytes = 0;  ///< of a band
  int64_t band_bytes = 0;   ///< of all planes
  int64_t spare = 0;        ///< bytes of padding behind the rows of a plane
  int64_t taps = 0, k = 0;
  int64_t planes = 0;
  Plane* plane = nullptr;  ///< [planes]
  int32_t* at = nullptr;   ///< [taps], where the runs of window 0 begin
  const uint8_t* weights = nullptr;
  size_t weight_bytes = 0;
  int64_t columns = 0;  ///< of a task; less than all where windows are few
  uint8_t padding = 0;  ///< the zero point
  int staged = -1;      ///< scratch
};

/// In prepare: decides whether this is how to convolve x [N, H, W, C], int8, with an int8 filter
/// [M, KH, KW, C] that has been unpacked, and if so prepares it.
Status prepare_conv_lines(OpContext& op, const ConvGeometry& g, const Tensor& x,
                          const Tensor& filter, const Tensor* bias, const ConvResults& results,
                          ConvLines* s);

/// In invoke: y [N, OH, OW, M].
void invoke_conv_lines(OpContext& op, const ConvGeometry& g, const ConvLines& s,
                       const ConvResults& results);

}  // namespace cygnet::ops
