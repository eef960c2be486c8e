// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#if !defined(__wasi__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "kernels/kernels.h"

/// What the tests of the kernels share: every tier of this CPU, buffers that end at a page which
/// nobody may touch, numbers from a fixed seed.
namespace cygnet {

/// Memory that ends at a page which nobody may touch.
class GuardedPages {
 public:
  explicit GuardedPages(size_t bytes) {
#if defined(__wasi__)
    // No page can be forbidden here: reads beyond the end go unseen.
    used_ = bytes;
    start_ = static_cast<uint8_t*>(std::malloc(used_ + 1));
    if (start_ == nullptr) std::abort();
#else
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    used_ = (bytes + page - 1) / page * page;
    mapped_ = used_ + page;
    void* start =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED ||
        mprotect(static_cast<uint8_t*>(start) + used_, page, PROT_NONE) != 0) {
      std::abort();
    }
    start_ = static_cast<uint8_t*>(start);
#endif
  }
#if defined(__wasi__)
  ~GuardedPages() { std::free(start_); }
#else
  ~GuardedPages() { munmap(start_, mapped_); }
#endif
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  uint8_t* data() const { return start_; }
  /// As much as was asked for, or more.
  size_t bytes() const { return used_; }

 private:
  uint8_t* start_ = nullptr;
  size_t used_ = 0;
  [[maybe_unused]] size_t mapped_ = 0;
};

/// `n` elements that end `slack_bytes` before an inaccessible page: a read or a write beyond them
/// ends the program. What lies before and between is 0xAA (for floats a tiny negative number that
/// no test uses), the elements too until they are set.
template <class T>
class Guarded {
 public:
  explicit Guarded(size_t n, size_t slack_bytes = 0)
      : size_(n), pages_(n * sizeof(T) + slack_bytes + kMargin) {
    std::memset(pages_.data(), kPoison, pages_.bytes());
    data_ = reinterpret_cast<T*>(pages_.data() + pages_.bytes() - n * sizeof(T) - slack_bytes);
  }
  explicit Guarded(const std::vector<T>& values, size_t slack_bytes = 0)
      : Guarded(values.size(), slack_bytes) {
    std::copy(values.begin(), values.end(), data_);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }
  const T& operator[](int64_t i) const { return data_[i]; }
  std::vector<T> values() const { return {data_, data_ + size_}; }

  /// Makes the elements poison again.
  void poison() { std::memset(data_, kPoison, size_ * sizeof(T)); }
  /// Whether element i was not written since.
  bool untouched(int64_t i) const {
    uint8_t bytes[sizeof(T)];
    std::memcpy(bytes, data_ + i, sizeof bytes);
    return std::all_of(bytes, bytes + sizeof bytes, [](uint8_t b) { return b == kPoison; });
  }
  /// Whether nothing was written before the first element.
  bool intact() const {
    const auto* end = reinterpret_cast<const uint8_t*>(data_);
    return std::all_of(end - kMargin, end, [](uint8_t b) { return b == kPoison; });
  }

 private:
  static constexpr uint8_t kPoison = 0xaa;
  static constexpr size_t kMargin = 128;
  size_t size_;
  GuardedPages pages_;
  T* data_ = nullptr;
};

/// The tables of every tier that this CPU and this build have, the plain one first.
inline std::vector<const KernelTable*> tiers() {
  std::vector<const KernelTable*> all;
  for (const Isa isa : kIsas) {
    if (const KernelTable* table = kernels_for(isa)) all.push_back(table);
  }
  return all;
}

/// A test that runs once on each tier.
class Kernels : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& table() const { return *GetParam(); }

  /// A number in [lo, hi].
  int64_t integer(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(random_() % static_cast<uint64_t>(hi - lo + 1));
  }
  float real(float lo, float hi) {
    return lo + (hi - lo) * static_cast<float>(random_() >> 40) * 0x1p-24f;
  }
  bool flip_coin() { return (random_() & 1) != 0; }
  float any_float() {
    const auto bits = static_cast<uint32_t>(random_());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  template <class T>
  void fill(Guarded<T>& to, int64_t lo, int64_t hi) {
    for (size_t i = 0; i < to.size(); ++i)
      to[static_cast<int64_t>(i)] = static_cast<T>(integer(lo, hi));
  }
  void fill_real(Guarded<float>& to, float lo, float hi) {
    for (size_t i = 0; i < to.size(); ++i) to[static_cast<int64_t>(i)] = real(lo, hi);
  }

 private:
  std::mt19937_64 random_{20240607};
};

/// Names the instances of a suite after their tiers.
inline std::string tier_name(const testing::TestParamInfo<const KernelTable*>& tested) {
  return tested.param->name;
}

inline constexpr float kInfinity = INFINITY;
inline constexpr float kNan = NAN;

/// Lengths 0 … 67 and some longer ones: every tail of the widest tier, with and without whole
/// parts.
inline std::vector<int64_t> lengths() {
  std::vector<int64_t> all;
  for (int64_t n = 0; n <= 67; ++n) all.push_back(n);
  for (const int64_t n : {100, 127, 128, 129, 255, 257, 1000}) all.push_back(n);
  return all;
}

/// NaN stays NaN; other numbers are limited.
inline float clamp_keeping_nan(float x, float lo, float hi) {
  return std::isnan(x) ? x : std::clamp(x, lo, hi);
}

/// Product of two floats rounded once, whatever the compiler would like to fuse.
inline float product(float a, float b) {
  return static_cast<float>(double{a} * double{b});
}
inline float sum(float a, float b) {
  return static_cast<float>(double{a} + double{b});
}

/// clamp(rint(v) + zero_point, lo, hi)
inline int32_t round_to(float v, int32_t zero_point, int32_t lo, int32_t hi) {
  const double rounded = std::nearbyint(double{v}) + zero_point;
  return static_cast<int32_t>(std::clamp(rounded, double(lo), double(hi)));
}

/// clamp(rint(float(acc)·scale) + zero_point, lo, hi)
inline int32_t requantized(int64_t acc, float scale, int32_t zero_point, int32_t lo, int32_t hi) {
  return round_to(product(static_cast<float>(acc), scale), zero_point, lo, hi);
}

inline testing::AssertionResult same_float(float a, float b) {
  uint32_t x, y;
  std::memcpy(&x, &a, 4);
  std::memcpy(&y, &b, 4);
  if (x == y || (std::isnan(a) && std::isnan(b))) return testing::AssertionSuccess();
  return testing::AssertionFailure() << a << " is not " << b;
}

}  // namespace cygnet
