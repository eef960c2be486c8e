// SPDX-License-Identifier: Apache-2.0
// Ranges against quantiles, brute force and plain formulas over the values themselves.
#include "quantize/ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "edit/failure.h"

namespace cygnet::test {
namespace {

using Values = std::vector<float>;

Values draw(size_t n, uint32_t seed, const std::function<double(std::mt19937&)>& one) {
  std::mt19937 engine(seed);
  Values values(n);
  for (float& v : values) v = static_cast<float>(one(engine));
  return values;
}

Values normal(size_t n, double deviation = 1) {
  return draw(n, 7, [=](std::mt19937& engine) {
    return std::normal_distribution<double>(0, deviation)(engine);
  });
}

Values uniform(size_t n, double low, double high) {
  return draw(n, 8, [=](std::mt19937& engine) {
    return std::uniform_real_distribution<double>(low, high)(engine);
  });
}

Values rectified(Values values) {
  for (float& v : values) v = std::max(v, 0.0f);
  return values;
}

TensorStatistics seen(const Values& values) {
  TensorStatistics statistics;
  // In runs small enough that all is counted.
  constexpr size_t kRun = 1 << 14;
  for (size_t i = 0; i < values.size(); i += kRun)
    statistics.add(std::span(values).subspan(i, std::min(kRun, values.size() - i)), 1, true);
  return statistics;
}

Interval chosen(const Values& values, RangeMethod method, bool symmetric = false, int bits = 8) {
  return choose_range(seen(values), {.method = method, .bits = bits, .symmetric = symmetric});
}

/// Rounds each value as an integer tensor of that range would, and takes the mean squared error.
double true_error(const Values& values, double min, double max, int bits, bool symmetric) {
  const double levels = std::pow(2, bits);
  double scale, least, most;
  if (symmetric) {
    most = levels / 2 - 1;
    least = -most;
    scale = std::max(-min, max) / most;
  } else {
    scale = (max - min) / (levels - 1);
    const double zero = std::round(-levels / 2 - min / scale);
    least = -levels / 2 - zero;
    most = levels / 2 - 1 - zero;
  }
  double sum = 0;
  for (float v : values) {
    const double q = std::min(std::max(std::round(double{v} / scale), least), most);
    sum += std::pow(double{v} - q * scale, 2);
  }
  return sum / static_cast<double>(values.size());
}

TEST(Ranges, Names) {
  for (const char* name : {"minmax", "moving-average", "percentile", "kl", "mse", "auto"}) {
    ASSERT_TRUE(range_method(name).has_value()) << name;
    EXPECT_STREQ(name_of(*range_method(name)), name);
  }
  EXPECT_FALSE(range_method("best").has_value());
}

TEST(Ranges, MinMaxHoldsZero) {
  Interval range = chosen({1.5f, 3.0f}, RangeMethod::min_max);
  EXPECT_EQ(range.min, 0);
  EXPECT_EQ(range.max, 3);
  range = chosen({-4.0f, -3.0f}, RangeMethod::min_max);
  EXPECT_EQ(range.min, -4);
  EXPECT_EQ(range.max, 0);
  range = chosen({-4.0f, 1.0f}, RangeMethod::min_max, true);
  EXPECT_EQ(range.min, -4);
  EXPECT_EQ(range.max, 4);
}

TEST(Ranges, ConstantsZerosAndNothing) {
  for (const char* name : {"minmax", "moving-average", "percentile", "kl", "mse", "auto"}) {
    const RangeMethod method = *range_method(name);
    for (bool symmetric : {false, true}) {
      for (int bits : {8, 16}) {
        const Interval none =
            choose_range({}, {.method = method, .bits = bits, .symmetric = symmetric});
        EXPECT_EQ(none.min, 0);
        EXPECT_EQ(none.max, 0);
        const Interval zero = chosen(Values(1000, 0.0f), method, symmetric, bits);
        EXPECT_EQ(zero.min, 0);
        EXPECT_EQ(zero.max, 0);
        for (float v : {2.5f, -2.5f, 1e-30f, 3e38f}) {
          const Interval one = chosen(Values(1000, v), method, symmetric, bits);
          EXPECT_EQ(one.max, symmetric || v > 0 ? std::abs(double{v}) : 0) << name << " " << v;
          EXPECT_EQ(one.min, symmetric || v < 0 ? -std::abs(double{v}) : 0) << name << " " << v;
        }
      }
    }
  }
}

TEST(Ranges, PercentileAgainstSortedValues) {
  for (const Values& values : {normal(40000), rectified(normal(40000)), uniform(40000, -3, 1)}) {
    Values sorted = values, sizes = values;
    for (float& v : sizes) v = std::abs(v);
    std::sort(sorted.begin(), sorted.end());
    std::sort(sizes.begin(), sizes.end());
    const TensorStatistics statistics = seen(values);
    // Between the two sorted values where a share ends, or a bin away.
    const auto expect_at = [&](double got, const Values& v, double share) {
      const double place = share * static_cast<double>(v.size() - 1);
      EXPECT_GE(got, double{v[size_t(std::floor(place))]} - statistics.bin_width());
      EXPECT_LE(got, double{v[size_t(std::ceil(place))]} + statistics.bin_width());
    };
    for (double percentile : {90.0, 99.0, 99.9, 100.0}) {
      const double out = (1 - percentile / 100) / 2;
      RangeOptions options{.method = RangeMethod::percentile, .percentile = percentile};
      const Interval range = choose_range(statistics, options);
      expect_at(range.min, sorted, out);
      expect_at(range.max, sorted, 1 - out);
      options.symmetric = true;
      const Interval symmetric = choose_range(statistics, options);
      expect_at(symmetric.max, sizes, percentile / 100);
      EXPECT_EQ(symmetric.min, -symmetric.max);
    }
  }
}

TEST(Ranges, ErrorAgainstRoundingEveryValue) {
  Values outliers = normal(30000);
  outliers.push_back(40);
  for (const Values& values : {normal(30000), outliers, uniform(30000, -1, 5)}) {
    const TensorStatistics statistics = seen(values);
    for (int bits : {4, 8, 16}) {
      for (bool symmetric : {false, true}) {
        for (double share : {1.0, 0.6, 0.1}) {
          const Interval range{double{statistics.min} * share, double{statistics.max} * share};
          const double expected = true_error(values, range.min, range.max, bits, symmetric);
          // Values are not quite evenly spread over a bin.
          EXPECT_NEAR(range_error(statistics, range, bits, symmetric), expected, 0.02 * expected)
              << bits << " bits, symmetric " << symmetric << ", share " << share;
        }
      }
    }
  }
}

TEST(Ranges, MeanSquaredAgainstBruteForce) {
  const Values lopsided = draw(20000, 3, [](std::mt19937& engine) {
    const double v = std::normal_distribution<double>(0, 1)(engine);
    return v < 0 ? v : std::exp(v) - 1;
  });
  for (const Values& values : {normal(20000), rectified(normal(20000)), lopsided}) {
    const TensorStatistics statistics = seen(values);
    for (int bits : {4, 8}) {
      for (bool symmetric : {false, true}) {
        double best = INFINITY;
        constexpr int kSteps = 40;
        for (int i = 0; i < kSteps; ++i) {
          for (int k = 0; k < kSteps; ++k) {
            if (symmetric && i != k) continue;
            best = std::min(best,
                            true_error(values, double{statistics.min} * (1 - i / 40.0),
                                       double{statistics.max} * (1 - k / 40.0), bits, symmetric));
            if (statistics.min >= 0) i = kSteps;  // one end only
          }
        }
        const Interval range = choose_range(
            statistics,
            {.method = RangeMethod::mean_squared, .bits = bits, .symmetric = symmetric});
        const double error = true_error(values, range.min, range.max, bits, symmetric);
        EXPECT_LE(error, 1.02 * best) << bits << " bits, symmetric " << symmetric;
      }
    }
  }
}

/// The divergence by its definition, over vectors.
double divergence(const std::vector<int64_t>& bins, size_t begin, size_t end, size_t numbers) {
  std::vector<double> p, inside;
  for (size_t i = begin; i < end; ++i) inside.push_back(static_cast<double>(bins[i]));
  p = inside;
  for (size_t i = 0; i < begin; ++i) p.front() += static_cast<double>(bins[i]);
  for (size_t i = end; i < bins.size(); ++i) p.back() += static_cast<double>(bins[i]);
  std::vector<double> q(p.size(), 0);
  for (size_t g = 0; g < numbers; ++g) {
    const size_t from = g * p.size() / numbers, to = (g + 1) * p.size() / numbers;
    const double sum = std::accumulate(inside.begin() + static_cast<std::ptrdiff_t>(from),
                                       inside.begin() + static_cast<std::ptrdiff_t>(to), 0.0);
    double filled = 0;
    for (size_t i = from; i < to; ++i) filled += p[i] > 0 ? 1 : 0;
    for (size_t i = from; i < to; ++i)
      if (p[i] > 0) q[i] = std::max(sum, 1e-6) / filled;
  }
  const double p_sum = std::accumulate(p.begin(), p.end(), 0.0);
  const double q_sum = std::accumulate(inside.begin(), inside.end(), 0.0);
  double result = 0;
  for (size_t i = 0; i < p.size(); ++i)
    if (p[i] > 0) result += p[i] / p_sum * std::log(p[i] / p_sum / (q[i] / q_sum));
  return result;
}

TEST(Ranges, DivergenceIsLeastOfAll) {
  Values outliers = normal(60000, 0.5);
  for (float v : {7.5f, 6.0f, 5.0f}) outliers.push_back(v);
  for (const Values& values : {outliers, rectified(outliers)}) {
    const TensorStatistics statistics = seen(values);
    const Interval range = choose_range(statistics, {.method = RangeMethod::kl_divergence});
    const auto bin = [&](double v) {
      return static_cast<size_t>(std::lround((v + statistics.limit) / statistics.bin_width()));
    };
    const bool one_sided = statistics.min >= 0;
    const size_t middle = TensorStatistics::kBins / 2;
    const size_t first =
        one_sided ? middle : bin(double{statistics.min} - 0.5 * statistics.bin_width());
    double least = INFINITY;
    for (size_t size = 128; size <= middle; ++size) {
      const size_t begin = std::max(first, middle - size);
      if (middle + size - begin < 255) continue;
      least = std::min(least, divergence(statistics.bins, begin, middle + size, 255));
    }
    // The search goes in steps of several bins.
    const size_t begin = one_sided ? middle : std::max(first, bin(range.min));
    EXPECT_LE(divergence(statistics.bins, begin, bin(range.max), 255), 1.1 * least + 1e-4);
    EXPECT_LT(range.max, 5.0);
    EXPECT_GT(range.max, 1.0);
  }
}

TEST(Ranges, DivergenceClipsOutliersAndNothingElse) {
  Values outliers = normal(100000);
  for (int i = 0; i < 5; ++i) outliers.push_back(60);
  const Interval clipped = chosen(outliers, RangeMethod::kl_divergence);
  EXPECT_LT(clipped.max, 30);
  EXPECT_GT(clipped.max, 3);
  EXPECT_LT(clipped.min, -3);
  const Interval whole = chosen(uniform(200000, -1, 1), RangeMethod::kl_divergence);
  EXPECT_LT(whole.min, -0.97);
  EXPECT_GT(whole.max, 0.97);
  const Interval half = chosen(uniform(200000, 0, 1), RangeMethod::kl_divergence);
  EXPECT_EQ(half.min, 0);
  EXPECT_GT(half.max, 0.97);
  const Interval sixteen = chosen(outliers, RangeMethod::kl_divergence, true, 16);
  EXPECT_EQ(sixteen.max, 60);
}

TEST(Ranges, AutomaticIsNoWorseThanAny) {
  Values outliers = rectified(normal(30000));
  outliers.push_back(200);
  for (const Values& values : {normal(30000), outliers, uniform(30000, -1, 5)}) {
    const TensorStatistics statistics = seen(values);
    for (int bits : {8, 16}) {
      const auto error = [&](RangeMethod method) {
        const Interval range = choose_range(statistics, {.method = method, .bits = bits});
        return true_error(values, range.min, range.max, bits, false);
      };
      for (RangeMethod method :
           {RangeMethod::min_max, RangeMethod::moving_average, RangeMethod::percentile,
            RangeMethod::kl_divergence, RangeMethod::mean_squared})
        EXPECT_LE(error(RangeMethod::automatic), 1.02 * error(method)) << name_of(method);
    }
  }
}

TEST(Ranges, WithoutHistogram) {
  TensorStatistics statistics;
  statistics.add(Values{-1, 2}, 1, false);
  EXPECT_EQ(choose_range(statistics, {}).max, 2);
  EXPECT_EQ(choose_range(statistics, {.method = RangeMethod::moving_average}).min, -1);
  for (const char* name : {"percentile", "kl", "mse", "auto"})
    EXPECT_THROW(choose_range(statistics, {.method = *range_method(name)}), Failure);
}

}  // namespace
}  // namespace cygnet::test
