// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "edit/draft.h"

namespace cygnet {

/// Multiply-adds of the main subgraph with the shapes of the file, by the operators' own count; a
/// WHILE counts as one turn, an IF as its greater branch.
int64_t count_macs(const Draft& draft);

}  // namespace cygnet
