// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/memory.h"
#include "base/vector.h"

namespace cygnet::base {

/// Zeroed memory that is freed all at once.
class Pool {
 public:
  /// Aligned to 64; null when memory is short.
  void* take(size_t bytes);
  void clear();

 private:
  Vector<Buffer> blocks_;
  size_t used_ = 0;  ///< bytes of the last block
  size_t held_ = 0;  ///< bytes of all blocks
};

}  // namespace cygnet::base
