// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <cstdint>

#include "base/status.h"
#include "base/vector.h"

namespace cygnet::base {

/// Threads that share one loop at a time. The caller is thread 0.
class ThreadPool {
 public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// Starts threads − 1 helpers.
  Status start(int threads);
  int threads() const { return count_ + 1; }
  /// Calls body on slices of [0, tasks) on all threads; returns when the last is done.
  void run(int64_t tasks, ParallelBody body, void* context);

 private:
  static void* entry(void* argument);
  void serve(int thread);
  void do_slice(int thread);
  void stop();

  struct Helper {
    ThreadPool* pool;
    int index;
    pthread_t thread;
  };
  Helper* helpers_ = nullptr;
  int count_ = 0;
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t start_ = PTHREAD_COND_INITIALIZER;
  pthread_cond_t done_ = PTHREAD_COND_INITIALIZER;
  uint64_t generation_ = 0;
  int running_ = 0;
  bool quit_ = false;
  ParallelBody body_ = nullptr;
  void* context_ = nullptr;
  int64_t tasks_ = 0;
};

}  // namespace cygnet::base
