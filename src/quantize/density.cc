// SPDX-License-Identifier: Apache-2.0
#include "quantize/density.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace cygnet {
namespace {

/// Of |x| < 2^62; without a call of the C library's.
double floor_of(double x) {
  const auto whole = static_cast<double>(static_cast<int64_t>(x));
  return whole > x ? whole - 1 : whole;
}

/// ∫₀ᵗ (u − round(u))² du: each whole step adds 1/12.
double rounding_integral(double t) {
  const double n = floor_of(t + 0.5), r = t - n;
  return n / 12 + r * r * r / 3;
}

/// ∫ₐᵇ (x − at)² dx.
double distance_integral(double a, double b, double at) {
  const double from = a - at, to = b - at;
  return (to * to * to - from * from * from) / 3;
}

double squared_error(double x, const Grid& grid) {
  const double nearest =
      std::clamp(floor_of(x / grid.scale + 0.5) * grid.scale, grid.low, grid.high);
  return (x - nearest) * (x - nearest);
}

}  // namespace

Grid::Grid(const Interval& range, int bits, bool symmetric) {
  const double steps = std::ldexp(1.0, bits) - 1;
  if (symmetric) {
    const double most = (steps - 1) / 2;
    scale = std::max(-range.min, range.max) / most;
    low = -most * scale;
    high = most * scale;
  } else {
    scale = (range.max - range.min) / steps;
    if (!(scale > 0)) return;
    const double below = std::floor(-range.min / scale + 0.5);
    low = -below * scale;
    high = (steps - below) * scale;
  }
}

Density::Density(const TensorStatistics& statistics) {
  const double total = static_cast<double>(
      std::accumulate(statistics.bins.begin(), statistics.bins.end(), int64_t{0}));
  const double width = statistics.bin_width();
  for (size_t i = 0; i < statistics.bins.size(); ++i) {
    if (statistics.bins[i] <= 0) continue;
    const double begin = static_cast<double>(i) * width - statistics.limit;
    const double least = double{statistics.min}, largest = double{statistics.max};
    pieces_.push_back({std::clamp(begin, least, largest), std::clamp(begin + width, least, largest),
                       static_cast<double>(statistics.bins[i]) / total});
  }
}

double Density::mean_squared_error(const Grid& grid) const {
  double sum = 0;
  const double inverse = 1 / grid.scale;
  for (const Piece& piece : pieces_) {
    const double a = piece.begin, b = piece.end;
    if (!(grid.scale > 0)) {  // all becomes 0
      sum += piece.weight * (a * a + a * b + b * b) / 3;
      continue;
    }
    // Of a narrow piece the integrals' difference would be all rounding.
    if (b - a < 1e-6 * grid.scale) {
      sum += piece.weight * squared_error((a + b) / 2, grid);
      continue;
    }
    double integral = 0;
    if (a < grid.low) integral += distance_integral(a, std::min(b, grid.low), grid.low);
    if (b > grid.high) integral += distance_integral(std::max(a, grid.high), b, grid.high);
    const double from = std::max(a, grid.low) * inverse;
    const double to = std::min(b, grid.high) * inverse;
    if (to > from)
      integral +=
          grid.scale * grid.scale * grid.scale * (rounding_integral(to) - rounding_integral(from));
    sum += piece.weight * integral / (b - a);
  }
  return sum;
}

double Density::quantile(double p) const {
  double below = 0;
  for (const Piece& piece : pieces_) {
    if (below + piece.weight >= p)
      return piece.begin + (piece.end - piece.begin) * ((p - below) / piece.weight);
    below += piece.weight;
  }
  return pieces_.back().end;
}

double Density::quantile_of_size(double p) const {
  Density sizes = *this;
  for (Piece& piece : sizes.pieces_)
    if (piece.end <= 0)
      piece = {-piece.end, -piece.begin, piece.weight};
    else if (piece.begin < 0)
      piece = {0, std::max(-piece.begin, piece.end), piece.weight};
  std::sort(sizes.pieces_.begin(), sizes.pieces_.end(),
            [](const Piece& a, const Piece& b) { return a.end < b.end; });
  return sizes.quantile(p);
}

namespace {

/// Sums over the bins before each, so that those of a span are a difference.
class Sums {
 public:
  template <class F>
  Sums(const std::vector<int64_t>& bins, F value) : sums_(bins.size() + 1, 0) {
    for (size_t i = 0; i < bins.size(); ++i) sums_[i + 1] = sums_[i] + value(bins[i]);
  }
  double of(size_t begin, size_t end) const { return sums_[end] - sums_[begin]; }

 private:
  std::vector<double> sums_;
};

double x_log_x(double x) {
  return x > 0 ? x * std::log(x) : 0;
}

/// Divergences of spans of a histogram.
class Divergence {
 public:
  explicit Divergence(const std::vector<int64_t>& bins)
      : bins_(bins),
        counts_(bins, [](int64_t n) { return static_cast<double>(n); }),
        filled_(bins, [](int64_t n) { return n > 0 ? 1.0 : 0.0; }),
        entropy_(bins, [](int64_t n) { return x_log_x(static_cast<double>(n)); }) {}

  /// Of the values clipped to bins [begin, end) and rounded to `numbers` numbers. With P the counts
  /// in the span, those outside at its ends, and Q what the counts inside give after rounding:
  /// Σ P/ΣP · log((P/ΣP) / (Q/ΣQ)).
  double of(size_t begin, size_t end, size_t numbers) const {
    const double total = counts_.of(0, bins_.size()), inside = counts_.of(begin, end);
    if (!(inside > 0)) return std::numeric_limits<double>::infinity();
    const double left = counts_.of(0, begin), right = counts_.of(end, bins_.size());
    const size_t n = end - begin, groups = std::min(numbers, n);
    double sum = entropy_.of(begin, end);
    sum += moved(bins_[begin], begin + 1 == end ? left + right : left);
    if (begin + 1 < end) sum += moved(bins_[end - 1], right);
    for (size_t g = 0; g < groups; ++g) {
      const size_t from = begin + g * n / groups, to = begin + (g + 1) * n / groups;
      double p = counts_.of(from, to), filled = filled_.of(from, to);
      const double q = p;
      if (g == 0) p += left, filled += left > 0 && bins_[begin] == 0 ? 1 : 0;
      if (g + 1 == groups) p += right, filled += right > 0 && bins_[end - 1] == 0 ? 1 : 0;
      // Where Q has nothing that P has, it gets a trace: the divergence is large, not infinite.
      constexpr double kTrace = 1e-6;
      if (p > 0) sum -= p * std::log(std::max(q, kTrace) / filled);
    }
    return sum / total - std::log(total) + std::log(inside);
  }

 private:
  /// What P·log P gains at a bin that `more` values are moved to.
  static double moved(int64_t n, double more) {
    return x_log_x(static_cast<double>(n) + more) - x_log_x(static_cast<double>(n));
  }

  const std::vector<int64_t>& bins_;
  Sums counts_, filled_, entropy_;
};

}  // namespace

Interval least_divergence(const TensorStatistics& statistics, int numbers) {
  const std::vector<int64_t>& bins = statistics.bins;
  const auto filled = [](int64_t n) { return n > 0; };
  const size_t first =
      static_cast<size_t>(std::find_if(bins.begin(), bins.end(), filled) - bins.begin());
  const size_t last =
      bins.size() -
      static_cast<size_t>(std::find_if(bins.rbegin(), bins.rend(), filled) - bins.rbegin());
  Interval best{double{statistics.min}, double{statistics.max}};
  const size_t middle = bins.size() / 2, count = static_cast<size_t>(numbers);
  // The range holds 0.
  const size_t lowest = std::min(first, middle), highest = std::max(last, middle);
  if (first >= last || highest - lowest <= count) return best;
  const Divergence divergence(bins);
  double least = divergence.of(lowest, highest, count);
  const size_t most = std::max(middle - lowest, highest - middle);
  constexpr size_t kSteps = 256;
  const size_t step = std::max<size_t>(most / kSteps, 1);
  for (size_t size = most; size > step; size -= step) {
    const size_t begin = std::max(lowest, middle - size), end = std::min(highest, middle + size);
    if (end - begin < count) break;
    const double d = divergence.of(begin, end, count);
    if (d >= least) continue;
    least = d;
    best = {std::max(double{statistics.min},
                     static_cast<double>(begin) * statistics.bin_width() - statistics.limit),
            std::min(double{statistics.max},
                     static_cast<double>(end) * statistics.bin_width() - statistics.limit)};
  }
  return best;
}

}  // namespace cygnet
