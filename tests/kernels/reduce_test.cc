// SPDX-License-Identifier: Apache-2.0
// Sums, maxima, argmax, windows and softmax against plain loops in double and int64.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

int32_t value_of(uint8_t byte, uint8_t flip) {
  return (byte ^ flip) - flip;
}

class Reduce : public Kernels {};

TEST_P(Reduce, SumF32) {
  std::vector<int64_t> all = lengths();
  all.push_back(9999);
  for (const int64_t n : all) {
    Guarded<float> in(static_cast<size_t>(n));
    fill(in, -500, 500);
    double expected = 0;
    for (int64_t i = 0; i < n; ++i) expected += double{in[i]};
    ASSERT_EQ(double{table().sum_f32(in.data(), n)}, expected) << "length " << n;
  }
}

TEST_P(Reduce, SumU8) {
  std::vector<int64_t> all = lengths();
  for (const int64_t n : {65535, 65536, 65537, 200001}) all.push_back(n);
  for (const int64_t n : all) {
    Guarded<uint8_t> in(static_cast<size_t>(n));
    fill(in, n > 1000 ? 255 : 0, 255);
    int64_t expected = 0;
    for (int64_t i = 0; i < n; ++i) expected += in[i];
    ASSERT_EQ(table().sum_u8(in.data(), n), expected) << "length " << n;
  }
}

TEST_P(Reduce, MaxAndArgmaxF32) {
  for (const int64_t n : lengths()) {
    if (n == 0) continue;
    for (int turn = 0; turn < 8; ++turn) {
      Guarded<float> in(static_cast<size_t>(n));
      // Few different numbers, so that most maxima occur more than once.
      for (int64_t i = 0; i < n; ++i) {
        const int64_t kind = integer(0, 9);
        in[i] = kind == 0 && turn % 2 == 1 ? kNan
                : kind == 1 && turn > 4    ? -kInfinity
                                           : static_cast<float>(integer(-9, turn == 3 ? -5 : 5));
      }
      if (turn == 6) in[integer(0, n - 1)] = kInfinity;
      float best = -kInfinity;
      int64_t where = -1;
      for (int64_t i = 0; i < n; ++i) {
        if (!std::isnan(in[i]) && (where < 0 || in[i] > best)) best = in[i], where = i;
      }
      ASSERT_EQ(table().max_f32(in.data(), n), best) << "length " << n;
      ASSERT_EQ(table().argmax_f32(in.data(), n), std::max<int64_t>(where, 0)) << "length " << n;
    }
    const Guarded<float> nothing(std::vector<float>(static_cast<size_t>(n), kNan));
    ASSERT_EQ(table().max_f32(nothing.data(), n), -kInfinity);
    ASSERT_EQ(table().argmax_f32(nothing.data(), n), 0);
  }
}

TEST_P(Reduce, MaxAndArgmaxQ8) {
  for (const int64_t n : lengths()) {
    if (n == 0) continue;
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      for (const int64_t from : {0, 100, 128, 250}) {
        Guarded<uint8_t> in(static_cast<size_t>(n));
        fill(in, from, integer(from, 255));
        int64_t where = 0;
        for (int64_t i = 1; i < n; ++i) {
          if (value_of(in[i], flip) > value_of(in[where], flip)) where = i;
        }
        ASSERT_EQ(table().max_q8(in.data(), n, flip), value_of(in[where], flip)) << "length " << n;
        ASSERT_EQ(table().argmax_q8(in.data(), n, flip), where) << "length " << n;
      }
    }
  }
}

/// A window of random size over a buffer whose last element is the window's last.
struct Place {
  Window window;
  int64_t elements;
};

Place place_of(int64_t h, int64_t w, int64_t c, int64_t gap) {
  const Window window{h, w, w * (c + gap) + gap, c + gap};
  return {window, (h - 1) * window.h_stride + (w - 1) * window.w_stride + c};
}

TEST_P(Reduce, WindowsF32) {
  for (int64_t c = 0; c <= 85; ++c) {
    const Place place = place_of(1 + c % 4, 1 + c % 3, c, c % 5);
    const Window& window = place.window;
    Guarded<float> a(static_cast<size_t>(place.elements));
    fill(a, -100, 100);
    if (c % 7 == 3) a[integer(0, c - 1)] = kNan;
    const bool limited = flip_coin();
    const float lo = limited ? -30.0f : -kInfinity;
    const float hi = limited ? 20.0f : kInfinity;
    const float divisor = static_cast<float>(integer(1, 9));
    Guarded<float> sums(static_cast<size_t>(c));
    Guarded<float> largest(static_cast<size_t>(c));
    table().window_sum_f32(a.data(), window, c, divisor, lo, hi, sums.data());
    table().window_max_f32(a.data(), window, c, lo, hi, largest.data());
    for (int64_t ch = 0; ch < c; ++ch) {
      float total = 0;
      float best = -kInfinity;
      for (int64_t y = 0; y < window.h; ++y) {
        for (int64_t x = 0; x < window.w; ++x) {
          const float value = a[y * window.h_stride + x * window.w_stride + ch];
          total += value;
          if (value > best) best = value;
        }
      }
      ASSERT_TRUE(same_float(sums[ch], clamp_keeping_nan(total / divisor, lo, hi)))
          << c << " " << ch;
      ASSERT_EQ(largest[ch], std::clamp(best, lo, hi)) << "channel " << ch << " of " << c;
    }
    ASSERT_TRUE(sums.intact() && largest.intact());
  }
}

TEST_P(Reduce, WindowsQ8) {
  for (int64_t c = 0; c <= 85; ++c) {
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      const Place place = place_of(1 + c % 4, 1 + c % 3, c, c % 5);
      const Window& window = place.window;
      Guarded<uint8_t> a(static_cast<size_t>(place.elements));
      fill(a, 0, 255);
      const int32_t lo = flip_coin() ? -flip : 40 - flip;
      const int32_t hi = flip_coin() ? 255 - flip : 200 - flip;
      Guarded<int32_t> sums(static_cast<size_t>(c));
      Guarded<uint8_t> largest(static_cast<size_t>(c));
      table().window_sum_q8(a.data(), window, c, flip, sums.data());
      table().window_max_q8(a.data(), window, c, flip, lo, hi, largest.data());
      for (int64_t ch = 0; ch < c; ++ch) {
        int32_t total = 0;
        int32_t best = -128;
        for (int64_t y = 0; y < window.h; ++y) {
          for (int64_t x = 0; x < window.w; ++x) {
            const uint8_t byte = a[y * window.h_stride + x * window.w_stride + ch];
            total += byte ^ flip;
            best = std::max(best, value_of(byte, flip));
          }
        }
        ASSERT_EQ(sums[ch], total) << "channel " << ch << " of " << c;
        ASSERT_EQ(largest[ch], static_cast<uint8_t>(std::clamp(best, lo, hi)))
            << "channel " << ch << " of " << c;
      }
      ASSERT_TRUE(sums.intact() && largest.intact());
    }
  }
}

TEST_P(Reduce, WindowOfRows) {
  const int64_t rows = 3000, c = 37;
  Guarded<uint8_t> a(std::vector<uint8_t>(static_cast<size_t>(rows * c), 255));
  Guarded<int32_t> sums(static_cast<size_t>(c));
  table().window_sum_q8(a.data(), {1, rows, 0, c}, c, 0, sums.data());
  for (int64_t ch = 0; ch < c; ++ch) ASSERT_EQ(sums[ch], 255 * rows);
}

TEST_P(Reduce, SoftmaxF32) {
  for (const int64_t n : lengths()) {
    if (n == 0) continue;
    for (const float beta : {1.0f, 0.25f, 3.0f}) {
      Guarded<float> in(static_cast<size_t>(n));
      const float offset = real(-1000, 1000);
      fill_real(in, offset - 20, offset);
      Guarded<float> out(static_cast<size_t>(n));
      table().softmax_f32(in.data(), n, beta, out.data());
      double max = double{in[0]};
      for (int64_t i = 1; i < n; ++i) max = std::max(max, double{in[i]});
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += std::exp(double{beta} * (double{in[i]} - max));
      for (int64_t i = 0; i < n; ++i) {
        const double exponent = double{beta} * (double{in[i]} - max);
        const double expected = std::exp(exponent) / total;
        // The exponent is rounded to float before its power is taken.
        const double limit = (2e-6 + 2e-7 * -exponent) * expected;
        ASSERT_NEAR(double{out[i]}, expected, limit) << "element " << i << " of " << n;
      }
      ASSERT_TRUE(out.intact());
      table().softmax_f32(in.data(), n, beta, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

TEST_P(Reduce, SoftmaxF32FarApart) {
  const std::vector<float> row = {-1e30f, 0, 1000, 999, -kInfinity, 1000};
  Guarded<float> in(row);
  Guarded<float> out(row.size());
  table().softmax_f32(in.data(), 6, 1.0f, out.data());
  const double unit = 1 / (2 + std::exp(-1.0));
  for (const int64_t i : {0, 1, 4}) EXPECT_EQ(out[i], 0) << i;
  EXPECT_NEAR(double{out[2]}, unit, 1e-6);
  EXPECT_NEAR(double{out[3]}, unit * std::exp(-1.0), 1e-6);
  EXPECT_EQ(out[5], out[2]);
}

TEST_P(Reduce, SoftmaxQ8) {
  for (const int64_t n : lengths()) {
    if (n == 0) continue;
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      Guarded<float> powers(256);
      const double slope = double{real(0.01f, 0.4f)};
      for (int64_t d = 0; d < 256; ++d)
        powers[d] = static_cast<float>(std::exp(-slope * double(d)));
      Guarded<uint8_t> in(static_cast<size_t>(n));
      fill(in, 0, 255);
      Guarded<uint8_t> out(static_cast<size_t>(n));
      const int32_t lo = -int32_t{flip};
      table().softmax_q8(in.data(), n, flip, powers.data(), 256.0f, lo, lo, lo + 255, out.data());
      int32_t max = -128;
      for (int64_t i = 0; i < n; ++i) max = std::max(max, value_of(in[i], flip));
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += double{powers[max - value_of(in[i], flip)]};
      for (int64_t i = 0; i < n; ++i) {
        const double exact = double{powers[max - value_of(in[i], flip)]} * 256 / total + lo;
        const double limited = std::clamp(exact, double(lo), double(lo + 255));
        ASSERT_NEAR(value_of(out[i], flip), limited, 0.5 + 1e-4) << "element " << i << " of " << n;
      }
      ASSERT_TRUE(out.intact());
      Guarded<uint8_t> plain(static_cast<size_t>(n));
      tiers()[0]->softmax_q8(in.data(), n, flip, powers.data(), 256.0f, lo, lo, lo + 255,
                             plain.data());
      ASSERT_EQ(out.values(), plain.values()) << "not as the plain tier";
      table().softmax_q8(in.data(), n, flip, powers.data(), 256.0f, lo, lo, lo + 255, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

/// Enough sums for some results to lie where one other rounding changes them: they are added up in
/// the same order on every tier.
TEST_P(Reduce, SoftmaxQ8HasTheSameBitsOnEveryTier) {
  const int64_t n = 61;
  Guarded<float> powers(256);
  for (int64_t d = 0; d < 256; ++d) powers[d] = static_cast<float>(std::exp(-0.002 * double(d)));
  Guarded<uint8_t> in(static_cast<size_t>(n));
  Guarded<uint8_t> out(static_cast<size_t>(n));
  Guarded<uint8_t> plain(static_cast<size_t>(n));
  for (int row = 0; row < 10000; ++row) {
    fill(in, 0, 255);
    table().softmax_q8(in.data(), n, 0, powers.data(), 150.0f * n, 0, 0, 255, out.data());
    tiers()[0]->softmax_q8(in.data(), n, 0, powers.data(), 150.0f * n, 0, 0, 255, plain.data());
    ASSERT_EQ(std::memcmp(out.data(), plain.data(), static_cast<size_t>(n)), 0) << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Reduce, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
