// SPDX-License-Identifier: Apache-2.0
#include "graph/limits.h"

#include <unistd.h>

#include <algorithm>

namespace cygnet {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;

int64_t half_of_ram() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES);
  const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && page_bytes > 0 ? pages * page_bytes / 2 : kGiB;
}

}  // namespace

Limits Limits::standard() {
  return {.file_bytes = 64 * kGiB,
          .flatbuffer_bytes = 2 * kGiB - 2,
          .memory_bytes = std::min(half_of_ram(), 16 * kGiB),
          .tensor_elements = INT32_MAX,
          .tensors = 1'000'000,
          .operators = 1'000'000,
          .buffers = 1'000'000,
          .subgraphs = 10'000,
          .operands = 65'536,
          .import_factor = 8,
          .import_bytes = kGiB,
          .fold_bytes = 256 * kMiB,
          .call_depth = 32,
          .loop_iterations = 0,
          .invoke_ms = 0,
          .macs = 0,
          .threads = INT32_MAX,
          .custom_operators = true,
          .external_files = true};
}

Limits Limits::untrusted() {
  return {.file_bytes = kGiB,
          .flatbuffer_bytes = 256 * kMiB,
          .memory_bytes = std::min(half_of_ram(), 512 * kMiB),
          .tensor_elements = int64_t{1} << 28,
          .tensors = 100'000,
          .operators = 50'000,
          .buffers = 100'000,
          .subgraphs = 256,
          .operands = 4'096,
          .import_factor = 4,
          .import_bytes = 256 * kMiB,
          .fold_bytes = 32 * kMiB,
          .call_depth = 8,
          .loop_iterations = 1'000'000,
          .invoke_ms = 10'000,
          .macs = 1'000'000'000'000,
          .threads = 4,
          .custom_operators = false,
          .external_files = false};
}

bool Limits::from_name(std::string_view name, Limits* limits) {
  if (name == "default") {
    *limits = standard();
  } else if (name == "untrusted") {
    *limits = untrusted();
  } else {
    return false;
  }
  return true;
}

}  // namespace cygnet
