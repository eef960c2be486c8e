// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/mapped_file.h"
#include "base/status.h"
#include "base/vector.h"

namespace cygnet {

/// Packed weights, found by a hash of all that they are made of.
struct PackedItem {
  uint64_t made_of = 0;
  const void* data = nullptr;
  size_t bytes = 0;
};

/// Packed weights can be read this far past their end.
inline constexpr size_t kPackedSlack = 64;

/// A file of packed weights: a header, a table of items and their bytes, in the byte order of the
/// machine. Only what the same build of the library wrote is read, and only if its hashes are
/// right.
class WeightsCache {
 public:
  /// Maps a file. False where there is none, or it is not used.
  bool open(const char* path);
  bool is_open() const { return records_ != nullptr; }
  /// The bytes of an item, 64-byte aligned; null where the file does not have it.
  const void* find(uint64_t made_of, size_t bytes) const;
  /// False once the file was truncated while it was in use.
  bool intact() const { return file_.intact(); }

  /// Writes a file: a new one, which then takes the place of an old one.
  static Status write(const char* path, const Vector<PackedItem>& items);

 private:
  struct Header;
  struct Record;

  base::MappedFile file_;
  const Record* records_ = nullptr;
  size_t count_ = 0;
};

}  // namespace cygnet
