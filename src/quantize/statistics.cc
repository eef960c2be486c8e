// SPDX-License-Identifier: Apache-2.0
#include "quantize/statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cygnet {
namespace {

/// The least power of two above `largest` ≥ 0; not below a bound under which all counts as zero.
double limit_above(double largest) {
  constexpr int kLeastExponent = -96;
  int exponent = kLeastExponent;
  if (largest > 0) std::frexp(largest, &exponent);
  return std::ldexp(1.0, std::max(exponent, kLeastExponent));
}

/// Sums by channel; unknown where one of them is, or their numbers differ.
void add_channels(std::vector<double>* sums, int64_t* count, const std::vector<double>& more,
                  int64_t more_count) {
  if (sums->size() != more.size()) {
    sums->clear();
    *count = 0;
    return;
  }
  for (size_t c = 0; c < more.size(); ++c) (*sums)[c] += more[c];
  *count += more_count;
}

}  // namespace

void TensorStatistics::widen(double to) {
  if (bins.empty()) {
    bins.assign(kBins, 0);
    limit = to;
  }
  if (to <= limit) return;
  const int shift = std::ilogb(to) - std::ilogb(limit);
  constexpr int kMiddle = kBins / 2;
  // A bin never moves away from the middle, so none is read after it was written.
  for (int i = kMiddle; i < kBins; ++i) {
    const int64_t n = std::exchange(bins[size_t(i)], 0);
    bins[size_t(kMiddle + (shift < 31 ? (i - kMiddle) >> shift : 0))] += n;
  }
  for (int i = kMiddle - 1; i >= 0; --i) {
    const int64_t n = std::exchange(bins[size_t(i)], 0);
    bins[size_t(kMiddle + (shift < 31 ? (i - kMiddle) >> shift : -1))] += n;
  }
  limit = to;
}

void TensorStatistics::add_summary(const TensorSummary& run) {
  if (run.elements > 0) {
    min = elements == 0 ? run.min : std::min(min, run.min);
    max = elements == 0 ? run.max : std::max(max, run.max);
    const double keep = elements == 0 ? 0 : kMomentum;
    average_min = keep * average_min + (1 - keep) * double{run.min};
    average_max = keep * average_max + (1 - keep) * double{run.max};
  }
  if (runs == 0) {
    channel_sums = run.channel_sums;
    channel_count = run.channel_count;
  } else {
    add_channels(&channel_sums, &channel_count, run.channel_sums, run.channel_count);
  }
  elements += run.elements;
  not_finite += run.not_finite;
  ++runs;
}

void TensorStatistics::add_histogram(std::span<const float> values, const TensorSummary& run) {
  if (run.elements == 0) return;
  widen(limit_above(double{run.largest()}));
  if (run.not_finite == 0) return count_bins(values, limit, bins);
  std::vector<float> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](float v) { return std::isfinite(v); });
  count_bins(finite, limit, bins);
}

void TensorStatistics::add(std::span<const float> values, int64_t channels, bool histogram) {
  TensorSummary run;
  summarize(values, channels, &run);
  if (histogram) add_histogram(values, run);
  add_summary(run);
}

void TensorStatistics::merge_histogram(const TensorStatistics& other) {
  if (other.bins.empty()) return;
  widen(other.limit);
  if (other.limit == limit) {
    for (size_t i = 0; i < bins.size(); ++i) bins[i] += other.bins[i];
    return;
  }
  TensorStatistics wide;
  wide.bins = other.bins;
  wide.limit = other.limit;
  wide.widen(limit);
  merge_histogram(wide);
}

void TensorStatistics::merge(const TensorStatistics& other) {
  if (other.runs == 0) return;
  merge_histogram(other);
  if (runs == 0) {
    channel_sums = other.channel_sums;
    channel_count = other.channel_count;
  } else {
    add_channels(&channel_sums, &channel_count, other.channel_sums, other.channel_count);
  }
  if (other.elements > 0) {
    min = elements == 0 ? other.min : std::min(min, other.min);
    max = elements == 0 ? other.max : std::max(max, other.max);
    const double mine = elements == 0 ? 0 : static_cast<double>(runs);
    const double all = mine + static_cast<double>(other.runs);
    average_min += (other.average_min - average_min) * (static_cast<double>(other.runs) / all);
    average_max += (other.average_max - average_max) * (static_cast<double>(other.runs) / all);
  }
  runs += other.runs;
  elements += other.elements;
  not_finite += other.not_finite;
}

void Statistics::merge(const Statistics& other) {
  samples += other.samples;
  for (const auto& [name, tensor] : other.tensors) tensors[name].merge(tensor);
}

}  // namespace cygnet
