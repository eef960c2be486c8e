// SPDX-License-Identifier: Apache-2.0
#include "base/pool.h"

#include <algorithm>

namespace cygnet::base {

// Large blocks have large pages, which are fewer to fault in; a block is at most as large as all
// before it, so that at most half of them lies idle.
void* Pool::take(size_t bytes) {
  constexpr size_t kLeast = size_t{1} << 14, kMost = size_t{1} << 24, kAlignment = 64;
  const size_t wanted = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (wanted < bytes) return nullptr;
  if (blocks_.empty() || blocks_.back().bytes() - used_ < wanted) {
    Buffer block;
    if (!reserve_or_fail(blocks_, blocks_.size() + 1) ||
        !block.resize(std::max(wanted, std::clamp(held_, kLeast, kMost))))
      return nullptr;
    held_ += block.bytes();
    blocks_.push_back(std::move(block));
    used_ = 0;
  }
  void* memory = blocks_.back().data() + used_;
  used_ += wanted;
  return memory;
}

void Pool::clear() {
  blocks_ = {};
  used_ = held_ = 0;
}

}  // namespace cygnet::base
