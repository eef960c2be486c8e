// SPDX-License-Identifier: Apache-2.0
// What the two resize operators share.
#pragma once

#include "ops/movement.h"

namespace cygnet::ops {

/// Checks input 0, [N, H, W, C], and input 1, int32 [2], the new height and width, both ≥ 1;
/// declares [N, h, w, C], or defers where the size is not known.
inline Status infer_resize(OpContext& op, bool align_corners, bool half_pixel_centers) {
  CYGNET_TRY(expect_moved_type(op));
  CYGNET_TRY(expect_rank("input 0", op.input(0), 4));
  CYGNET_TRY(expect_type("input 1", op.input(1), {Type::int32}));
  CYGNET_TRY(expect_shape("input 1", op.input(1), Shape{2}));
  if (align_corners && half_pixel_centers)
    return bad_model("align_corners and half_pixel_centers are both set");
  const Shape& in = op.input(0).shape;
  if (in[1] < 1 || in[2] < 1)
    return bad_model("input 0: expected height and width of at least 1, got %s",
                     shape_text(in).text);
  if (!op.known(1)) return op.defer();
  const int64_t h = integer_at(op.input(1), 0);
  const int64_t w = integer_at(op.input(1), 1);
  CYGNET_TRY(expect_range("new height", h, 1, INT32_MAX));
  CYGNET_TRY(expect_range("new width", w, 1, INT32_MAX));
  return op.set_output(0, {in[0], static_cast<int32_t>(h), static_cast<int32_t>(w), in[3]});
}

}  // namespace cygnet::ops
