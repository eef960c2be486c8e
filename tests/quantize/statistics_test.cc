// SPDX-License-Identifier: Apache-2.0
// Statistics of tensors against plain loops in double.
#include "quantize/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace cygnet::test {
namespace {

std::vector<float> normal_floats(size_t n, uint32_t seed, double deviation = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(normal(engine));
  return values;
}

/// The bin of a value by the definition in statistics.h.
int bin_of(double value, double limit) {
  return static_cast<int>(std::floor((value + limit) / (2 * limit) * TensorStatistics::kBins));
}

void expect_equal(const TensorStatistics& a, const TensorStatistics& b) {
  EXPECT_EQ(a.runs, b.runs);
  EXPECT_EQ(a.elements, b.elements);
  EXPECT_EQ(a.not_finite, b.not_finite);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.limit, b.limit);
  EXPECT_EQ(a.bins, b.bins);
  EXPECT_EQ(a.channel_count, b.channel_count);
  ASSERT_EQ(a.channel_sums.size(), b.channel_sums.size());
  for (size_t c = 0; c < a.channel_sums.size(); ++c)
    EXPECT_NEAR(a.channel_sums[c], b.channel_sums[c], 1e-9 * (1 + std::abs(a.channel_sums[c])));
}

TEST(Statistics, EveryNumberOfChannelsAgainstPlainLoops) {
  for (size_t channels : {1, 2, 3, 4, 7, 8, 12, 16, 24, 31, 63, 64, 65, 96, 100, 511, 513, 1001}) {
    for (size_t pixels : {size_t{1}, size_t{2}, size_t{5}, size_t{49}, size_t{130}}) {
      const std::vector<float> values =
          normal_floats(channels * pixels, static_cast<uint32_t>(channels * 1000 + pixels), 3);
      TensorStatistics statistics;
      statistics.add(values, static_cast<int64_t>(channels), true);
      EXPECT_EQ(statistics.min, *std::min_element(values.begin(), values.end()));
      EXPECT_EQ(statistics.max, *std::max_element(values.begin(), values.end()));
      EXPECT_EQ(statistics.average_min, double{statistics.min});
      EXPECT_EQ(statistics.average_max, double{statistics.max});
      EXPECT_EQ(statistics.elements, static_cast<int64_t>(values.size()));
      EXPECT_EQ(statistics.channel_count, static_cast<int64_t>(pixels));
      std::vector<double> sums(channels, 0);
      for (size_t i = 0; i < values.size(); ++i) sums[i % channels] += double{values[i]};
      ASSERT_EQ(statistics.channel_sums.size(), channels);
      for (size_t c = 0; c < channels; ++c)
        EXPECT_NEAR(statistics.channel_sums[c], sums[c], 1e-6 * static_cast<double>(pixels));
      if (values.size() > kMostCounted) continue;
      // The limit is the least power of two above all.
      const double largest = std::max(-double{statistics.min}, double{statistics.max});
      EXPECT_GT(statistics.limit, largest);
      EXPECT_LE(statistics.limit / 2, largest);
      std::vector<int64_t> bins(TensorStatistics::kBins, 0);
      for (float v : values) ++bins[size_t(bin_of(double{v}, statistics.limit))];
      EXPECT_EQ(statistics.bins, bins);
    }
  }
}

TEST(Statistics, OrderDoesNotMatter) {
  TensorStatistics forward, backward, halves[2];
  constexpr int kRuns = 20;
  for (int i = 0; i < kRuns; ++i) {
    const auto add = [&](TensorStatistics& s, int run) {
      // Limits grow and shrink by turns, from 2^-30 to 2^30.
      const double deviation = std::ldexp(1.0, (run * 7) % 60 - 30);
      s.add(normal_floats(300, static_cast<uint32_t>(run), deviation), 3, true);
    };
    add(forward, i);
    add(backward, kRuns - 1 - i);
    add(halves[i % 2], i);
  }
  expect_equal(forward, backward);
  TensorStatistics merged = halves[0], other_way = halves[1];
  merged.merge(halves[1]);
  other_way.merge(halves[0]);
  expect_equal(merged, forward);
  expect_equal(other_way, forward);
  EXPECT_NEAR(merged.average_min, other_way.average_min, 1e-9 * std::abs(merged.average_min));
  EXPECT_NEAR(merged.average_min, (halves[0].average_min + halves[1].average_min) / 2,
              1e-9 * std::abs(merged.average_min));
}

TEST(Statistics, MovingAverage) {
  TensorStatistics statistics;
  double min = 0, max = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> values = {static_cast<float>(-i), static_cast<float>(2 * i + 1)};
    statistics.add(values, 1, false);
    min = i == 0 ? -i : 0.99 * min + 0.01 * -i;
    max = i == 0 ? 1 : 0.99 * max + 0.01 * (2 * i + 1);
  }
  EXPECT_NEAR(statistics.average_min, min, 1e-9);
  EXPECT_NEAR(statistics.average_max, max, 1e-9);
  EXPECT_EQ(statistics.min, -49);
  EXPECT_EQ(statistics.max, 99);
  EXPECT_TRUE(statistics.bins.empty());
}

TEST(Statistics, ConstantsZerosAndNothing) {
  TensorStatistics zeros;
  zeros.add(std::vector<float>(100, 0.0f), 4, true);
  EXPECT_EQ(zeros.min, 0);
  EXPECT_EQ(zeros.max, 0);
  EXPECT_EQ(zeros.bins[TensorStatistics::kBins / 2], 100);
  // What came later does not move what was zero.
  zeros.add(std::vector<float>{-3e38f, 3e38f, -0.0f, -1.0f}, 4, true);
  EXPECT_EQ(zeros.bins[TensorStatistics::kBins / 2], 101);
  EXPECT_EQ(zeros.bins[TensorStatistics::kBins / 2 - 1], 1);
  EXPECT_EQ(std::accumulate(zeros.bins.begin(), zeros.bins.end(), int64_t{0}), 104);
  EXPECT_TRUE(std::isfinite(zeros.average_max));

  TensorStatistics constant;
  constant.add(std::vector<float>(77, -2.5f), 7, true);
  EXPECT_EQ(constant.min, -2.5f);
  EXPECT_EQ(constant.max, -2.5f);

  TensorStatistics nothing;
  nothing.add({}, 3, true);
  EXPECT_EQ(nothing.elements, 0);
  EXPECT_EQ(nothing.min, 0);
  EXPECT_EQ(nothing.max, 0);
  nothing.add(std::vector<float>{5, 6, 7}, 3, true);
  EXPECT_EQ(nothing.min, 5);
  EXPECT_EQ(nothing.average_max, 7);
}

TEST(Statistics, NotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (float bad : {nan, -nan, kInfinity, -kInfinity}) {
    // At the first place, in whole rows, and in the rest.
    for (size_t at : {size_t{0}, size_t{77}, size_t{1000}}) {
      std::vector<float> values = normal_floats(1001, 5);
      values[at] = bad;
      TensorStatistics statistics;
      statistics.add(values, 1, true);
      EXPECT_EQ(statistics.not_finite, 1);
      EXPECT_EQ(statistics.elements, 1000);
      EXPECT_TRUE(std::isfinite(statistics.min) && std::isfinite(statistics.max));
      EXPECT_TRUE(statistics.channel_sums.empty());
      EXPECT_EQ(std::accumulate(statistics.bins.begin(), statistics.bins.end(), int64_t{0}), 1000);
    }
  }
  // Two infinities that cancel in no sum; finite values whose sums overflow.
  TensorStatistics both;
  both.add(std::vector<float>{kInfinity, -kInfinity, 1}, 3, true);
  EXPECT_EQ(both.not_finite, 2);
  EXPECT_EQ(both.max, 1);
  TensorStatistics large;
  large.add(std::vector<float>(64 * 8, 3e38f), 64, true);
  EXPECT_EQ(large.not_finite, 0);
  EXPECT_EQ(large.max, 3e38f);
}

TEST(Statistics, LargeTensorsAreSampled) {
  // The distribution of the elements that are counted is that of all of them, whatever the number
  // of channels; each channel here has another value.
  for (size_t channels : {16, 48, 64, 96, 1024}) {
    const size_t n = 1024 * channels * 3;
    std::vector<float> values(n);
    for (size_t i = 0; i < n; ++i)
      values[i] = static_cast<float>(i % channels) / static_cast<float>(channels);
    TensorStatistics statistics;
    statistics.add(values, static_cast<int64_t>(channels), true);
    const int64_t counted =
        std::accumulate(statistics.bins.begin(), statistics.bins.end(), int64_t{0});
    EXPECT_EQ(counted, static_cast<int64_t>(std::min(n, kMostCounted)));
    int64_t below = 0;
    for (int i = 0; i < bin_of(0.5, statistics.limit); ++i) below += statistics.bins[size_t(i)];
    EXPECT_NEAR(static_cast<double>(below) / static_cast<double>(counted), 0.5, 0.03) << channels;
    EXPECT_EQ(statistics.elements, static_cast<int64_t>(n));
  }
}

TEST(Statistics, ChannelsThatChangeAreUnknown) {
  TensorStatistics statistics;
  statistics.add(std::vector<float>{1, 2, 3, 4}, 2, true);
  statistics.add(std::vector<float>{1, 2, 3, 4}, 4, true);
  EXPECT_TRUE(statistics.channel_sums.empty());
  statistics.add(std::vector<float>{1, 2, 3, 4}, 2, true);
  EXPECT_TRUE(statistics.channel_sums.empty());
  EXPECT_EQ(statistics.channel_count, 0);
}

}  // namespace
}  // namespace cygnet::test
