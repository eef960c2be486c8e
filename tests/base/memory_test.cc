// SPDX-License-Identifier: Apache-2.0
#include "base/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace cygnet::base {
namespace {

// Makes every allocation fail while it lives.
class NoMemory {
 public:
  NoMemory() {
    set_allocation_hook([](size_t) { return false; });
  }
  ~NoMemory() { set_allocation_hook(nullptr); }
  NoMemory(const NoMemory&) = delete;
  NoMemory& operator=(const NoMemory&) = delete;
};

TEST(Memory, IsAligned) {
  for (size_t bytes : {0, 1, 63, 64, 65, 4097}) {
    void* memory = allocate(bytes);
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u) << bytes;
    if (bytes > 0) std::memset(memory, 1, bytes);
    release(memory);
  }
}

TEST(Memory, ZeroedIsZero) {
  auto* bytes = static_cast<uint8_t*>(allocate_zeroed(1000));
  ASSERT_NE(bytes, nullptr);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(bytes[i], 0);
  release(bytes);
}

TEST(Memory, MoreThanThereIsGivesNull) {
  EXPECT_EQ(allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(allocate(SIZE_MAX - 63), nullptr);
#if !defined(__SANITIZE_ADDRESS__)  // which ends the program instead
  EXPECT_EQ(allocate(size_t{1} << 62), nullptr);
#endif
  EXPECT_EQ(allocate_zeroed(SIZE_MAX), nullptr);
}

TEST(Memory, HookSeesSizesAndRefuses) {
  static size_t seen = 0;
  set_allocation_hook([](size_t bytes) {
    seen = bytes;
    return bytes < 100;
  });
  void* small = allocate(99);
  EXPECT_NE(small, nullptr);
  EXPECT_EQ(seen, 99u);
  EXPECT_EQ(allocate(100), nullptr);
  set_allocation_hook(nullptr);
  release(small);
}

TEST(Memory, ContainersDrawOnTheReserve) {
  clear_ran_short();
  void* plenty = allocate_for_container(100);
  EXPECT_FALSE(ran_short());
  void* last = nullptr;
  {
    const NoMemory none;
    last = allocate_for_container(100);
  }
  ASSERT_NE(last, nullptr);
  EXPECT_TRUE(ran_short());
  std::memset(last, 1, 100);
  bool elsewhere = true;
  std::thread([&] { elsewhere = ran_short(); }).join();
  EXPECT_FALSE(elsewhere) << "one thread's shortage is not another's";
  release_for_container(last);
  release_for_container(plenty);
  clear_ran_short();
  EXPECT_FALSE(ran_short());
}

TEST(Memory, ReserveEndsAndComesBack) {
  const NoMemory none;
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    while (void* block = allocate_for_container(1000)) {
      blocks.push_back(block);
      ASSERT_LT(blocks.size(), 100'000u);
    }
    EXPECT_GE(blocks.size(), 64u);
    for (void* block : blocks) release_for_container(block);
  }
  clear_ran_short();
}

TEST(Memory, ReserveRefusesWhatIsLargerThanItself) {
  const NoMemory none;
  EXPECT_EQ(allocate_for_container(1 << 20), nullptr);
  EXPECT_EQ(allocate_for_container(SIZE_MAX), nullptr);
  EXPECT_EQ(allocate_for_container(SIZE_MAX - 62), nullptr);
  void* small = allocate_for_container(64);
  EXPECT_NE(small, nullptr);
  release_for_container(small);
  clear_ran_short();
}

TEST(Buffer, OwnsItsBytes) {
  Buffer buffer;
  EXPECT_EQ(buffer.bytes(), 0u);
  ASSERT_TRUE(buffer.resize(10));
  std::memset(buffer.data(), 7, 10);
  Buffer moved(std::move(buffer));
  EXPECT_EQ(moved.bytes(), 10u);
  EXPECT_EQ(moved.data()[9], 7);
  EXPECT_EQ(buffer.bytes(), 0u);  // NOLINT(bugprone-use-after-move)
  EXPECT_FALSE(moved.resize(SIZE_MAX));
  EXPECT_EQ(moved.bytes(), 0u);
  EXPECT_EQ(moved.data(), nullptr);
}

}  // namespace
}  // namespace cygnet::base
