// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "cli/image.h"

namespace cygnet::cli {

/// The orientation that an Exif block gives (JPEG's APP1 marker, from "Exif" on): 1 to 8, and 1 (as
/// stored) where there is none or the block is malformed. Source: Exif 2.3, CIPA DC-008, 4.6.
int exif_orientation(std::span<const uint8_t> block);

/// The picture as a camera held it: turned or mirrored by an Exif orientation of 1 to 8.
Image upright(const Image& image, int orientation);

}  // namespace cygnet::cli
