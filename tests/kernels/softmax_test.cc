// SPDX-License-Identifier: Apache-2.0
// The softmax kernels against plain loops in double and int64.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

class Softmax : public Kernels {
 protected:
  /// Each row of `in` and of `out` against the formula.
  static void check_rows(const Guarded<float>& in, int64_t n, float beta,
                         const Guarded<float>& out) {
    const auto all = static_cast<int64_t>(in.size());
    for (int64_t at = 0; at < all; at += n) {
      double max = double{in[at]};
      for (int64_t i = at; i < at + n; ++i) max = std::max(max, double{in[i]});
      double total = 0;
      for (int64_t i = at; i < at + n; ++i) total += std::exp(double{beta} * (double{in[i]} - max));
      for (int64_t i = at; i < at + n; ++i) {
        const double exponent = double{beta} * (double{in[i]} - max);
        const double expected = std::exp(exponent) / total;
        // The exponent is rounded to float before its power is taken.
        const double limit = (2e-6 + 2e-7 * -exponent) * expected;
        ASSERT_NEAR(double{out[i]}, expected, limit) << "element " << i << " of rows of " << n;
      }
    }
  }
};

/// e^(−slope·d) as SoftmaxQ8 wants it.
std::vector<uint32_t> powers_of(double slope) {
  std::vector<uint32_t> powers;
  for (int d = 0; d < 256; ++d)
    powers.push_back(static_cast<uint32_t>(std::lround(std::exp(-slope * d) * 16777215)));
  return powers;
}

/// What the formula gives, before rounding and without the zero point.
std::vector<double> exact_row(const uint8_t* in, int64_t n, uint8_t flip, const uint32_t* powers,
                              double inverse_scale) {
  int max = 0;
  for (int64_t i = 0; i < n; ++i) max = std::max(max, in[i] ^ flip);
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += powers[max - (in[i] ^ flip)];
  std::vector<double> row;
  for (int64_t i = 0; i < n; ++i)
    row.push_back(powers[max - (in[i] ^ flip)] * inverse_scale / total);
  return row;
}

TEST_P(Softmax, F32) {
  for (const int64_t n : lengths()) {
    if (n == 0) continue;
    for (const int64_t rows : {1, 3, 37}) {
      const float beta = rows == 1 ? 1.0f : rows == 3 ? 0.25f : 3.0f;
      Guarded<float> in(static_cast<size_t>(n * rows));
      const float offset = real(-1000, 1000);
      fill_real(in, offset - 20, offset);
      Guarded<float> out(in.size());
      table().softmax_f32(in.data(), rows, n, beta, out.data());
      check_rows(in, n, beta, out);
      if (HasFatalFailure()) return;
      ASSERT_TRUE(out.intact());
      table().softmax_f32(in.data(), rows, n, beta, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

TEST_P(Softmax, F32FarApart) {
  const std::vector<float> row = {-1e30f, 0, 1000, 999, -kInfinity, 1000};
  Guarded<float> in(row);
  Guarded<float> out(row.size());
  table().softmax_f32(in.data(), 1, 6, 1.0f, out.data());
  const double unit = 1 / (2 + std::exp(-1.0));
  for (const int64_t i : {0, 1, 4}) EXPECT_EQ(out[i], 0) << i;
  EXPECT_NEAR(double{out[2]}, unit, 1e-6);
  EXPECT_NEAR(double{out[3]}, unit * std::exp(-1.0), 1e-6);
  EXPECT_EQ(out[5], out[2]);
}

TEST_P(Softmax, F32PairsFarApart) {
  const std::vector<float> rows = {-1e30f,     1e30f, 1000, 0,    -kInfinity, 5, 0,
                                   -kInfinity, -0.0f, 0,    kNan, 1.0f,       0, kNan};
  const std::vector<float> expected = {0, 1, 1, 0, 0, 1, 1, 0, 0.5f, 0.5f, kNan, kNan, kNan, kNan};
  Guarded<float> in(rows);
  Guarded<float> out(rows.size());
  table().softmax_f32(in.data(), 7, 2, 1.0f, out.data());
  for (int64_t i = 0; i < 14; ++i) {
    if (std::isnan(expected[static_cast<size_t>(i)]))
      EXPECT_TRUE(std::isnan(out[i])) << i;
    else
      EXPECT_NEAR(out[i], expected[static_cast<size_t>(i)], 2e-7) << i;
  }
}

TEST_P(Softmax, Q8) {
  std::vector<int64_t> all = lengths();
  for (const int64_t n : {1023, 1025, 2100}) all.push_back(n);
  for (const int64_t n : all) {
    if (n == 0) continue;
    for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
      const int64_t rows = n < 100 ? 5 : 2;
      const std::vector<uint32_t> powers = powers_of(double{real(0.01f, 0.4f)});
      Guarded<uint8_t> in(static_cast<size_t>(n * rows));
      fill(in, 0, 255);
      Guarded<uint8_t> out(in.size()), plain(in.size());
      const int32_t lo = -int32_t{flip};
      const SoftmaxQ8 params{powers.data(), 256.0f, flip, lo, lo, lo + 255};
      table().softmax_q8(params, in.data(), rows, n, out.data());
      for (int64_t at = 0; at < n * rows; at += n) {
        const std::vector<double> exact = exact_row(in.data() + at, n, flip, powers.data(), 256.0);
        for (int64_t i = 0; i < n; ++i) {
          const int value = out[at + i] ^ flip;
          ASSERT_NEAR(value, std::min(exact[static_cast<size_t>(i)], 255.0), 0.5 + 1e-4)
              << "element " << i << " of rows of " << n;
        }
      }
      ASSERT_TRUE(out.intact());
      tiers()[0]->softmax_q8(params, in.data(), rows, n, plain.data());
      ASSERT_EQ(out.values(), plain.values()) << "not as the plain tier";
      table().softmax_q8(params, in.data(), rows, n, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

/// Enough sums for some results to lie where one other rounding changes them, and limits.
TEST_P(Softmax, Q8HasTheSameBitsOnEveryTier) {
  const int64_t n = 61, rows = 2000;
  const std::vector<uint32_t> powers = powers_of(0.002);
  Guarded<uint8_t> in(static_cast<size_t>(n * rows));
  Guarded<uint8_t> out(in.size()), plain(in.size());
  fill(in, 0, 255);
  for (const int32_t lo : {0, 100}) {
    const SoftmaxQ8 params{powers.data(), 150.0f * n, 0, lo / 3, lo, 255 - lo};
    table().softmax_q8(params, in.data(), rows, n, out.data());
    tiers()[0]->softmax_q8(params, in.data(), rows, n, plain.data());
    ASSERT_EQ(std::memcmp(out.data(), plain.data(), in.size()), 0) << lo;
  }
}

TEST_P(Softmax, PairsQ8) {
  Guarded<uint8_t> pairs(511 * 2);
  for (int64_t d = 0; d < 256; ++d) {
    const auto a = static_cast<uint8_t>(integer(0, 255));
    const auto b = d == 0 ? a : static_cast<uint8_t>(integer(0, 255));
    pairs[2 * (255 + d)] = pairs[2 * (255 - d) + 1] = a;
    pairs[2 * (255 + d) + 1] = pairs[2 * (255 - d)] = b;
  }
  for (const uint8_t flip : {uint8_t{0}, uint8_t{0x80}}) {
    for (const int64_t rows : lengths()) {
      Guarded<uint8_t> in(static_cast<size_t>(2 * rows)), out(in.size());
      fill(in, 0, 255);
      if (rows > 3) in[0] = in[1], in[2] = 0, in[3] = 255, in[4] = 255, in[5] = 0;
      table().softmax_pairs_q8(in.data(), rows, pairs.data(), flip, out.data());
      for (int64_t i = 0; i < 2 * rows; i += 2) {
        const int64_t at = 2 * (255 + (in[i] ^ flip) - (in[i + 1] ^ flip));
        ASSERT_EQ(out[i], pairs[at]) << i / 2 << " of " << rows;
        ASSERT_EQ(out[i + 1], pairs[at + 1]) << i / 2 << " of " << rows;
      }
      ASSERT_TRUE(out.intact());
      table().softmax_pairs_q8(in.data(), rows, pairs.data(), flip, in.data());
      ASSERT_EQ(in.values(), out.values()) << "in place";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Softmax, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
