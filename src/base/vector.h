// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/memory.h"

namespace cygnet {
namespace base {

/// Allocator of Vector: see allocate_for_container.
template <class T> struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class U> Allocator(const Allocator<U>&) {}
  T* allocate(size_t n) { return static_cast<T*>(allocate_for_container(n * sizeof(T))); }
  void deallocate(T* p, size_t) { release_for_container(p); }
  template <class U> bool operator==(const Allocator<U>&) const { return true; }
};

}  // namespace base

/// std::vector whose failed allocations become a Status (base::ran_short) at the driver's next
/// step. Before a size that a file dictates, call reserve_or_fail.
template <class T> using Vector = std::vector<T, base::Allocator<T>>;

/// Makes room for n elements; false, and nothing changed, when memory is short.
template <class T> [[nodiscard]] bool reserve_or_fail(Vector<T>& vector, size_t n) {
  if (n <= vector.capacity()) return true;
  void* probe = base::allocate(n * sizeof(T));
  base::release(probe);
  if (probe == nullptr) return false;
  vector.reserve(n);
  return true;
}

}  // namespace cygnet
