// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <new>

#include "base/memory.h"

namespace cygnet::base {
namespace {

constexpr uint64_t kOpen = 1 << 15;
constexpr uint64_t kHelpers = kOpen - 1;  // mask
constexpr int kNumberShift = 16;
// Pieces of a thread's part: enough for others to help with, few enough to cost little.
constexpr int64_t kPieces = 8;
// Some tens of microseconds: about what it takes to wake a thread.
constexpr int kSpins = 1000;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Processors that this process may use.
int processors() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::min<long>(sysconf(_SC_NPROCESSORS_ONLN), 1024));
}

}  // namespace

ThreadPool::~ThreadPool() {
  stop();
}

Status ThreadPool::start(int threads) {
  stop();
  if (threads <= 1) return {};
  const auto n = static_cast<size_t>(threads);
  helpers_ = static_cast<Helper*>(allocate_zeroed(sizeof(Helper) * (n - 1)));
  parts_ = static_cast<Part*>(allocate_zeroed(sizeof(Part) * n));
  if (helpers_ == nullptr || parts_ == nullptr) {
    stop();
    return out_of_memory("threads", (sizeof(Helper) + sizeof(Part)) * n);
  }
  for (size_t i = 0; i < n; ++i) new (&parts_[i]) Part();
  spins_ = processors() >= threads ? kSpins : 0;
  for (int i = 0; i < threads - 1; ++i) {
    helpers_[i].pool = this;
    helpers_[i].index = i + 1;
    const int error = pthread_create(&helpers_[i].thread, nullptr, entry, &helpers_[i]);
    if (error != 0) {
      stop();
      return Status::error(Code::out_of_memory, "P4: thread %d of %d can't be started (error %d)",
                           i + 2, threads, error);
    }
    ++count_;
  }
  return {};
}

void ThreadPool::stop() {
  quit_ = true;
  pthread_mutex_lock(&mutex_);
  pthread_cond_broadcast(&start_);
  pthread_mutex_unlock(&mutex_);
  for (int i = 0; i < count_; ++i) pthread_join(helpers_[i].thread, nullptr);
  release(helpers_);
  release(parts_);
  helpers_ = nullptr;
  parts_ = nullptr;
  count_ = 0;
  quit_ = false;
}

void* ThreadPool::entry(void* argument) {
  const auto* helper = static_cast<const Helper*>(argument);
  helper->pool->serve(helper->index);
  return nullptr;
}

void ThreadPool::serve(int thread) {
  uint64_t seen = 0;
  while (!quit_.load(std::memory_order_relaxed)) {
    if (!join_loop(&seen)) {
      wait_for_work(seen);
      continue;
    }
    do_tasks(thread);
    const uint64_t before = state_.fetch_sub(1);
    if ((before & (kHelpers | kOpen)) == 1 && caller_sleeps_.load()) {
      pthread_mutex_lock(&mutex_);
      pthread_cond_signal(&done_);
      pthread_mutex_unlock(&mutex_);
    }
  }
}

// Becomes one of the helpers of the open loop, unless that is number `seen` or there is none.
bool ThreadPool::join_loop(uint64_t* seen) {
  uint64_t state = state_.load();
  while ((state & kOpen) != 0 && state >> kNumberShift != *seen)
    if (state_.compare_exchange_weak(state, state + 1)) {
      *seen = state >> kNumberShift;
      return true;
    }
  return false;
}

// Returns when a loop other than number `seen` may be open, or to quit.
void ThreadPool::wait_for_work(uint64_t seen) {
  const auto idle = [&] {
    const uint64_t state = state_.load();
    return !quit_.load() && ((state & kOpen) == 0 || state >> kNumberShift == seen);
  };
  for (int i = 0; i < spins_; ++i) {
    if (!idle()) return;
    pause();
  }
  pthread_mutex_lock(&mutex_);
  ++sleepers_;
  while (idle()) pthread_cond_wait(&start_, &mutex_);
  --sleepers_;
  pthread_mutex_unlock(&mutex_);
}

void ThreadPool::do_tasks(int thread) {
  const int n = threads();
  for (int k = 0; k < n; ++k) {
    Part& part = parts_[(thread + k) % n];
    while (part.next.load(std::memory_order_relaxed) < part.end) {
      const int64_t begin = part.next.fetch_add(piece_);
      if (begin < part.end) body_(context_, begin, std::min(begin + piece_, part.end), thread);
    }
  }
}

void ThreadPool::run(int64_t tasks, int64_t grain, ParallelBody body, void* context) {
  if (count_ == 0 || tasks <= grain) {
    if (tasks > 0) body(context, 0, tasks, 0);
    return;
  }
  const int64_t n = threads();
  body_ = body;
  context_ = context;
  const int64_t grains = (tasks + grain - 1) / grain;
  piece_ = std::max<int64_t>(1, grains / (n * kPieces)) * grain;
  for (int64_t t = 0; t < n; ++t) {
    parts_[t].next.store(grains * t / n * grain, std::memory_order_relaxed);
    parts_[t].end = std::min(grains * (t + 1) / n * grain, tasks);
  }
  const uint64_t number = (state_.load(std::memory_order_relaxed) >> kNumberShift) + 1;
  state_.store(number << kNumberShift | kOpen);
  if (sleepers_.load() > 0) {
    pthread_mutex_lock(&mutex_);
    pthread_cond_broadcast(&start_);
    pthread_mutex_unlock(&mutex_);
  }
  do_tasks(0);
  state_.fetch_and(~kOpen);
  wait_for_helpers();
}

// Returns when no helper is in the loop, which is closed.
void ThreadPool::wait_for_helpers() {
  const auto busy = [&] { return (state_.load() & kHelpers) != 0; };
  for (int i = 0; i < spins_; ++i) {
    if (!busy()) return;
    pause();
  }
  if (!busy()) return;
  pthread_mutex_lock(&mutex_);
  caller_sleeps_ = true;
  while (busy()) pthread_cond_wait(&done_, &mutex_);
  caller_sleeps_ = false;
  pthread_mutex_unlock(&mutex_);
}

}  // namespace cygnet::base
