// SPDX-License-Identifier: Apache-2.0
#include "quantize/summary.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/cpu_features.h"

namespace cygnet {
namespace {

/// Columns and elements are taken in groups of so many, whatever the processor's vectors hold, so
/// that every processor adds in the same order.
constexpr int kGroup = 8;

template <int lanes>
struct Vectors {
  using F [[gnu::vector_size(4 * lanes)]] = float;
  using D [[gnu::vector_size(8 * lanes)]] = double;
  using I [[gnu::vector_size(4 * lanes)]] = int32_t;
};

/// The least and the largest element of what was seen, by lane.
struct Extent {
  float min[kGroup], max[kGroup];
};

/// Rows of `width` elements: widens `extent`, and adds to sums[width] the sums over the rows, four
/// rows in float first. Only whole groups of columns; returns how many columns these are.
template <int lanes>
[[gnu::always_inline]] inline size_t add_rows(const float* p, size_t rows, size_t width,
                                              double* sums, Extent* extent) {
  using F = typename Vectors<lanes>::F;
  using D = typename Vectors<lanes>::D;
  const size_t columns = width / kGroup * kGroup;
  const auto load = [](const float* from, F* v) { std::memcpy(v, from, sizeof(F)); };
  const auto add = [](double* to, const F& values) {
    D sum;
    std::memcpy(&sum, to, sizeof(sum));
    sum += __builtin_convertvector(values, D);
    std::memcpy(to, &sum, sizeof(sum));
  };
  F min, max;
  load(extent->min, &min);
  load(extent->max, &max);
  size_t r = 0;
  for (; r + 4 <= rows; r += 4, p += 4 * width) {
    for (size_t j = 0; j < columns; j += lanes) {
      F a, b, c, d;
      load(p + j, &a);
      load(p + width + j, &b);
      load(p + 2 * width + j, &c);
      load(p + 3 * width + j, &d);
      const F ab_min = a < b ? a : b, cd_min = c < d ? c : d;
      const F ab_max = a > b ? a : b, cd_max = c > d ? c : d;
      const F least = ab_min < cd_min ? ab_min : cd_min;
      const F largest = ab_max > cd_max ? ab_max : cd_max;
      min = least < min ? least : min;
      max = largest > max ? largest : max;
      add(sums + j, (a + b) + (c + d));
    }
  }
  for (; r < rows; ++r, p += width) {
    for (size_t j = 0; j < columns; j += lanes) {
      F a;
      load(p + j, &a);
      min = a < min ? a : min;
      max = a > max ? a : max;
      add(sums + j, a);
    }
  }
  std::memcpy(extent->min, &min, sizeof(min));
  std::memcpy(extent->max, &max, sizeof(max));
  return columns;
}

/// The bins of groups of elements; see count_bins.
template <int lanes>
[[gnu::always_inline]] inline void find_bins(const float* p, size_t groups, float factor,
                                             int32_t middle, int32_t* bins) {
  using F = typename Vectors<lanes>::F;
  using I = typename Vectors<lanes>::I;
  for (size_t i = 0; i < groups * kGroup; i += lanes) {
    F v;
    std::memcpy(&v, p + i, sizeof(v));
    v *= factor;
    const I truncated = __builtin_convertvector(v, I);
    const I floor = truncated + (__builtin_convertvector(truncated, F) > v);
    const I bin = floor + middle;
    std::memcpy(bins + i, &bin, sizeof(bin));
  }
}

size_t add_rows_plain(const float* p, size_t rows, size_t width, double* sums, Extent* extent) {
  return add_rows<4>(p, rows, width, sums, extent);
}
void find_bins_plain(const float* p, size_t groups, float factor, int32_t middle, int32_t* bins) {
  find_bins<4>(p, groups, factor, middle, bins);
}
#if defined(__x86_64__)
[[gnu::target("avx2")]] size_t add_rows_avx2(const float* p, size_t rows, size_t width,
                                             double* sums, Extent* extent) {
  return add_rows<8>(p, rows, width, sums, extent);
}
[[gnu::target("avx2")]] void find_bins_avx2(const float* p, size_t groups, float factor,
                                            int32_t middle, int32_t* bins) {
  find_bins<8>(p, groups, factor, middle, bins);
}
#endif

struct Loops {
  decltype(&add_rows_plain) add_rows = add_rows_plain;
  decltype(&find_bins_plain) find_bins = find_bins_plain;
};

const Loops& loops() {
  static const Loops chosen = [] {
#if defined(__x86_64__)
    if (detect_cpu_features().avx2) return Loops{add_rows_avx2, find_bins_avx2};
#endif
    return Loops{};
  }();
  return chosen;
}

/// Some elements are not finite: one by one.
void summarize_slowly(std::span<const float> values, TensorSummary* out) {
  out->channel_sums.clear();
  out->channel_count = 0;
  out->elements = 0;
  for (float v : values) {
    if (!std::isfinite(v)) continue;
    out->min = out->elements == 0 ? v : std::min(out->min, v);
    out->max = out->elements == 0 ? v : std::max(out->max, v);
    ++out->elements;
  }
  out->not_finite = static_cast<int64_t>(values.size()) - out->elements;
  if (out->elements == 0) out->min = out->max = 0;
}

}  // namespace

void summarize(std::span<const float> values, int64_t channels, TensorSummary* out) {
  *out = {.channel_sums = std::move(out->channel_sums)};
  const size_t n = values.size(), c = static_cast<size_t>(channels);
  out->channel_sums.assign(c, 0);
  if (n == 0) return;
  // Rows of several pixels where there are few channels, so that they are whole groups.
  constexpr size_t kWide = 64;
  size_t width = c < kWide * kGroup ? std::lcm(c, size_t{kGroup}) : c;
  while (width < kWide) width *= 2;
  const size_t rows = n / width;
  std::vector<double> row_sums;
  if (width != c) row_sums.assign(width, 0);
  double* sums = width != c ? row_sums.data() : out->channel_sums.data();

  Extent extent;
  std::fill_n(extent.min, kGroup, values[0]);
  std::fill_n(extent.max, kGroup, values[0]);
  const size_t columns = loops().add_rows(values.data(), rows, width, sums, &extent);
  float min = values[0], max = values[0];
  for (int i = 0; i < kGroup; ++i) {
    min = std::min(min, extent.min[i]);
    max = std::max(max, extent.max[i]);
  }
  const auto add_one = [&](size_t i, size_t column) {
    min = std::min(min, values[i]);
    max = std::max(max, values[i]);
    sums[column] += double{values[i]};
  };
  for (size_t r = 0; r < rows; ++r)
    for (size_t j = columns; j < width; ++j) add_one(r * width + j, j);
  for (size_t i = rows * width; i < n; ++i) add_one(i, i - rows * width);
  if (width != c)
    for (size_t j = 0; j < width; ++j) out->channel_sums[j % c] += sums[j];

  // NaN and infinities stay in sums, as do those of finite elements that are too large.
  const double total =
      std::accumulate(out->channel_sums.begin(), out->channel_sums.end(), double{0});
  if (!std::isfinite(total)) {
    out->not_finite = 1;
    return summarize_slowly(values, out);
  }
  // Which of −0 and +0 was met first is no matter.
  out->min = min + 0.0f;
  out->max = max + 0.0f;
  out->elements = static_cast<int64_t>(n);
  out->channel_count = static_cast<int64_t>(n / c);
}

namespace {

/// Elements that are found the bins of at a time.
constexpr size_t kBlock = 256;
/// Neighbours that are taken together: a cache line.
constexpr size_t kLine = 16;
/// Below this the tables cost more than they save.
constexpr size_t kFew = 4096;
constexpr size_t kMostBins = 4096;

/// Where the elements of a histogram fall.
struct Bins {
  float factor;
  int32_t middle;

  Bins(double limit, size_t count)
      : factor(static_cast<float>(static_cast<double>(count) / (2 * limit))),
        middle(static_cast<int32_t>(count / 2)) {}
  /// Calls count(i, bin) for each of n ≤ kBlock elements.
  template <class Count>
  void find(const float* values, size_t n, Count count) const {
    int32_t bins[kBlock];
    const size_t whole = n / kGroup * kGroup;
    loops().find_bins(values, n / kGroup, factor, middle, bins);
    for (size_t i = whole; i < n; ++i)
      bins[i] = static_cast<int32_t>(std::floor(values[i] * factor)) + middle;
    for (size_t i = 0; i < n; ++i) count(i, static_cast<size_t>(bins[i]));
  }
};

/// Calls take(elements, n) with blocks of n ≤ kBlock elements: of all, or, of more than
/// kMostCounted, of so many groups, one from each of as many equal spans.
template <class Take>
void each_block(std::span<const float> values, Take take) {
  if (values.size() <= kMostCounted) {
    for (size_t i = 0; i < values.size(); i += kBlock)
      take(values.data() + i, std::min(kBlock, values.size() - i));
    return;
  }
  constexpr size_t kSpans = kMostCounted / kLine;
  const size_t groups = values.size() / kLine;
  float block[kBlock];
  size_t filled = 0;
  uint32_t random = 1;
  for (size_t s = 0; s < kSpans; ++s) {
    const size_t begin = s * groups / kSpans, end = (s + 1) * groups / kSpans;
    // Which of its span is taken must not keep step with the tensor's rows or channels.
    random = random * 1664525u + 1013904223u;
    const size_t g = begin + (size_t{random} * (end - begin) >> 32);
    std::memcpy(block + filled, values.data() + g * kLine, kLine * sizeof(float));
    filled += kLine;
    if (filled == kBlock) {
      take(block, kBlock);
      filled = 0;
    }
  }
}

}  // namespace

void count_bins(std::span<const float> values, double limit, std::span<int64_t> bins) {
  const Bins where(limit, bins.size());
  if (values.size() <= kFew) {
    each_block(values, [&](const float* block, size_t n) {
      where.find(block, n, [&](size_t, size_t bin) { ++bins[bin]; });
    });
    return;
  }
  // Several tables, so that equal neighbours don't wait for each other.
  constexpr size_t kTables = 4;
  std::array<std::array<uint32_t, kMostBins>, kTables> tables;
  for (auto& table : tables) std::fill_n(table.begin(), bins.size(), 0u);
  each_block(values, [&](const float* block, size_t n) {
    where.find(block, n, [&](size_t i, size_t bin) { ++tables[i % kTables][bin]; });
  });
  for (size_t i = 0; i < bins.size(); ++i)
    bins[i] += int64_t{tables[0][i]} + tables[1][i] + tables[2][i] + tables[3][i];
}

}  // namespace cygnet
