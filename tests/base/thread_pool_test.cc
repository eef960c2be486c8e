// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cygnet::test {
namespace {

TEST(ThreadPool, EveryTaskOnce) {
  for (int threads : {1, 2, 3, 7})
    for (int64_t tasks : {0, 1, 2, 5, 1000})
      for (int64_t grain : {1, 3, 64}) {
        base::ThreadPool pool;
        ASSERT_TRUE(pool.start(threads).ok());
        struct Loop {
          std::vector<std::atomic<int>> done;
          int64_t grain;
        } loop{std::vector<std::atomic<int>>(static_cast<size_t>(tasks)), grain};
        for (int round = 0; round < 20; ++round)
          pool.run(
              tasks, grain,
              [](void* context, int64_t begin, int64_t end, int thread) {
                auto& l = *static_cast<Loop*>(context);
                EXPECT_GE(thread, 0);
                EXPECT_EQ(begin % l.grain, 0);
                for (int64_t i = begin; i < end; ++i) ++l.done[static_cast<size_t>(i)];
              },
              &loop);
        for (const auto& count : loop.done) EXPECT_EQ(count, 20);
      }
}

// Threads that sleep between loops are woken; what a loop wrote is there when it has ended.
TEST(ThreadPool, LoopsWithPausesBetween) {
  base::ThreadPool pool;
  ASSERT_TRUE(pool.start(4).ok());
  std::vector<int> values(997);
  for (int round = 1; round <= 200; ++round) {
    if (round % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    pool.run(
        static_cast<int64_t>(values.size()), 1,
        [](void* context, int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i)
            ++(*static_cast<std::vector<int>*>(context))[static_cast<size_t>(i)];
        },
        &values);
    for (int value : values) ASSERT_EQ(value, round);
  }
}

// The caller does all that a helper does not begin.
TEST(ThreadPool, NobodyWaitsForAHelperThatIsElsewhere) {
  base::ThreadPool pool;
  ASSERT_TRUE(pool.start(2).ok());
  std::atomic<int> slow{0};
  pool.run(
      64, 1,
      [](void* context, int64_t begin, int64_t end, int thread) {
        // The helper keeps its first piece until all others are done.
        auto& done = *static_cast<std::atomic<int>*>(context);
        const int mine = static_cast<int>(end - begin);
        if (thread == 1)
          while (done.load() < 64 - mine) std::this_thread::yield();
        done += mine;
      },
      &slow);
  EXPECT_EQ(slow, 64);
}

}  // namespace
}  // namespace cygnet::test
