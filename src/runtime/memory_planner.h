// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cygnet {

/// Alignment of every block of the arena, in bytes.
inline constexpr int64_t kArenaAlignment = 64;

/// Memory of one tensor (or scratch) in the arena: bytes [offset, offset + bytes), in use from step
/// `first` to step `last`, both included.
struct ArenaBlock {
  int32_t tensor = -1;  ///< −1: scratch
  int32_t first = 0;
  int32_t last = 0;
  int64_t bytes = 0;
  int64_t offset = -1;
};

/// Gives each block an offset, a multiple of kArenaAlignment, such that blocks in use at the same
/// step do not overlap; `total` is the size of the arena they need. Large blocks first, each at the
/// lowest offset that is free for its lifetime (greedy by size: Pisarchyk and Lee, "Efficient
/// memory management for deep neural net inference", 2020). For thousands of blocks the time this
/// takes would grow with their square; then blocks are placed in the order of their steps, from
/// free lists by size class.
Status plan_arena(std::span<ArenaBlock> blocks, int64_t* total);

}  // namespace cygnet
