// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/status.h"

namespace cygnet {

/// Bounds the work of checking a file. Tables of a file may refer to the same list any number of
/// times, so that a small file can ask for the same million entries to be checked a million times.
class Budget {
 public:
  explicit Budget(int64_t entries) : left_(entries), total_(entries) {}

  /// Takes `entries` off; an error when there are not as many left.
  Status spend(int64_t entries) {
    if (entries <= left_) {
      left_ -= entries;
      return {};
    }
    return Status::error(Code::limit,
                         "C2: more than %lld list entries to check: lists refer to the same bytes",
                         static_cast<long long>(total_));
  }

 private:
  int64_t left_;
  int64_t total_;
};

/// Entries of scales, strings, sparse indices, operands and names that one model may have.
inline constexpr int64_t kMostEntries = int64_t{1} << 28;

}  // namespace cygnet
