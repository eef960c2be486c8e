// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace cygnet {
namespace {

// The value that the bits of a format with `fraction` bits of fraction and `exponent` of exponent
// mean.
double meaning(uint32_t bits, int exponent, int fraction) {
  const int bias = (1 << (exponent - 1)) - 1;
  const int e = static_cast<int>(bits >> fraction) & ((1 << exponent) - 1);
  const double f = std::ldexp(bits & ((1u << fraction) - 1), -fraction);
  const double magnitude = e == 0 ? std::ldexp(f, 1 - bias) : std::ldexp(1 + f, e - bias);
  return bits >> (fraction + exponent) & 1 ? -magnitude : magnitude;
}

TEST(Half, HoldsEveryFiniteValue) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits >> 10 & 31) == 31) continue;
    const float x = half_to_float(static_cast<uint16_t>(bits));
    ASSERT_EQ(x, meaning(bits, 5, 10)) << bits;
    ASSERT_EQ(float_to_half(x), bits);
  }
}

TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits + 1 < 0x7c00; ++bits) {
    const float low = half_to_float(static_cast<uint16_t>(bits)),
                high = half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;
    ASSERT_EQ(float_to_half(middle), bits + (bits & 1)) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(float_to_half(-std::nextafter(middle, 1e9f)), 0x8000 | (bits + 1));
  }
}

TEST(Half, Ends) {
  EXPECT_EQ(float_to_half(65519.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-INFINITY), 0xfc00);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(NAN))));
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
}

TEST(BFloat16, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits + 1 < 0x7f80; ++bits) {
    BFloat16 low, high;
    low.bits = static_cast<uint16_t>(bits);
    high.bits = static_cast<uint16_t>(bits + 1);
    ASSERT_EQ(float{low}, meaning(bits, 8, 7));
    const float middle = low + (high - low) / 2;
    ASSERT_EQ(BFloat16(middle).bits, bits + (bits & 1)) << bits;
    ASSERT_EQ(BFloat16(std::nextafter(middle, INFINITY)).bits, bits + 1);
  }
  EXPECT_TRUE(std::isnan(float{BFloat16(NAN)}));
}

TEST(SmallIntegers, RoundTrip) {
  for (const Type type : {Type::int4, Type::uint4, Type::int2}) {
    const int low = type == Type::int4 ? -8 : type == Type::uint4 ? 0 : -2;
    const int count = type == Type::int2 ? 4 : 16;
    for (int64_t n = 0; n < 10; ++n) {
      std::vector<int8_t> values, got(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i)
        values.push_back(static_cast<int8_t>(low + (i * 7 + 3) % count));
      std::vector<uint8_t> packed(8, 0xaa);
      pack_small(type, values.data(), n, packed.data());
      unpack_small(type, packed.data(), 0, n, got.data());
      EXPECT_EQ(got, values);
    }
  }
  const uint8_t bytes[] = {0x21, 0xf8};
  int8_t out[2];
  unpack_small(Type::int4, bytes, 1, 2, out);
  EXPECT_EQ(out[0], 2);
  EXPECT_EQ(out[1], -8);
}

TEST(WithType, FindsTheType) {
  size_t bytes = 0;
  EXPECT_TRUE(
      (with_type<float, Half, Complex64>(Type::float16, [&](auto t) { bytes = sizeof t; })));
  EXPECT_EQ(bytes, 2u);
  EXPECT_FALSE((with_type<float, Half>(Type::int8, [](auto) {})));
}

}  // namespace
}  // namespace cygnet
