// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_planner.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace cygnet::test {
namespace {

bool meet(const ArenaBlock& a, const ArenaBlock& b) {
  return a.first <= b.last && b.first <= a.last && a.offset < b.offset + b.bytes &&
         b.offset < a.offset + a.bytes;
}

std::vector<ArenaBlock> random_blocks(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<ArenaBlock> blocks(n);
  for (ArenaBlock& block : blocks) {
    block.first = static_cast<int32_t>(random() % n);
    block.last =
        std::min(static_cast<int32_t>(n) - 1, block.first + static_cast<int32_t>(random() % 6));
    block.bytes = static_cast<int64_t>(random() % 5000);
  }
  return blocks;
}

void check(const std::vector<ArenaBlock>& blocks, int64_t total) {
  int64_t sum = 0, busiest = 0;
  std::vector<int64_t> at_step(blocks.size() + 1);
  for (const ArenaBlock& block : blocks) {
    EXPECT_GE(block.offset, 0);
    EXPECT_EQ(block.offset % kArenaAlignment, 0);
    EXPECT_LE(block.offset + block.bytes, total);
    sum += block.bytes + kArenaAlignment;
    for (int32_t s = block.first; s <= block.last; ++s)
      busiest = std::max(busiest, at_step[static_cast<size_t>(s)] += block.bytes);
  }
  EXPECT_GE(total, busiest);
  EXPECT_LE(total, 2 * sum + kArenaAlignment);
}

TEST(PlanArena, BlocksInUseTogetherNeverOverlap) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::vector<ArenaBlock> blocks = random_blocks(1 + seed * 13, seed);
    int64_t total = 0;
    ASSERT_TRUE(plan_arena(blocks, &total).ok());
    check(blocks, total);
    for (size_t i = 0; i < blocks.size(); ++i)
      for (size_t j = 0; j < i; ++j) EXPECT_FALSE(meet(blocks[i], blocks[j])) << "seed " << seed;
  }
}

TEST(PlanArena, ThousandsOfBlocks) {
  std::vector<ArenaBlock> blocks = random_blocks(6000, 3);
  int64_t total = 0;
  ASSERT_TRUE(plan_arena(blocks, &total).ok());
  check(blocks, total);
  for (size_t i = 0; i < blocks.size(); ++i)
    for (size_t j = 0; j < i; ++j) ASSERT_FALSE(meet(blocks[i], blocks[j]));
}

TEST(PlanArena, SharesWhatIsFree) {
  std::vector<ArenaBlock> chain(10);
  for (int32_t i = 0; i < 10; ++i)
    chain[static_cast<size_t>(i)] = {.first = i, .last = i + 1, .bytes = 640};
  int64_t total = 0;
  ASSERT_TRUE(plan_arena(chain, &total).ok());
  EXPECT_EQ(total, 2 * 640);
}

TEST(PlanArena, SameBlocksSamePlan) {
  std::vector<ArenaBlock> a = random_blocks(300, 5), b = a;
  int64_t total = 0;
  ASSERT_TRUE(plan_arena(a, &total).ok());
  ASSERT_TRUE(plan_arena(b, &total).ok());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].offset, b[i].offset);
}

TEST(RuleP1, OverflowIsRefused) {
  std::vector<ArenaBlock> blocks(3);
  for (ArenaBlock& block : blocks) block = {.first = 0, .last = 1, .bytes = INT64_MAX / 3};
  int64_t total = 0;
  const Status status = plan_arena(blocks, &total);
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_EQ(std::string(status.message()).rfind("P1", 0), 0u) << status.message();
}

}  // namespace
}  // namespace cygnet::test
