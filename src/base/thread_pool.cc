// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include "base/memory.h"

namespace cygnet::base {

ThreadPool::~ThreadPool() {
  stop();
}

Status ThreadPool::start(int threads) {
  stop();
  if (threads <= 1) return {};
  helpers_ =
      static_cast<Helper*>(allocate_zeroed(sizeof(Helper) * static_cast<size_t>(threads - 1)));
  if (helpers_ == nullptr)
    return out_of_memory("threads", sizeof(Helper) * static_cast<size_t>(threads - 1));
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
  if (helpers_ == nullptr) return;
  pthread_mutex_lock(&mutex_);
  quit_ = true;
  pthread_cond_broadcast(&start_);
  pthread_mutex_unlock(&mutex_);
  for (int i = 0; i < count_; ++i) pthread_join(helpers_[i].thread, nullptr);
  release(helpers_);
  helpers_ = nullptr;
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
  pthread_mutex_lock(&mutex_);
  while (true) {
    while (!quit_ && generation_ == seen) pthread_cond_wait(&start_, &mutex_);
    if (quit_) break;
    seen = generation_;
    pthread_mutex_unlock(&mutex_);
    do_slice(thread);
    pthread_mutex_lock(&mutex_);
    if (--running_ == 0) pthread_cond_signal(&done_);
  }
  pthread_mutex_unlock(&mutex_);
}

void ThreadPool::do_slice(int thread) {
  const int64_t n = threads();
  const int64_t begin = tasks_ * thread / n;
  const int64_t end = tasks_ * (thread + 1) / n;
  if (begin < end) body_(context_, begin, end, thread);
}

void ThreadPool::run(int64_t tasks, ParallelBody body, void* context) {
  if (count_ == 0 || tasks <= 1) {
    if (tasks > 0) body(context, 0, tasks, 0);
    return;
  }
  pthread_mutex_lock(&mutex_);
  body_ = body;
  context_ = context;
  tasks_ = tasks;
  running_ = count_;
  ++generation_;
  pthread_cond_broadcast(&start_);
  pthread_mutex_unlock(&mutex_);
  do_slice(0);
  pthread_mutex_lock(&mutex_);
  while (running_ != 0) pthread_cond_wait(&done_, &mutex_);
  pthread_mutex_unlock(&mutex_);
}

}  // namespace cygnet::base
