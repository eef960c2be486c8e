// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "base/io_error.h"

namespace cygnet::base {
namespace {

// The mappings that the signal handler looks through. A slot is free when `begin` is 0.
constexpr int kSlots = 1024;
struct Slot {
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> damaged{false};
};
Slot slots[kSlots];
struct sigaction previous_action;
std::atomic<int> handler_state{0};  // 0: not installed, 1: being installed, 2: installed

// Puts a page of zeros where a page of a mapped file is gone; other faults go to the handler that
// was there before. Async-signal-safe: mmap and atomics only.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (Slot& slot : slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= slot.end.load(std::memory_order_acquire))
      continue;
    const auto page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    void* page = reinterpret_cast<void*>(address / page_bytes * page_bytes);
    if (mmap(page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
      slot.damaged.store(true, std::memory_order_release);
      errno = saved_errno;
      return;
    }
  }
  if ((previous_action.sa_flags & SA_SIGINFO) != 0 && previous_action.sa_sigaction != nullptr)
    return previous_action.sa_sigaction(signal, info, context);
  if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN)
    return previous_action.sa_handler(signal);
  sigaction(signal, &previous_action, nullptr);  // the fault repeats and takes its usual course
}

void install_handler() {
  int expected = 0;
  if (handler_state.compare_exchange_strong(expected, 1)) {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_action);
    handler_state.store(2);
  }
  while (handler_state.load() != 2) {
  }
}

// Index of a slot that now covers [begin, end), −1 when all are taken.
int take_slot(uintptr_t begin, uintptr_t end) {
  for (int i = 0; i < kSlots; ++i) {
    uintptr_t expected = 0;
    if (slots[i].begin.load() != 0 ||
        !slots[i].begin.compare_exchange_strong(expected, UINTPTR_MAX))
      continue;
    slots[i].damaged.store(false);
    slots[i].end.store(end);
    slots[i].begin.store(begin);
    return i;
  }
  return -1;
}

// Closes a descriptor at the end of a scope.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

MappedFile::~MappedFile() {
  if (slot_ >= 0) slots[slot_].begin.store(0);
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), bytes_);
}

Status MappedFile::open(const char* path, int64_t max_bytes, MappedFile* file) {
  const Descriptor descriptor{::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.fd < 0) return io_error(path, "can't open", errno);
  struct stat info {};
  if (fstat(descriptor.fd, &info) != 0) return io_error(path, "can't read", errno);
  if (!S_ISREG(info.st_mode)) return Status::error(Code::io, "%s: not a regular file", path);
  if (info.st_size <= 0)
    return Status::error(Code::invalid_model, "%s: C1: the file is empty", path);
  if (info.st_size > max_bytes)
    return Status::error(Code::limit, "%s: %lld bytes exceed limit file_bytes (%lld)", path,
                         static_cast<long long>(info.st_size), static_cast<long long>(max_bytes));
  install_handler();
  const auto bytes = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor.fd, 0);
  if (data == MAP_FAILED) return io_error(path, "can't map", errno);
  MappedFile mapped;
  mapped.data_ = static_cast<const uint8_t*>(data);
  mapped.bytes_ = bytes;
  const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(data);
  mapped.slot_ = take_slot(begin, begin + (bytes + page_bytes - 1) / page_bytes * page_bytes);
  if (mapped.slot_ < 0)
    return Status::error(Code::limit, "%s: more than %d files mapped", path, kSlots);
  *file = std::move(mapped);
  return {};
}

bool MappedFile::intact() const {
  return slot_ < 0 || !slots[slot_].damaged.load(std::memory_order_acquire);
}

}  // namespace cygnet::base
