// SPDX-License-Identifier: Apache-2.0
#include "quantize/difference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cygnet {

Representable::Representable(const Tensor& tensor) {
  const Quantization& q = tensor.quantization;
  if (q.count != 1) return;
  int64_t low = 0, high = 0;
  switch (tensor.type) {
    case Type::int8:
      low = INT8_MIN, high = INT8_MAX;
      break;
    case Type::uint8:
      high = UINT8_MAX;
      break;
    case Type::int16:
      low = INT16_MIN, high = INT16_MAX;
      break;
    default:
      return;
  }
  scale = q.scale();
  least = scale * static_cast<double>(low - q.zero_point());
  largest = scale * static_cast<double>(high - q.zero_point());
}

void PairSums::add(std::span<const float> a, std::span<const float> b,
                   const Representable& range_b) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  PairSums sums;
  sums.min_a = sums.min_b = std::numeric_limits<double>::infinity();
  sums.max_a = sums.max_b = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i], y = b[i], d = y - x, size = std::fabs(d);
    if (!(size <= kLargest)) {  // one is not finite: the difference of floats is no more than that
      sums.not_finite_a += std::isfinite(x) ? 0 : 1;
      sums.not_finite_b += std::isfinite(y) ? 0 : 1;
      continue;
    }
    ++sums.elements;
    sums.squares_a += x * x;
    sums.squared_error += d * d;
    sums.absolute_error += size;
    sums.error += d;
    sums.largest = std::max(sums.largest, size);
    sums.min_a = std::min(sums.min_a, x);
    sums.max_a = std::max(sums.max_a, x);
    sums.min_b = std::min(sums.min_b, y);
    sums.max_b = std::max(sums.max_b, y);
  }
  // Half a step from the range's end b is at it. What a has beyond it within a step is no more than
  // rounding: probabilities of 1 are 255/256.
  const double step = range_b.scale, half = step / 2;
  const double low = range_b.least - step, high = range_b.largest + step;
  if (step > 0 && sums.elements > 0 && (sums.min_a < low || sums.max_a > high))
    for (size_t i = 0; i < a.size(); ++i)
      sums.saturated += std::isfinite(a[i]) && ((a[i] < low && b[i] < range_b.least + half) ||
                                                (a[i] > high && b[i] > range_b.largest - half))
                            ? 1
                            : 0;
  add(sums);
}

void PairSums::add(const PairSums& other) {
  not_finite_a += other.not_finite_a;
  not_finite_b += other.not_finite_b;
  if (other.elements == 0) return;
  const bool first = elements == 0;
  elements += other.elements;
  saturated += other.saturated;
  squares_a += other.squares_a;
  squared_error += other.squared_error;
  absolute_error += other.absolute_error;
  error += other.error;
  largest = std::max(largest, other.largest);
  min_a = first ? other.min_a : std::min(min_a, other.min_a);
  max_a = first ? other.max_a : std::max(max_a, other.max_a);
  min_b = first ? other.min_b : std::min(min_b, other.min_b);
  max_b = first ? other.max_b : std::max(max_b, other.max_b);
}

double PairSums::sqnr_db() const {
  if (squared_error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(squares_a / squared_error);
}

namespace {

constexpr int kHalf = PairHistogram::kBins / 2;

/// How many bins a value lies above the middle: the edges of bins of a quantized tensor lie half a
/// step beside its values. Exactly half of it when the width is twice as much.
double position(double value, double step, double width) {
  return (value + step / 2) / width;
}

bool covered(double position) {
  return position >= -kHalf && position < kHalf;
}

}  // namespace

void PairHistogram::widen() {
  width_ *= 2;
  for (std::vector<int64_t>& bins : counts_) {
    std::vector<int64_t> merged(kBins);
    for (int i = 0; i < kBins; ++i)
      merged[static_cast<size_t>((i + kHalf) / 2)] += bins[static_cast<size_t>(i)];
    bins = std::move(merged);
  }
}

void PairHistogram::cover(double value) {
  if (width_ == 0) {
    if (step_ > 0)
      width_ = step_;
    else if (value != 0)
      width_ = std::ldexp(1.0, std::ilogb(value) - 10);  // too little: it grows to what just does
    else
      return;
  }
  while (!covered(position(value, step_, width_))) widen();
}

void PairHistogram::count(std::span<const float> values, std::vector<int64_t>* bins) const {
  const double width = width_ > 0 ? width_ : 1;
  for (const float value : values) {
    const double at = position(value, step_, width);
    if (!covered(at)) continue;  // not finite
    const int below = static_cast<int>(at);
    ++(*bins)[static_cast<size_t>(below - (at < below ? 1 : 0) + kHalf)];
  }
}

void PairHistogram::add(std::span<const float> a, std::span<const float> b) {
  constexpr float kMostFloat = std::numeric_limits<float>::max();
  for (const std::span<const float> values : {a, b}) {
    float low = 0, high = 0;
    for (const float value : values) {
      if (value < low && value >= -kMostFloat) low = value;
      if (value > high && value <= kMostFloat) high = value;
    }
    cover(low);
    cover(high);
  }
  count(a, &counts_[0]);
  count(b, &counts_[1]);
}

void PairHistogram::add(const PairHistogram& other) {
  PairHistogram more = other;
  if (more.width_ > 0 && width_ == 0) width_ = more.width_;
  if (more.width_ == 0) more.width_ = width_;
  while (width_ < more.width_) widen();
  while (more.width_ < width_) more.widen();
  for (size_t side = 0; side < counts_.size(); ++side)
    for (size_t i = 0; i < kBins; ++i) counts_[side][i] += more.counts_[side][i];
}

double PairHistogram::overlap() const {
  int64_t total_a = 0, total_b = 0;
  for (size_t i = 0; i < kBins; ++i) {
    total_a += counts_[0][i];
    total_b += counts_[1][i];
  }
  if (total_a == 0 || total_b == 0) return total_a == total_b ? 1 : 0;
  double apart = 0;
  for (size_t i = 0; i < kBins; ++i)
    apart += std::fabs(static_cast<double>(counts_[0][i]) / static_cast<double>(total_a) -
                       static_cast<double>(counts_[1][i]) / static_cast<double>(total_b));
  return 1 - apart / 2;
}

PairHistogram::Bins PairHistogram::bins(int most) const {
  int first = kBins, last = -1;
  for (int i = 0; i < kBins; ++i) {
    if (counts_[0][static_cast<size_t>(i)] == 0 && counts_[1][static_cast<size_t>(i)] == 0)
      continue;
    first = std::min(first, i);
    last = i;
  }
  Bins result;
  if (last < 0) return result;
  const int group = (last - first + most) / most;
  const double width = width_ > 0 ? width_ : 1;
  result.from = (first - kHalf) * width - step_ / 2;
  result.width = width * group;
  const auto bins = static_cast<size_t>((last - first) / group + 1);
  result.a.resize(bins);
  result.b.resize(bins);
  for (int i = first; i <= last; ++i) {
    result.a[static_cast<size_t>((i - first) / group)] += counts_[0][static_cast<size_t>(i)];
    result.b[static_cast<size_t>((i - first) / group)] += counts_[1][static_cast<size_t>(i)];
  }
  return result;
}

}  // namespace cygnet
