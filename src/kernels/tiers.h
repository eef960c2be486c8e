// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

/// What each ISA's translation unit gives to the table: fill() overwrites the entries that the tier
/// does better than the tiers below it.
namespace cygnet {

namespace isa_scalar {
void fill(KernelTable& t);
}

}  // namespace cygnet
