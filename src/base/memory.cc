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
// Its state is one word, so that threads never see one half of a change: the blocks in use in the
// upper 32 bits, the bytes taken since it started over in the lower ones.
constexpr size_t kReserveBytes = 128 * 1024;
constexpr uint64_t kOneBlock = uint64_t{1} << 32;
alignas(64) unsigned char reserve[kReserveBytes];
std::atomic<uint64_t> reserve_state{0};

bool in_reserve(const void* memory) {
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const auto base = reinterpret_cast<uintptr_t>(reserve);
  return address >= base && address < base + kReserveBytes;
}

void* take_from_reserve(size_t bytes) {
  if (bytes > kReserveBytes) return nullptr;
  const size_t rounded = bytes == 0 ? 64 : (bytes + 63) / 64 * 64;
  uint64_t state = reserve_state.load();
  for (;;) {
    const size_t offset = state % kOneBlock;
    if (offset + rounded > kReserveBytes) return nullptr;
    if (reserve_state.compare_exchange_weak(state, state + kOneBlock + rounded))
      return reserve + offset;
  }
}

void give_to_reserve() {
  uint64_t state = reserve_state.load();
  uint64_t after = 0;
  do {
    after = state - kOneBlock;
    if (after < kOneBlock) after = 0;
  } while (!reserve_state.compare_exchange_weak(state, after));
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
  give_to_reserve();
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
