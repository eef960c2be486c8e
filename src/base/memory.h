// SPDX-License-Identifier: Apache-2.0
// Every allocation of the library passes through here, so that one that fails becomes a Status and
// a test can make any of them fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace cygnet::base {

/// `bytes` bytes, aligned to 64; null when memory is short. 0 bytes give a valid pointer.
void* allocate(size_t bytes);
/// As allocate, zeroed.
void* allocate_zeroed(size_t bytes);
void release(void* memory);

/// Memory for containers, which can't report failure themselves: when the system has none left, a
/// small reserve answers and ran_short() becomes true for the calling thread; the drivers ask
/// for it after each step. Null only when the reserve is used up as well.
void* allocate_for_container(size_t bytes);
void release_for_container(void* memory);
/// Whether a container of this thread drew on the reserve since clear_ran_short().
bool ran_short();
void clear_ran_short();

/// Test hook, asked before each allocation; false makes it fail. Null: none.
using AllocationHook = bool (*)(size_t bytes);
void set_allocation_hook(AllocationHook hook);

/// An owned block of bytes.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Buffer() { release(data_); }

  /// Replaces the block by one of `bytes` bytes with undefined contents; false when memory is
  /// short (the block is then empty).
  [[nodiscard]] bool resize(size_t bytes);
  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace cygnet::base
