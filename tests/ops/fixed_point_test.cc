// SPDX-License-Identifier: Apache-2.0
// The reference's fixed-point arithmetic against exact arithmetic.
#include "ops/fixed_point.h"

#include <gtest/gtest.h>

#include "support/op_harness.h"

namespace cygnet::ops {
namespace {

TEST(FixedPoint, SplitsAScale) {
  Multiplier m;
  ASSERT_TRUE(quantize_multiplier(0.5, &m).ok());
  EXPECT_EQ(m.multiplier, 1 << 30);
  EXPECT_EQ(m.shift, 0);
  ASSERT_TRUE(quantize_multiplier(3.0, &m).ok());
  EXPECT_EQ(m.multiplier, 3 << 29);
  EXPECT_EQ(m.shift, 2);
  ASSERT_TRUE(quantize_multiplier(1e-30, &m).ok());
  EXPECT_EQ(m.multiplier, 0);
  EXPECT_FALSE(quantize_multiplier(1e10, &m).ok());
  EXPECT_FALSE(quantize_multiplier(std::numeric_limits<double>::infinity(), &m).ok());
  EXPECT_FALSE(quantize_multiplier(-1, &m).ok());
}

TEST(FixedPoint, RoundsHalvesAwayFromZero) {
  EXPECT_EQ(rounding_divide_by_power(5, 1), 3);
  EXPECT_EQ(rounding_divide_by_power(-5, 1), -3);
  EXPECT_EQ(rounding_divide_by_power(-4, 1), -2);
  EXPECT_EQ(rounding_divide_by_power(std::numeric_limits<int32_t>::min(), 31), -1);
  EXPECT_EQ(rounding_doubling_high_mul(1 << 30, 1 << 30), 1 << 29);
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
  EXPECT_EQ(rounding_doubling_high_mul(kLeast, kLeast), std::numeric_limits<int32_t>::max());
}

// Whatever the scale and the accumulator, the product is within one of the exact one, and
// saturates.
TEST(FixedPoint, ScalesAccumulators) {
  const std::vector<double> exponents = test::random_elements<double>(400, 1, -31, 29.9);
  const std::vector<double> sizes = test::random_elements<double>(400, 2, 0, 46);
  for (size_t i = 0; i < exponents.size(); ++i) {
    const double scale = std::exp2(exponents[i]);
    const auto x = static_cast<int64_t>(std::exp2(sizes[i])) * (i % 2 == 0 ? 1 : -1);
    Multiplier m;
    ASSERT_TRUE(quantize_multiplier(scale, &m).ok());
    const double exact = std::clamp(static_cast<double>(x) * scale, -2147483647.0, 2147483647.0);
    EXPECT_NEAR(apply(m, x), exact, 1 + std::abs(exact) * 4e-5) << x << " times " << scale;
    const double shifted = std::abs(static_cast<double>(x)) * std::exp2(std::max(0, m.shift));
    if (shifted > 1e9) continue;  // the 32-bit form may wrap
    EXPECT_NEAR(apply(m, static_cast<int32_t>(x)), exact, 1 + std::abs(exact) * 1e-8)
        << x << " times " << scale;
  }
}

}  // namespace
}  // namespace cygnet::ops
