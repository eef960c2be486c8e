// SPDX-License-Identifier: Apache-2.0
// Conversions of type against one element at a time.
#include <limits>

#include "kernel_fixture.h"

namespace cygnet {
namespace {

/// The value of a half, from its three fields.
float half_value(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  double value =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) value = mantissa == 0 ? INFINITY : NAN;
  return static_cast<float>((half & 0x8000) != 0 ? -value : value);
}

/// The half nearest to x, ties to the even one. x is no NaN.
uint16_t nearest_half(float x) {
  const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double magnitude = std::fabs(double{x});
  if (magnitude >= 65520) return sign | 0x7c00;
  int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  double steps = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
  if (steps == 2048) steps = 1024, ++exponent;
  const int biased = steps < 1024 ? 0 : exponent + 15;
  return static_cast<uint16_t>(sign | biased << 10 | (static_cast<int>(steps) & 1023));
}

class Convert : public Kernels {
 protected:
  /// clamp(round(x / scale) + zero_point, lo, hi), NaN to lo.
  static int32_t quantized(float x, float scale, int32_t zero_point, int32_t lo, int32_t hi) {
    const float steps = x / scale;
    if (std::isnan(steps)) return lo;
    return static_cast<int32_t>(
        std::clamp(double{std::round(steps)} + zero_point, double(lo), double(hi)));
  }

  /// Numbers that quantization may get wrong: halves and their neighbours, limits, specials.
  std::vector<float> numbers(float scale) {
    std::vector<float> all = {kNan,   -kNan,         kInfinity,      -kInfinity,   0.0f,
                              -0.0f,  1e30f,         -1e30f,         3.4e38f,      -3.4e38f,
                              1e-44f, 2147483648.0f, -2147483648.0f, 4294967296.0f};
    for (int i = -300; i <= 300; ++i) {
      const float half = (static_cast<float>(i) + 0.5f) * scale;
      all.push_back(half);
      all.push_back(std::nextafter(half, 1e9f));
      all.push_back(std::nextafter(half, -1e9f));
    }
    for (int i = 0; i < 2000; ++i) all.push_back(real(-200, 200) * scale);
    for (int i = 0; i < 2000; ++i) all.push_back(real(-40000, 70000) * scale);
    for (int i = 0; i < 2000; ++i) all.push_back(any_float());
    return all;
  }

  /// The last n of `from`.
  static std::vector<float> tail(const std::vector<float>& from, int64_t n) {
    return {from.end() - static_cast<std::ptrdiff_t>(n), from.end()};
  }
};

TEST_P(Convert, QuantizeQ8) {
  for (const float scale : {1.0f, 0.25f, 0.1f, 0.007843138f, 3e-20f}) {
    const std::vector<float> all = numbers(scale);
    for (const int32_t zero_point : {-128, -100, -1, 0, 7, 127, 200, 255}) {
      const bool is_signed = zero_point < 0 || (zero_point <= 127 && flip_coin());
      const int32_t low = is_signed ? -128 : 0;
      const bool limited = flip_coin();
      const int32_t lo = limited ? zero_point : low;
      const int32_t hi = limited ? std::min(low + 255, zero_point + 20) : low + 255;
      std::vector<int64_t> sizes = lengths();
      sizes.push_back(static_cast<int64_t>(all.size()));
      for (const int64_t n : sizes) {
        const Guarded<float> in(tail(all, n));
        Guarded<uint8_t> out(static_cast<size_t>(n));
        table().quantize_q8(in.data(), n, scale, zero_point, lo, hi, out.data());
        for (int64_t i = 0; i < n; ++i) {
          ASSERT_EQ(out[i], static_cast<uint8_t>(quantized(in[i], scale, zero_point, lo, hi)))
              << in[i] << " by " << scale << ", zero point " << zero_point;
        }
        ASSERT_TRUE(out.intact());
      }
    }
  }
}

TEST_P(Convert, QuantizeS16) {
  for (const float scale : {1.0f, 0.25f, 0.1f, 3.0517578e-05f}) {
    const std::vector<float> all = numbers(scale);
    for (const bool is_signed : {false, true}) {
      const int32_t lo = is_signed ? -32768 : 0;
      const int32_t zero_point = is_signed ? 0 : static_cast<int32_t>(integer(0, 65535));
      std::vector<int64_t> sizes = lengths();
      sizes.push_back(static_cast<int64_t>(all.size()));
      for (const int64_t n : sizes) {
        const Guarded<float> in(tail(all, n));
        Guarded<int16_t> out(static_cast<size_t>(n));
        table().quantize_s16(in.data(), n, scale, zero_point, lo, lo + 65535, out.data());
        for (int64_t i = 0; i < n; ++i) {
          ASSERT_EQ(out[i],
                    static_cast<int16_t>(quantized(in[i], scale, zero_point, lo, lo + 65535)))
              << in[i] << " by " << scale << ", zero point " << zero_point;
        }
        ASSERT_TRUE(out.intact());
      }
    }
  }
}

TEST_P(Convert, Dequantize) {
  for (const int64_t n : lengths()) {
    Guarded<uint8_t> in8(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) in8[i] = static_cast<uint8_t>(n - 1 - i);
    Guarded<int16_t> in16(static_cast<size_t>(n));
    fill(in16, -32768, 32767);
    Guarded<float> out(static_cast<size_t>(n));
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      const float scale = real(0.001f, 2);
      const auto zero_point = static_cast<int32_t>(integer(0, 255)) - flip;
      out.poison();
      table().dequantize_q8(in8.data(), n, flip, scale, zero_point, out.data());
      for (int64_t i = 0; i < n; ++i) {
        const int32_t value = (in8[i] ^ flip) - flip;
        ASSERT_EQ(out[i], product(static_cast<float>(value - zero_point), scale))
            << i << " of " << n;
      }
      out.poison();
      table().dequantize_s16(in16.data(), n, scale, zero_point, out.data());
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(out[i], product(static_cast<float>(in16[i] - zero_point), scale))
            << i << " of " << n;
      }
      ASSERT_TRUE(out.intact());
    }
  }
}

TEST_P(Convert, RequantizeS32) {
  for (const int64_t n : lengths()) {
    for (const int64_t stride : {0, 1}) {
      for (const int64_t size : {int64_t{1000}, int64_t{2147483647}}) {
        Guarded<int32_t> in(static_cast<size_t>(n));
        fill(in, -size - 1, size);
        if (n > 2 && size > 1000) in[0] = INT32_MIN, in[n - 1] = INT32_MAX;
        Guarded<float> scale(static_cast<size_t>(stride == 0 ? std::min<int64_t>(n, 1) : n));
        // With 1/8 every eighth result is a tie.
        for (size_t i = 0; i < scale.size(); ++i) {
          scale[static_cast<int64_t>(i)] =
              flip_coin() ? 0.125f : real(50, 400) / static_cast<float>(size);
        }
        const bool is_signed = flip_coin();
        const int32_t low = is_signed ? -128 : 0;
        const auto zero_point = low + static_cast<int32_t>(integer(0, 255));
        const int32_t lo = flip_coin() ? zero_point : low;
        Guarded<uint8_t> out(static_cast<size_t>(n));
        table().requantize_s32(in.data(), n, scale.data(), stride, zero_point, lo, low + 255,
                               out.data());
        for (int64_t i = 0; i < n; ++i) {
          const int32_t expected = requantized(in[i], scale[i * stride], zero_point, lo, low + 255);
          ASSERT_EQ(out[i], static_cast<uint8_t>(expected)) << "element " << i << " of " << n;
        }
        ASSERT_TRUE(out.intact());
      }
    }
  }
}

TEST_P(Convert, EveryHalfToFloat) {
  Guarded<uint16_t> in(65536);
  for (int64_t i = 0; i < 65536; ++i) in[i] = static_cast<uint16_t>(i);
  Guarded<float> out(65536);
  table().half_to_float(in.data(), 65536, out.data());
  for (int64_t i = 0; i < 65536; ++i) {
    ASSERT_TRUE(same_float(out[i], half_value(static_cast<uint16_t>(i)))) << "half " << i;
  }
  Guarded<uint16_t> back(65536);
  table().float_to_half(out.data(), 65536, back.data());
  for (int64_t i = 0; i < 65536; ++i) {
    const bool is_nan = (i & 0x7fff) > 0x7c00;
    // A NaN becomes quiet; its other bits stay.
    ASSERT_EQ(back[i], is_nan ? i | 0x200 : i);
  }
}

TEST_P(Convert, FloatToHalf) {
  std::vector<float> all = {0.0f,
                            -0.0f,
                            kInfinity,
                            -kInfinity,
                            65504,
                            65519.996f,
                            65520,
                            65536,
                            1e30f,
                            1e-30f,
                            0x1p-24f,
                            0x1p-25f,
                            std::nextafter(0x1p-25f, 1.0f),
                            1e-45f};
  for (uint16_t half = 0; half < 0x7bff; ++half) {
    const float middle = (half_value(half) + half_value(static_cast<uint16_t>(half + 1))) / 2;
    for (const float x : {middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1e9f)}) {
      all.push_back((half & 1) != 0 ? x : -x);
    }
  }
  for (int i = 0; i < 100000; ++i) {
    const float x = flip_coin() ? any_float() : real(-70000, 70000) * (flip_coin() ? 1e-8f : 1.0f);
    if (!std::isnan(x)) all.push_back(x);
  }
  const Guarded<float> in(all);
  Guarded<uint16_t> out(all.size());
  table().float_to_half(in.data(), static_cast<int64_t>(all.size()), out.data());
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(out[static_cast<int64_t>(i)], nearest_half(all[i])) << std::hexfloat << all[i];
  }
  const Guarded<float> nans(std::vector<float>{kNan, -kNan});
  Guarded<uint16_t> halves(2);
  table().float_to_half(nans.data(), 2, halves.data());
  for (int64_t i = 0; i < 2; ++i) EXPECT_EQ(halves[i] & 0x7e00, 0x7e00);
}

TEST_P(Convert, HalvesOfEveryLength) {
  for (const int64_t n : lengths()) {
    Guarded<uint16_t> in(static_cast<size_t>(n));
    fill(in, 0, 0x7bff);
    Guarded<float> out(static_cast<size_t>(n));
    table().half_to_float(in.data(), n, out.data());
    Guarded<uint16_t> back(static_cast<size_t>(n));
    table().float_to_half(out.data(), n, back.data());
    ASSERT_EQ(back.values(), in.values());
    ASSERT_TRUE(out.intact() && back.intact());
  }
}

TEST_P(Convert, XorCopy) {
  for (const int64_t n : lengths()) {
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      Guarded<uint8_t> in(static_cast<size_t>(n));
      fill(in, 0, 255);
      Guarded<uint8_t> out(static_cast<size_t>(n));
      table().xor_copy(in.data(), n, flip, out.data());
      for (int64_t i = 0; i < n; ++i)
        ASSERT_EQ(out[i], in[i] ^ flip) << "element " << i << " of " << n;
      ASSERT_TRUE(out.intact());
      table().xor_copy(in.data(), n, flip, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Convert, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
