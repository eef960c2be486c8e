// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace cygnet::test {
namespace {

TEST(ThreadPool, EveryTaskOnce) {
  for (int threads : {1, 2, 3, 7})
    for (int64_t tasks : {0, 1, 2, 5, 1000}) {
      base::ThreadPool pool;
      ASSERT_TRUE(pool.start(threads).ok());
      std::vector<std::atomic<int>> done(static_cast<size_t>(tasks));
      for (int round = 0; round < 20; ++round)
        pool.run(
            tasks,
            [](void* context, int64_t begin, int64_t end, int thread) {
              EXPECT_GE(thread, 0);
              for (int64_t i = begin; i < end; ++i)
                ++(*static_cast<std::vector<std::atomic<int>>*>(context))[static_cast<size_t>(i)];
            },
            &done);
      for (const auto& count : done) EXPECT_EQ(count, 20);
    }
}

}  // namespace
}  // namespace cygnet::test
