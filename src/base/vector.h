// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <new>
#include <utility>

#include "base/memory.h"

namespace cygnet {

/// A growing array with the members of std::vector that the library uses; std::vector itself would
/// need the C++ runtime library, to throw. Memory comes from allocate_for_container, so a failed
/// allocation becomes a Status (base::ran_short) at the driver's next step. Before a size that a
/// file dictates, call reserve_or_fail.
template <class T>
class Vector {
 public:
  using value_type = T;
  using size_type = size_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;

  Vector() = default;
  explicit Vector(size_t n) { resize(n); }
  Vector(size_t n, const T& value) { assign(n, value); }
  Vector(std::initializer_list<T> values) { insert(end(), values); }
  Vector(const Vector& other) { insert(end(), other.begin(), other.end()); }
  Vector(Vector&& other) noexcept { swap(other); }
  Vector& operator=(const Vector& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  Vector& operator=(Vector&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Vector() {
    clear();
    if (data_ != nullptr) base::release_for_container(data_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  const T* begin() const { return data_; }
  T* end() { return data_ + size_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& front() { return data_[0]; }
  const T& front() const { return data_[0]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }

  void swap(Vector& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  /// Makes room for n elements.
  void reserve(size_t n) {
    if (n > capacity_) move_to(n);
  }

  /// Constructs an element at the end. The arguments may refer to elements of this vector.
  template <class... Args>
  T& emplace_back(Args&&... args) {
    if (size_ < capacity_) return *new (data_ + size_++) T(std::forward<Args>(args)...);
    T value(std::forward<Args>(args)...);
    grow_for(1);
    return *new (data_ + size_++) T(std::move(value));
  }
  void push_back(const T& value) { emplace_back(value); }
  void push_back(T&& value) { emplace_back(std::move(value)); }
  void pop_back() { data_[--size_].~T(); }

  void clear() { shrink(0); }

  /// New elements are value-initialized, or copies of `value`.
  void resize(size_t n) {
    shrink(n);
    reserve(n);
    while (size_ < n) new (data_ + size_++) T();
  }
  void resize(size_t n, const T& value) {
    shrink(n);
    T copy(value);
    reserve(n);
    while (size_ < n) new (data_ + size_++) T(copy);
  }

  void assign(size_t n, const T& value) {
    T copy(value);
    clear();
    resize(n, copy);
  }
  /// The range lies outside of this vector.
  template <std::forward_iterator It>
  void assign(It first, It last) {
    clear();
    insert(end(), first, last);
  }

  /// Inserts before `at`; returns the first inserted element. The range lies outside of this
  /// vector.
  template <std::forward_iterator It>
  T* insert(const T* at, It first, It last) {
    const auto n = static_cast<size_t>(std::distance(first, last));
    T* gap = open_gap(at, n);
    for (T* to = gap; first != last; ++first, ++to) new (to) T(*first);
    return gap;
  }
  T* insert(const T* at, std::initializer_list<T> values) {
    return insert(at, values.begin(), values.end());
  }
  T* insert(const T* at, T value) { return new (open_gap(at, 1)) T(std::move(value)); }

  /// Removes one element; returns the one behind it.
  T* erase(const T* at) {
    T* to = data_ + (at - data_);
    for (T* from = to + 1; from < end(); ++from) from[-1] = std::move(*from);
    pop_back();
    return to;
  }

 private:
  void shrink(size_t n) {
    for (size_t i = n; i < size_; ++i) data_[i].~T();
    if (n < size_) size_ = n;
  }

  void grow_for(size_t n) {
    constexpr size_t kFirst = 4;
    const size_t least = size_ + n;
    if (least > capacity_)
      move_to(least > 2 * capacity_ ? (least > kFirst ? least : kFirst) : 2 * capacity_);
  }

  void move_to(size_t n) {
    T* to = static_cast<T*>(base::allocate_for_container(n * sizeof(T)));
    for (size_t i = 0; i < size_; ++i) {
      new (to + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    if (data_ != nullptr) base::release_for_container(data_);
    data_ = to;
    capacity_ = n;
  }

  // n unconstructed elements before `at`, counted as part of the vector.
  T* open_gap(const T* at, size_t n) {
    const auto index = static_cast<size_t>(at - data_);
    grow_for(n);
    for (size_t i = size_; i-- > index;) {
      new (data_ + i + n) T(std::move(data_[i]));
      data_[i].~T();
    }
    size_ += n;
    return data_ + index;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

/// Makes room for n elements; false, and nothing changed, when memory is short.
template <class T>
[[nodiscard]] bool reserve_or_fail(Vector<T>& vector, size_t n) {
  if (n <= vector.capacity()) return true;
  void* probe = base::allocate(n * sizeof(T));
  base::release(probe);
  if (probe == nullptr) return false;
  vector.reserve(n);
  return true;
}

}  // namespace cygnet
