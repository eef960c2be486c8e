// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/status.h"

namespace cygnet::base {

/// A file mapped read-only. Reading past the end of a file that was truncated while mapped normally
/// kills the process (SIGBUS); here the missing pages read as zero and intact() becomes false.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        slot_(std::exchange(other.slot_, -1)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~MappedFile();

  /// Maps a regular file of at most max_bytes. Errors name the path.
  static Status open(const char* path, int64_t max_bytes, MappedFile* file);

  std::span<const uint8_t> bytes() const { return {data_, bytes_}; }
  /// False once a page of the mapping was found missing.
  bool intact() const;

 private:
  const uint8_t* data_ = nullptr;
  size_t bytes_ = 0;
  int slot_ = -1;  ///< in the table that the signal handler reads
};

}  // namespace cygnet::base
