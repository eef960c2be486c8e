// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace cygnet::base {
namespace {

std::atomic<AllocationHook> allocation_hook{nullptr};
thread_local bool drew_on_reserve = false;

// The reserve is a bump allocator that starts over when everything taken from it was given back.
constexpr size_t kReserveBytes = 128 * 1024;
alignas(64) unsigned char reserve[kReserveBytes];
std::atomic<size_t> reserve_used{0};
std::atomic<size_t> reserve_live{0};

bool in_reserve(const void* memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const auto base = reinterpret_cast<uintptr_t>(reserve);
  return address >= base && address < base + kReserveBytes;
}

void* take_from_reserve(size_t bytes) {
  const size_t rounded = (bytes + 63) / 64 * 64;
  reserve_live.fetch_add(1);
  const size_t offset = reserve_used.fetch_add(rounded);
  if (offset + rounded <= kReserveBytes) return reserve + offset;
  reserve_used.fetch_sub(rounded);
  reserve_live.fetch_sub(1);
  return nullptr;
}

}  // namespace

void* allocate(size_t bytes) {
  const AllocationHook hook = allocation_hook.load(std::memory_order_relaxed);
  if (hook != nullptr && !hook(bytes)) return nullptr;
  if (bytes > SIZE_MAX - 64) return nullptr;
  const size_t rounded = (bytes + 63) / 64 * 64;
  return std::aligned_alloc(64, rounded == 0 ? 64 : rounded);
}

void* allocate_zeroed(size_t bytes) {
  void* memory = allocate(bytes);
  if (memory != nullptr) std::memset(memory, 0, bytes);
  return memory;
}

void release(void* memory) {
  std::free(memory);
}

void* allocate_for_container(size_t bytes) {
  void* memory = allocate(bytes);
  if (memory != nullptr) return memory;
  drew_on_reserve = true;
  return take_from_reserve(bytes);
}

void release_for_container(void* memory) {
  if (!in_reserve(memory)) return release(memory);
  if (reserve_live.fetch_sub(1) == 1) reserve_used.store(0);
}

bool ran_short() {
  return drew_on_reserve;
}
void clear_ran_short() {
  drew_on_reserve = false;
}

void set_allocation_hook(AllocationHook hook) {
  allocation_hook.store(hook);
}

bool Buffer::resize(size_t bytes) {
  release(data_);
  bytes_ = 0;
  data_ = base::allocate(bytes);
  if (data_ == nullptr) return false;
  bytes_ = bytes;
  return true;
}

}  // namespace cygnet::base
