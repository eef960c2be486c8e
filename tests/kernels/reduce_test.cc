// SPDX-License-Identifier: Apache-2.0
// Sums, maxima, argmax and windows against plain loops in double and int64.
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

TEST_P(Reduce, SumQ8) {
  std::vector<int64_t> all = lengths();
  for (const int64_t n : {65535, 65536, 65537, 200001}) all.push_back(n);
  for (const int64_t n : all) {
    Guarded<uint8_t> in(static_cast<size_t>(n));
    fill(in, n > 1000 ? 255 : 0, 255);
    int64_t expected = 0;
    for (int64_t i = 0; i < n; ++i) expected += in[i];
    ASSERT_EQ(table().sum_q8(in.data(), n, 0), expected) << "length " << n;
    ASSERT_EQ(table().sum_q8(in.data(), n, 0xff), 255 * n - expected) << "length " << n;
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
      Guarded<uint8_t> means(static_cast<size_t>(c));
      Guarded<uint8_t> largest(static_cast<size_t>(c));
      const MeanQ8 mean{.offset = static_cast<int32_t>(integer(-2000, 2000)),
                        .scale = c % 7 == 3 ? 3e8f : real(0.01f, 0.4f),
                        .flip = flip,
                        .zero_point = static_cast<int32_t>(integer(0, 255)) - flip,
                        .lo = lo,
                        .hi = hi};
      table().window_mean_q8(a.data(), window, c, mean, means.data());
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
        const int32_t expected =
            requantized(total + mean.offset, mean.scale, mean.zero_point, lo, hi);
        ASSERT_EQ(means[ch], static_cast<uint8_t>(expected)) << "channel " << ch << " of " << c;
        ASSERT_EQ(largest[ch], static_cast<uint8_t>(std::clamp(best, lo, hi)))
            << "channel " << ch << " of " << c;
      }
      ASSERT_TRUE(means.intact() && largest.intact());
    }
  }
}

TEST_P(Reduce, WindowOfRows) {
  const int64_t rows = 3000;
  for (const int64_t c : {5, 37, 300}) {
    Guarded<uint8_t> a(std::vector<uint8_t>(static_cast<size_t>(rows * c), 255));
    Guarded<uint8_t> means(static_cast<size_t>(c));
    const MeanQ8 mean{
        .offset = -3000 * 254, .scale = 0.02f, .flip = 0, .zero_point = 7, .lo = 0, .hi = 255};
    table().window_mean_q8(a.data(), {1, rows, 0, c}, c, mean, means.data());
    for (int64_t ch = 0; ch < c; ++ch) ASSERT_EQ(means[ch], 67) << c;
  }
}

TEST_P(Reduce, SumsOfRows) {
  for (const int64_t n : lengths()) {
    for (const int64_t rows : {0, 1, 7}) {
      Guarded<float> a(static_cast<size_t>(rows * n));
      Guarded<uint8_t> q(static_cast<size_t>(rows * n));
      fill(a, -100, 100);
      fill(q, 0, 255);
      Guarded<float> sums(static_cast<size_t>(rows));
      Guarded<int32_t> exact(static_cast<size_t>(rows));
      const uint8_t flip = flip_coin() ? 0x80 : 0;
      table().row_sums_f32(a.data(), rows, n, sums.data());
      table().row_sums_q8(q.data(), rows, n, flip, exact.data());
      for (int64_t r = 0; r < rows; ++r) {
        double sum = 0, size = 0;
        int64_t whole = 0;
        for (int64_t i = r * n; i < (r + 1) * n; ++i) {
          sum += double{a[i]};
          size += std::fabs(double{a[i]});
          whole += q[i] ^ flip;
        }
        ASSERT_NEAR(double{sums[r]}, sum, size * 1e-6) << "row " << r << " of " << n;
        ASSERT_EQ(exact[r], whole) << "row " << r << " of " << n;
      }
      ASSERT_TRUE(sums.intact() && exact.intact());
    }
  }
}

// Two columns apart, or one: then their sums go on by a column.
TEST_P(Reduce, SeveralWindows) {
  const int64_t count = 13;
  for (const int64_t turn : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}) {
    const int64_t c = std::vector<int64_t>{1, 3, 16, 40, 64, 130, 300}[turn / 2],
                  step = 1 + turn % 2;
    const Window one{2 + turn % 3 * 15, 3 + turn % 7, 40 * c, c};
    Window all = one;
    all.count = count, all.step = step * c;
    const int64_t elements = (one.h - 1) * one.h_stride + ((count - 1) * step + one.w) * c;
    Guarded<float> a(static_cast<size_t>(elements));
    Guarded<uint8_t> q(static_cast<size_t>(elements));
    fill(a, -100, 100);
    fill(q, 0, 255);
    Guarded<float> sums(static_cast<size_t>(count * c)), largest(sums.size()), part(sums.size());
    Guarded<uint8_t> means(sums.size()), most(sums.size()), bytes(sums.size());
    const MeanQ8 mean{
        .offset = -300, .scale = 0.1f, .flip = 0x80, .zero_point = -3, .lo = -128, .hi = 127};
    table().window_sum_f32(a.data(), all, c, 6, -kInfinity, kInfinity, sums.data());
    table().window_max_f32(a.data(), all, c, -50, 70, largest.data());
    table().window_mean_q8(q.data(), all, c, mean, means.data());
    table().window_max_q8(q.data(), all, c, 0x80, -100, 90, most.data());
    for (int64_t k = 0; k < count; ++k) {
      const int64_t from = k * all.step, to = k * c;
      table().window_sum_f32(a.data() + from, one, c, 6, -kInfinity, kInfinity, part.data());
      ASSERT_EQ(std::memcmp(sums.data() + to, part.data(), static_cast<size_t>(c) * 4), 0) << c;
      table().window_max_f32(a.data() + from, one, c, -50, 70, part.data());
      ASSERT_EQ(std::memcmp(largest.data() + to, part.data(), static_cast<size_t>(c) * 4), 0) << c;
      table().window_mean_q8(q.data() + from, one, c, mean, bytes.data());
      ASSERT_EQ(std::memcmp(means.data() + to, bytes.data(), static_cast<size_t>(c)), 0) << c;
      table().window_max_q8(q.data() + from, one, c, 0x80, -100, 90, bytes.data());
      ASSERT_EQ(std::memcmp(most.data() + to, bytes.data(), static_cast<size_t>(c)), 0) << c;
    }
    ASSERT_TRUE(sums.intact() && largest.intact() && means.intact() && most.intact());
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Reduce, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
