// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "base/status.h"
#include "base/vector.h"

namespace cygnet::base {

/// Threads that share one loop at a time. The caller is thread 0. Each thread has a part of the
/// tasks of its own, takes it in pieces, and then takes pieces of the others' parts; the caller
/// waits for no helper that has not begun, so a helper that gets no processor costs nothing.
class ThreadPool {
 public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// Starts threads − 1 helpers.
  Status start(int threads);
  int threads() const { return count_ + 1; }
  /// Calls body on slices of [0, tasks), several for a thread, on all threads; returns when all
  /// tasks are done. Slices begin at multiples of `grain`. Not from within a body.
  void run(int64_t tasks, int64_t grain, ParallelBody body, void* context);

 private:
  struct Helper {
    ThreadPool* pool;
    int index;
    pthread_t thread;
  };
  /// A thread's part of the tasks: what is left of [begin, end).
  struct alignas(64) Part {
    std::atomic<int64_t> next;
    int64_t end;
  };

  static void* entry(void* argument);
  void serve(int thread);
  bool join_loop(uint64_t* seen);
  void wait_for_work(uint64_t seen);
  void do_tasks(int thread);
  void wait_for_helpers();
  void stop();

  Helper* helpers_ = nullptr;
  Part* parts_ = nullptr;  ///< by thread
  int count_ = 0;
  int spins_ = 0;  ///< looks at state_ before going to sleep
  /// The number of the loop times 2^16, kOpen while there are tasks to take, and how many helpers
  /// are in it.
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<bool> quit_{false};
  std::atomic<bool> caller_sleeps_{false};
  ParallelBody body_ = nullptr;
  void* context_ = nullptr;
  int64_t piece_ = 1;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t start_ = PTHREAD_COND_INITIALIZER;
  pthread_cond_t done_ = PTHREAD_COND_INITIALIZER;
};

}  // namespace cygnet::base
