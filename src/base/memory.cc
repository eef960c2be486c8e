// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

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

namespace {

// Blocks are what malloc and calloc give, from the first multiple of 64 that leaves room before it
// for where they begin. calloc has fresh pages from the system without writing to them.
constexpr size_t kAlignment = 64, kRoom = kAlignment + sizeof(void*);

bool may_allocate(size_t bytes) {
  const AllocationHook hook = allocation_hook.load(std::memory_order_relaxed);
  return (hook == nullptr || hook(bytes)) && bytes <= SIZE_MAX - kRoom;
}

// Large blocks in pages of 2 MiB, where the system has them for the asking: fewer page faults, and
// fewer misses of the address cache while weights stream through.
void prefer_large_pages([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr size_t kPage = size_t{1} << 21;
  const auto first = (reinterpret_cast<uintptr_t>(block) + kPage - 1) / kPage * kPage;
  const auto last = (reinterpret_cast<uintptr_t>(block) + bytes) / kPage * kPage;
  if (block != nullptr && bytes >= 2 * kPage && first < last)
    madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

void* aligned_in(void* block) {
  if (block == nullptr) return nullptr;
  const auto first = reinterpret_cast<uintptr_t>(block) + sizeof(void*);
  auto* memory = static_cast<unsigned char*>(block) + sizeof(void*) +
                 (kAlignment - first % kAlignment) % kAlignment;
  std::memcpy(memory - sizeof(void*), &block, sizeof(void*));
  return memory;
}

}  // namespace

void* allocate(size_t bytes) {
  return may_allocate(bytes) ? aligned_in(std::malloc(bytes + kRoom)) : nullptr;
}

void* allocate_zeroed(size_t bytes) {
  if (!may_allocate(bytes)) return nullptr;
  void* block = std::calloc(1, bytes + kRoom);
  prefer_large_pages(block, bytes + kRoom);
  return aligned_in(block);
}

void release(void* memory) {
  if (memory == nullptr) return;
  void* block = nullptr;
  std::memcpy(&block, static_cast<unsigned char*>(memory) - sizeof(void*), sizeof(void*));
  std::free(block);
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
  data_ = base::allocate_zeroed(bytes);
  if (data_ == nullptr) return false;
  bytes_ = bytes;
  return true;
}

}  // namespace cygnet::base
