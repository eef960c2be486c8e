// SPDX-License-Identifier: Apache-2.0
// gemm_f32 and gemm_s16 against sums in double and int64.
#include "gemm_case.h"

namespace cygnet {
namespace {

class Gemm : public Kernels {
 protected:
  /// One product of small multiples of 1/4, which float arithmetic gets right to the bit.
  void check_f32(int64_t m, int64_t n, int64_t taps, int64_t k, bool transposed) {
    SCOPED_TRACE("m " + std::to_string(m) + " n " + std::to_string(n) + " taps " +
                 std::to_string(taps) + " k " + std::to_string(k));
    Rows<float> rows(m, taps, k, taps == 1 && flip_coin(), 0);
    for (size_t i = 0; i < rows.a.size(); ++i) rows.a[i] = static_cast<float>(integer(-8, 8)) / 4;
    for (int64_t i = 0; i < k; ++i) rows.zero[i] = 0;
    fill_offsets(rows, k, [this](int64_t lo, int64_t hi) { return integer(lo, hi); });
    Guarded<float> weights(static_cast<size_t>(n * taps * k));
    fill(weights, -8, 8);
    Guarded<float> bias(static_cast<size_t>(n));
    fill(bias, -100, 100);
    const bool has_bias = integer(0, 3) != 0;
    const int nr = table().gemm_f32_nr;
    const WeightStrides strides = weight_strides(transposed, n, taps, k);
    Guarded<float> packed(gemm_f32_packed_bytes(n, taps, k, nr) / sizeof(float));
    pack_gemm_f32(weights.data(), strides, has_bias ? bias.data() : nullptr, n, taps, k, nr,
                  packed.data());
    const int64_t out_stride = n + integer(0, 2);
    Guarded<float> out(static_cast<size_t>(m > 0 ? (m - 1) * out_stride + n : 0));
    GemmF32 g;
    rows.give(g);
    g.m = m, g.n = n, g.taps = taps, g.k = k;
    g.weights = packed.data();
    g.out = out.data();
    g.out_stride = out_stride;
    const bool limited = flip_coin();
    g.lo = limited ? -20.0f : -kInfinity;
    g.hi = limited ? 31.5f : kInfinity;
    table().gemm_f32(g);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double acc = has_bias ? double{bias[j]} : 0;
        for (int64_t t = 0; t < taps; ++t) {
          const float* row = rows.row(i, t);
          for (int64_t d = 0; d < k; ++d) {
            const int64_t at = j * strides.n_stride + t * strides.tap_stride + d * strides.k_stride;
            acc += double{row[d]} * double{weights[at]};
          }
        }
        acc = std::clamp(acc, double{g.lo}, double{g.hi});
        ASSERT_EQ(double{out[i * out_stride + j]}, acc) << "row " << i << " column " << j;
      }
      for (int64_t j = n; j < out_stride && i + 1 < m; ++j) {
        ASSERT_TRUE(out.untouched(i * out_stride + j)) << "written behind row " << i;
      }
    }
    ASSERT_TRUE(out.intact());
  }

  void check_s16(int64_t m, int64_t n, int64_t taps, int64_t k, int64_t bias_limit, bool extreme) {
    SCOPED_TRACE("m " + std::to_string(m) + " n " + std::to_string(n) + " taps " +
                 std::to_string(taps) + " k " + std::to_string(k));
    Rows<int16_t> rows(m, taps, k, taps == 1 && flip_coin(), 0);
    fill(rows.a, -32768, extreme ? -32768 : 32767);
    for (int64_t i = 0; i < k; ++i) rows.zero[i] = 0;
    fill_offsets(rows, k, [this](int64_t lo, int64_t hi) { return integer(lo, hi); });
    Guarded<int8_t> weights(static_cast<size_t>(n * taps * k));
    fill(weights, -128, extreme ? -128 : 127);
    Guarded<int64_t> bias(static_cast<size_t>(n));
    fill(bias, -bias_limit, bias_limit);
    const bool has_bias = integer(0, 3) != 0;
    Guarded<float> scale(static_cast<size_t>(n));
    const auto size = static_cast<float>(taps * k + 1) * 1e6f + static_cast<float>(bias_limit);
    fill_real(scale, 1e4f / size, 4e4f / size);
    const int64_t out_stride = n + integer(0, 2);
    Guarded<int16_t> out(static_cast<size_t>(m > 0 ? (m - 1) * out_stride + n : 0));
    GemmS16 g;
    rows.give(g);
    g.m = m, g.n = n, g.taps = taps, g.k = k;
    g.weights = weights.data();
    g.bias = has_bias ? bias.data() : nullptr;
    g.scale = scale.data();
    g.scale_stride = integer(0, 1);
    g.out = out.data();
    g.out_stride = out_stride;
    g.lo = flip_coin() ? -32768 : 0;
    g.hi = flip_coin() ? 32767 : 1234;
    table().gemm_s16(g);
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        int64_t acc = has_bias ? bias[j] : 0;
        for (int64_t t = 0; t < taps; ++t) {
          const int16_t* row = rows.row(i, t);
          for (int64_t d = 0; d < k; ++d) acc += int64_t{row[d]} * weights[(j * taps + t) * k + d];
        }
        const double scaled = static_cast<double>(acc) * double{scale[j * g.scale_stride]};
        const double expected = std::clamp(std::nearbyint(scaled), double(g.lo), double(g.hi));
        ASSERT_EQ(out[i * out_stride + j], expected) << "row " << i << " column " << j;
      }
      for (int64_t j = n; j < out_stride && i + 1 < m; ++j) {
        ASSERT_TRUE(out.untouched(i * out_stride + j)) << "written behind row " << i;
      }
    }
    ASSERT_TRUE(out.intact());
  }
};

TEST_P(Gemm, F32AllTiles) {
  int64_t turn = 0;
  for (int64_t m = 0; m <= 2 * table().gemm_f32_mr + 1; ++m) {
    for (int64_t n = 0; n <= 2 * table().gemm_f32_nr + 3; ++n, ++turn) {
      check_f32(m, n, 1 + turn % 3, 1 + turn % 9, turn % 2 == 0);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Gemm, F32NoDepthIsBias) {
  check_f32(3, table().gemm_f32_nr + 1, 1, 0, false);
}

TEST_P(Gemm, F32WeightsBeyondTheCache) {
  check_f32(3 * table().gemm_f32_mr + 1, 2 * table().gemm_f32_nr + 1, 9, 137, false);
  check_f32(2 * table().gemm_f32_mr, 100, 1, 700, false);
}

// Depths in parts that end within a tap, rows in groups.
TEST_P(Gemm, F32PartsOfDepthsAndRows) {
  const int64_t m = 20 * table().gemm_f32_mr + 1;
  check_f32(m, table().gemm_f32_nr + 3, 3, 101, true);
  check_f32(m, table().gemm_f32_nr, 1, 513, false);
  check_f32(7, 5, 300, 1, true);
  check_f32(1, 5, 300, 2, true);
}

// Threads and batches may cut the rows anywhere.
TEST_P(Gemm, F32RowsAloneAreTheSame) {
  const int64_t m = 13, k = 301;
  const int nr = table().gemm_f32_nr;
  for (const int64_t n : {1, nr - 1, nr, nr + 5, 2 * nr + nr / 2, 3 * nr + 16}) {
    Guarded<float> a(static_cast<size_t>(m * k)), weights(static_cast<size_t>(n * k));
    fill_real(a, -1, 1);
    fill_real(weights, -1, 1);
    Guarded<float> packed(gemm_f32_packed_bytes(n, 1, k, nr) / sizeof(float));
    pack_gemm_f32(weights.data(), {k, k, 1}, nullptr, n, 1, k, nr, packed.data());
    Guarded<float> together(static_cast<size_t>(m * n)), alone(static_cast<size_t>(m * n));
    GemmF32 g;
    g.a = a.data(), g.a_stride = k, g.m = m, g.n = n, g.k = k;
    g.weights = packed.data();
    g.out = together.data(), g.out_stride = n;
    g.lo = -kInfinity, g.hi = kInfinity;
    table().gemm_f32(g);
    g.m = 1;
    for (int64_t i = 0; i < m; ++i) {
      g.a = a.data() + i * k;
      g.out = alone.data() + i * n;
      table().gemm_f32(g);
    }
    EXPECT_EQ(together.values(), alone.values()) << n;
    EXPECT_TRUE(alone.intact());
  }
}

TEST_P(Gemm, F32NanAndInfinityStayInTheirRows) {
  const int64_t m = table().gemm_f32_mr + 2;
  const int64_t n = table().gemm_f32_nr + 3;
  const int nr = table().gemm_f32_nr;
  for (int64_t bad = 0; bad < m; ++bad) {
    Guarded<float> a(static_cast<size_t>(2 * m));
    for (int64_t i = 0; i < 2 * m; ++i) a[i] = 1;
    a[2 * bad] = bad % 2 == 0 ? kNan : kInfinity;
    const std::vector<float> weights(static_cast<size_t>(2 * n), 1.0f);
    Guarded<float> packed(gemm_f32_packed_bytes(n, 1, 2, nr) / sizeof(float));
    pack_gemm_f32(weights.data(), {2, 2, 1}, nullptr, n, 1, 2, nr, packed.data());
    Guarded<float> out(static_cast<size_t>(m * n));
    GemmF32 g;
    g.a = a.data(), g.a_stride = 2, g.m = m, g.n = n, g.k = 2;
    g.weights = packed.data();
    g.out = out.data(), g.out_stride = n;
    g.lo = 0, g.hi = 6;
    table().gemm_f32(g);
    const float expected = bad % 2 == 0 ? kNan : 6;
    for (int64_t i = 0; i < m * n; ++i) {
      ASSERT_TRUE(same_float(out[i], i / n == bad ? expected : 2))
          << "at " << i << ", bad row " << bad;
    }
  }
}

TEST_P(Gemm, S16) {
  for (int64_t m = 0; m <= 5; ++m) {
    for (int64_t n = 0; n <= 9; ++n) {
      for (int64_t k = 0; k <= 9; ++k) {
        check_s16(m, n, 1 + (m + n) % 3, k, 1000000, false);
        if (HasFatalFailure()) return;
      }
    }
  }
  for (const int64_t k : {15, 16, 17, 31, 33, 63, 65, 255, 256, 257, 1000}) {
    check_s16(2, 3, 2, k, int64_t{1} << 40, false);
  }
  check_s16(2, 2, 1, 3000, 0, true);
}

INSTANTIATE_TEST_SUITE_P(Tier, Gemm, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
