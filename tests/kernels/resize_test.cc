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

INSTANTIATE_TEST_SUITE_P(Tier, Resize, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
