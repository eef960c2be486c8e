// SPDX-License-Identifier: Apache-2.0
// The rows of a bilinear resize: f32 against double, 8 bits against int64.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

class Resize : public Kernels {
 protected:
  /// Offsets of w pixels among `source` ones; the last pixel of the row is always among them.
  void fill_pixels(Guarded<int32_t>& to, int64_t source, int64_t c) {
    for (size_t i = 0; i < to.size(); ++i) {
      const int64_t pixel = integer(0, 3) == 0 ? source - 1 : integer(0, source - 1);
      to[static_cast<int64_t>(i)] = static_cast<int32_t>(pixel * c);
    }
  }
};

/// a + (b − a)·weight / 2^15, rounded to nearest, halves up.
int64_t lerp(int64_t a, int64_t b, int64_t weight) {
  return a + static_cast<int64_t>(std::floor((double(b - a) * double(weight) + 16384) / 32768));
}

TEST_P(Resize, BilinearF32) {
  for (int64_t c = 0; c <= 70; ++c) {
    const int64_t source = 1 + c % 5;
    const int64_t w = c % 7;
    Guarded<float> top(static_cast<size_t>(source * c));
    Guarded<float> bottom(static_cast<size_t>(source * c));
    fill_real(top, -10, 10);
    fill_real(bottom, -10, 10);
    Guarded<int32_t> left(static_cast<size_t>(w));
    Guarded<int32_t> right(static_cast<size_t>(w));
    fill_pixels(left, source, c);
    fill_pixels(right, source, c);
    Guarded<float> x_weight(static_cast<size_t>(w));
    fill_real(x_weight, 0, 1);
    Guarded<float> out(static_cast<size_t>(w * c));
    BilinearRow g;
    g.top = top.data(), g.bottom = bottom.data();
    g.left = left.data(), g.right = right.data(), g.x_weight = x_weight.data();
    g.y_weight = c % 3 == 0 ? 0 : real(0, 1);
    g.w = w, g.c = c;
    g.out = out.data();
    table().bilinear_f32(g);
    for (int64_t i = 0; i < w; ++i) {
      for (int64_t ch = 0; ch < c; ++ch) {
        const double x = double{x_weight[i]}, y = double{g.y_weight};
        const double above = double{top[left[i] + ch]} * (1 - x) + double{top[right[i] + ch]} * x;
        const double below =
            double{bottom[left[i] + ch]} * (1 - x) + double{bottom[right[i] + ch]} * x;
        ASSERT_NEAR(double{out[i * c + ch]}, above * (1 - y) + below * y, 1e-5)
            << "pixel " << i << " channel " << ch << " of " << c;
      }
    }
    ASSERT_TRUE(out.intact());
  }
}

TEST_P(Resize, LerpRowsQ8) {
  for (const int64_t n : lengths()) {
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      Guarded<uint8_t> top(static_cast<size_t>(n));
      Guarded<uint8_t> bottom(static_cast<size_t>(n));
      fill(top, 0, 255);
      fill(bottom, 0, 255);
      if (n > 1) top[0] = 255, bottom[0] = 0, top[n - 1] = 0, bottom[n - 1] = 255;
      Guarded<int16_t> out(static_cast<size_t>(n));
      const auto weight =
          static_cast<int16_t>(n % 4 == 0 ? 32767 * (n % 8 / 4) : integer(0, 32767));
      table().lerp_rows_q8(top.data(), bottom.data(), n, weight, flip, out.data());
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(out[i], lerp((top[i] ^ flip) * 128, (bottom[i] ^ flip) * 128, weight))
            << "element " << i << " of " << n;
      }
      ASSERT_TRUE(out.intact());
    }
  }
}

TEST_P(Resize, LerpPixelsQ8) {
  for (int64_t c = 0; c <= 70; ++c) {
    for (const int64_t w : {int64_t{0}, int64_t{1}, 1 + c % 9, int64_t{40}}) {
      const int64_t source = 1 + c % 5;
      Guarded<int16_t> row(static_cast<size_t>(source * c), kLerpSlackBytes);
      fill(row, 0, 255 * 128);
      Guarded<int32_t> left(static_cast<size_t>(w));
      Guarded<int32_t> right(static_cast<size_t>(w));
      fill_pixels(left, source, c);
      fill_pixels(right, source, c);
      Guarded<int16_t> weight(static_cast<size_t>(w));
      fill(weight, 0, 32767);
      if (w > 1) weight[0] = 0, weight[1] = 32767;
      Guarded<uint8_t> out(static_cast<size_t>(w * c));
      LerpPixelsQ8 g;
      g.row = row.data();
      g.left = left.data(), g.right = right.data(), g.weight = weight.data();
      g.w = w, g.c = c;
      g.flip = flip_coin() ? 0x80 : 0;
      g.out = out.data();
      table().lerp_pixels_q8(g);
      for (int64_t i = 0; i < w; ++i) {
        for (int64_t ch = 0; ch < c; ++ch) {
          const int64_t value = (lerp(row[left[i] + ch], row[right[i] + ch], weight[i]) + 64) / 128;
          ASSERT_EQ(out[i * c + ch], static_cast<uint8_t>(value ^ g.flip))
              << "pixel " << i << " of " << w << ", channel " << ch << " of " << c;
        }
      }
      ASSERT_TRUE(out.intact());
    }
  }
}

TEST_P(Resize, LerpRowsF32) {
  for (const int64_t n : lengths()) {
    Guarded<float> top(static_cast<size_t>(n)), bottom(top.size()), out(top.size());
    fill_real(top, -9, 9);
    fill_real(bottom, -9, 9);
    const float weight = n % 5 == 0 ? 0 : real(0, 1);
    table().lerp_rows_f32(top.data(), bottom.data(), n, weight, out.data());
    for (int64_t i = 0; i < n; ++i) {
      const double a = double{top[i]}, b = double{bottom[i]};
      ASSERT_NEAR(double{out[i]}, a + (b - a) * double{weight}, 1e-5) << i << " of " << n;
    }
    ASSERT_TRUE(out.intact());
  }
}

TEST_P(Resize, LerpPixelsF32) {
  for (int64_t c = 0; c <= 40; ++c) {
    for (const int64_t w : {int64_t{0}, int64_t{1}, 1 + c % 9, int64_t{70}}) {
      const int64_t source = 1 + c % 5;
      Guarded<float> row(static_cast<size_t>(source * c));
      fill_real(row, -9, 9);
      Guarded<int32_t> left(static_cast<size_t>(w)), right(left.size());
      fill_pixels(left, source, c);
      fill_pixels(right, source, c);
      Guarded<float> weight(left.size());
      fill_real(weight, 0, 1);
      Guarded<float> out(static_cast<size_t>(w * c));
      const LerpPixelsF32 g{row.data(), left.data(), right.data(), weight.data(), source * c,
                            w,          c,           out.data()};
      table().lerp_pixels_f32(g);
      for (int64_t i = 0; i < w * c; ++i) {
        const double l = double{row[left[i / c] + i % c]}, r = double{row[right[i / c] + i % c]};
        ASSERT_NEAR(double{out[i]}, l + (r - l) * double{weight[i / c]}, 1e-5)
            << "element " << i << " of " << w << " pixels of " << c;
      }
      ASSERT_TRUE(out.intact());
    }
  }
}

/// Elements with columns of their own, in ascending order, near and far from each other.
TEST_P(Resize, LerpElements) {
  for (const double step : {0.3, 0.5, 1.0, 2.6}) {
    for (const int64_t w : {5, 31, 64, 100, 333}) {
      const auto source = static_cast<int64_t>(step * double(w)) + 2;
      Guarded<float> row(static_cast<size_t>(source));
      Guarded<int16_t> words(row.size(), kLerpSlackBytes);
      fill_real(row, -9, 9);
      fill(words, 0, 255 * 128);
      Guarded<int32_t> left(static_cast<size_t>(w)), right(left.size());
      Guarded<float> weight(left.size());
      Guarded<int16_t> parts(left.size());
      for (int64_t i = 0; i < w; ++i) {
        left[i] = static_cast<int32_t>(step * double(i));
        right[i] = left[i] + (i % 7 == 3 ? 0 : 1);
      }
      fill_real(weight, 0, 1);
      fill(parts, 0, 32767);
      Guarded<float> out(left.size());
      Guarded<uint8_t> bytes(left.size());
      table().lerp_pixels_f32(
          {row.data(), left.data(), right.data(), weight.data(), source, w, 1, out.data()});
      table().lerp_pixels_q8(
          {words.data(), left.data(), right.data(), parts.data(), w, 1, 0x80, bytes.data(), {}});
      for (int64_t i = 0; i < w; ++i) {
        const double l = double{row[left[i]]}, r = double{row[right[i]]};
        ASSERT_NEAR(double{out[i]}, l + (r - l) * double{weight[i]}, 1e-5) << i << " of " << w;
        const int64_t value = (lerp(words[left[i]], words[right[i]], parts[i]) + 64) / 128;
        ASSERT_EQ(bytes[i], static_cast<uint8_t>(value ^ 0x80)) << i << " of " << w;
      }
      ASSERT_TRUE(out.intact() && bytes.intact());
    }
  }
}

// Twice the width, with the pixels' channels as columns of their own and without.
TEST_P(Resize, LerpPairsQ8) {
  for (const int64_t c : {1, 2, 3, 4, 8, 16, 24, 32, 64, 128}) {
    for (const int64_t count : {1, 2, 5, 16, 31, 40}) {
      for (const int64_t skipped : {0, 1}) {
        const int64_t spread = c <= 8 && flip_coin() ? c : 1, trailing = integer(0, 2);
        const int64_t pixels = skipped + 2 * count + trailing;
        Guarded<int16_t> row(static_cast<size_t>((count + 1) * c), kLerpSlackBytes);
        fill(row, 0, 255 * 128);
        Guarded<int32_t> left(static_cast<size_t>(pixels * spread)), right(left.size());
        Guarded<int16_t> weight(left.size());
        LerpPairs pairs{.count = count, .skipped = skipped, .c = c};
        for (int16_t& w : pairs.weights) w = static_cast<int16_t>(integer(0, 3) * 8192 + 8191);
        if (flip_coin()) pairs.weights[0] = 0;
        for (int64_t i = 0; i < pixels; ++i) {
          const int64_t k = i - skipped, at = k < 0 ? 0 : std::min(k / 2, count);
          const bool inside = k >= 0 && k < 2 * count;
          for (int64_t ch = 0; ch < spread; ++ch) {
            const int64_t to = i * spread + ch;
            left[to] = static_cast<int32_t>(at * c + ch);
            right[to] = left[to] + static_cast<int32_t>(inside ? c : 0);
            weight[to] = inside ? pairs.weights[k % 2] : int16_t{0};
          }
        }
        Guarded<uint8_t> out(static_cast<size_t>(pixels * c));
        LerpPixelsQ8 g;
        g.row = row.data();
        g.left = left.data(), g.right = right.data(), g.weight = weight.data();
        g.w = pixels * spread, g.c = c / spread;
        g.flip = flip_coin() ? 0x80 : 0;
        g.out = out.data();
        g.pairs = pairs;
        table().lerp_pixels_q8(g);
        for (int64_t i = 0; i < pixels * c; ++i) {
          const int64_t to = spread == 1 ? i / c : i, ch = spread == 1 ? i % c : 0;
          const int64_t value =
              (lerp(row[left[to] + ch], row[right[to] + ch], weight[to]) + 64) / 128;
          ASSERT_EQ(out[i], static_cast<uint8_t>(value ^ g.flip))
              << count << " pairs, element " << i << " of " << pixels << " pixels of " << c;
        }
        ASSERT_TRUE(out.intact());
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Resize, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
