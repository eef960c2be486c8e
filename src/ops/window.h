// SPDX-License-Identifier: Apache-2.0
// Geometry of operators that slide a window over height and width: convolutions and pools.
#pragma once

#include <algorithm>

#include "base/status.h"
#include "cygnet/custom_op.h"
#include "ops/check.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// One dimension of a sliding window. Output position o covers the input positions
/// o·stride − pad + f·dilation for f in [0, filter); those outside [0, in) are padding.
struct WindowDim {
  int32_t in = 0;
  int32_t filter = 1;
  int32_t stride = 1;
  int32_t dilation = 1;
  int32_t out = 0;
  int32_t pad = 0;  ///< before the first input position

  int64_t first(int64_t o) const { return o * stride - pad; }
  /// Filter positions of output o that lie inside the input: [*begin, *end).
  void inside(int64_t o, int32_t* begin, int32_t* end) const {
    const int64_t start = first(o);
    const int64_t low = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
    const int64_t high = start >= in ? 0 : (in - start + dilation - 1) / dilation;
    *begin = static_cast<int32_t>(std::min<int64_t>(low, filter));
    *end = static_cast<int32_t>(std::max<int64_t>(*begin, std::min<int64_t>(high, filter)));
  }
};

/// Fills `out` and `pad` from the other fields. Output size: SAME ⌈in/stride⌉, VALID
/// ⌈(in − (filter − 1)·dilation)/stride⌉; SAME pads as evenly as it can, the odd one behind.
inline Status resolve_window(const char* name, schema::Padding padding, WindowDim* w) {
  if (w->filter < 1 || w->stride < 1 || w->dilation < 1)
    return bad_model("%s: expected filter, stride and dilation >= 1, got %d, %d, %d", name,
                     w->filter, w->stride, w->dilation);
  const int64_t extent = int64_t{w->filter - 1} * w->dilation + 1;
  int64_t out = 0;
  switch (padding) {
    case schema::Padding::SAME:
      out = (int64_t{w->in} + w->stride - 1) / w->stride;
      break;
    case schema::Padding::VALID:
      out = w->in < extent ? 0 : (w->in - extent) / w->stride + 1;
      break;
    default:
      return bad_model("padding: expected SAME (0) or VALID (1), got %d",
                       static_cast<int>(padding));
  }
  if (out < 1)
    return bad_model("%s: a window of %lld positions does not fit into %d", name,
                     static_cast<long long>(extent), w->in);
  w->out = static_cast<int32_t>(out);
  const int64_t total = std::max<int64_t>(0, (out - 1) * w->stride + extent - w->in);
  if (total / 2 > INT32_MAX)
    return bad_model("%s: padding of %lld positions is too large", name,
                     static_cast<long long>(total));
  w->pad = static_cast<int32_t>(total / 2);
  return {};
}

}  // namespace cygnet::ops
