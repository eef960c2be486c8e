// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "edit/patch.h"

namespace cygnet {

/// A factor and an offset for each channel of [N, H, W, C] that no layer took in (batch
/// normalization in front of an activation) become a DEPTHWISE_CONV_2D of one element a channel: on
/// integers that rounds once instead of twice, and each channel has a scale of its own. Names of
/// results stay. Returns how many there were.
int affine_to_depthwise(Draft& draft, const OpRegistry& registry);

}  // namespace cygnet
