// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_planner.h"

#include <algorithm>
#include <bit>

#include "base/memory.h"
#include "base/vector.h"

namespace cygnet {
namespace {

constexpr size_t kGreedyBlocks = 4096;

Status too_large() {
  return Status::error(Code::limit, "P1: the arena's size overflows");
}

int64_t aligned(int64_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// The lowest offset where `block` fits between the blocks placed so far (sorted by offset) whose
// lifetimes meet its own.
int64_t lowest_gap(const ArenaBlock& block, const Vector<const ArenaBlock*>& placed) {
  int64_t offset = 0;
  for (const ArenaBlock* other : placed) {
    if (other->last < block.first || other->first > block.last) continue;
    if (other->offset >= offset + aligned(block.bytes)) break;
    offset = std::max(offset, other->offset + aligned(other->bytes));
  }
  return offset;
}

Status plan_greedy(std::span<ArenaBlock> blocks, int64_t* total) {
  Vector<ArenaBlock*> order;
  Vector<const ArenaBlock*> placed;
  if (!reserve_or_fail(order, blocks.size()) || !reserve_or_fail(placed, blocks.size()))
    return out_of_memory("memory plan", blocks.size() * sizeof(void*));
  for (ArenaBlock& block : blocks) order.push_back(&block);
  std::sort(order.begin(), order.end(), [](const ArenaBlock* a, const ArenaBlock* b) {
    if (a->bytes != b->bytes) return a->bytes > b->bytes;
    return a->first != b->first ? a->first < b->first : a < b;
  });
  for (ArenaBlock* block : order) {
    block->offset = lowest_gap(*block, placed);
    if (block->offset > INT64_MAX / 4) return too_large();
    *total = std::max(*total, block->offset + aligned(block->bytes));
    const auto after = std::upper_bound(
        placed.begin(), placed.end(), block->offset,
        [](int64_t offset, const ArenaBlock* other) { return offset < other->offset; });
    placed.insert(after, block);
  }
  return {};
}

Status plan_by_step(std::span<ArenaBlock> blocks, int64_t* total) {
  Vector<ArenaBlock*> starts, ends;
  if (!reserve_or_fail(starts, blocks.size()) || !reserve_or_fail(ends, blocks.size()))
    return out_of_memory("memory plan", blocks.size() * sizeof(void*));
  for (ArenaBlock& block : blocks) {
    starts.push_back(&block);
    ends.push_back(&block);
  }
  std::sort(starts.begin(), starts.end(), [](auto* a, auto* b) { return a->first < b->first; });
  std::sort(ends.begin(), ends.end(), [](auto* a, auto* b) { return a->last < b->last; });
  Vector<int64_t> free_lists[64];
  const auto size_class = [](const ArenaBlock* block) {
    return static_cast<int>(
        std::bit_width(static_cast<uint64_t>(std::max(block->bytes, kArenaAlignment)) - 1));
  };
  size_t expired = 0;
  for (ArenaBlock* block : starts) {
    for (; expired < ends.size() && ends[expired]->last < block->first; ++expired)
      free_lists[size_class(ends[expired])].push_back(ends[expired]->offset);
    const int c = size_class(block);
    if (!free_lists[c].empty()) {
      block->offset = free_lists[c].back();
      free_lists[c].pop_back();
      continue;
    }
    block->offset = *total;
    if (*total > INT64_MAX / 4) return too_large();
    *total += int64_t{1} << c;
  }
  return base::ran_short() ? out_of_memory("memory plan", blocks.size()) : Status();
}

}  // namespace

Status plan_arena(std::span<ArenaBlock> blocks, int64_t* total) {
  *total = 0;
  for (const ArenaBlock& block : blocks)
    if (block.bytes < 0 || block.bytes > INT64_MAX / 4) return too_large();
  return blocks.size() <= kGreedyBlocks ? plan_greedy(blocks, total) : plan_by_step(blocks, total);
}

}  // namespace cygnet
