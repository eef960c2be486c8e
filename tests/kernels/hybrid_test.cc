// SPDX-License-Identifier: Apache-2.0
// What hybrid operators use: the range of floats, their codes, products stored as floats.
#include "gemm_case.h"

namespace cygnet {
namespace {

using HybridTest = Kernels;

TEST_P(HybridTest, Range) {
  for (const int64_t n : lengths()) {
    Guarded<float> in(static_cast<size_t>(n));
    for (int round = 0; round < 4; ++round) {
      fill_real(in, round == 1 ? 1.0f : -5.0f, round == 2 ? -1.0f : 5.0f);
      if (n > 0 && round == 3) {
        in[integer(0, n - 1)] = kNan;
        in[integer(0, n - 1)] = kInfinity;
      }
      float least = 0;
      float most = 0;
      for (int64_t i = 0; i < n; ++i) {
        if (in[i] < least) least = in[i];
        if (in[i] > most) most = in[i];
      }
      float low = 7;
      float high = 7;
      table().range_f32(in.data(), n, &low, &high);
      ASSERT_EQ(low, least) << n;
      ASSERT_EQ(high, most) << n;
    }
  }
}

TEST_P(HybridTest, Codes) {
  for (const int64_t n : lengths()) {
    Guarded<float> in(static_cast<size_t>(n));
    fill_real(in, -9, 9);
    for (int64_t i = 0; i < n; ++i) {
      if (i % 7 == 3) in[i] = static_cast<float>(integer(-20, 20)) * 0.5f;  // halves
      if (i % 31 == 30) in[i] = flip_coin() ? kNan : -kInfinity;
    }
    DynamicQuant quant;
    quant.inverse = flip_coin() ? 1.0f : real(5, 40);
    quant.zero = flip_coin() ? 0 : static_cast<int32_t>(integer(-128, 127));
    Guarded<uint8_t> out(static_cast<size_t>(n));
    table().quantize_dynamic(in.data(), n, quant, out.data());
    for (int64_t i = 0; i < n; ++i) {
      const float scaled = product(in[i], quant.inverse);
      const double code = std::isnan(scaled) ? -300.0 : std::round(double{scaled});
      const double expected =
          std::clamp(code, double(-128 - quant.zero), double(127 - quant.zero)) + quant.zero + 128;
      ASSERT_EQ(out[i], static_cast<int>(expected)) << in[i] << " · " << quant.inverse;
    }
    ASSERT_TRUE(out.intact());
  }
}

TEST_P(HybridTest, Products) {
  const int nr = table().gemm_q8_nr;
  for (int turn = 0; turn < 200; ++turn) {
    const int64_t m = integer(0, 2 * table().gemm_q8_mr + 1), n = integer(1, 2 * nr + 3);
    const int64_t k = integer(1, 70), stride = n + integer(0, 2);
    Rows<uint8_t> rows(m, 1, k, true, kRowSlackBytes);
    fill(rows.a, 0, 255);
    Guarded<int8_t> weights(static_cast<size_t>(n * k));
    fill(weights, -127, 127);
    Guarded<float> scale(static_cast<size_t>(n)), bias(static_cast<size_t>(n));
    fill_real(scale, 0.001f, 0.01f);
    fill_real(bias, -2, 2);
    Guarded<int32_t> sums(static_cast<size_t>(n));
    for (int64_t j = 0; j < n; ++j) {
      sums[j] = 0;
      for (int64_t d = 0; d < k; ++d) sums[j] += weights[j * k + d];
    }
    std::vector<DynamicQuant> quants(static_cast<size_t>(m + 1));
    const bool asymmetric = flip_coin();
    for (DynamicQuant& quant : quants) {
      quant.scale = real(0.01f, 0.1f);
      quant.zero = asymmetric ? static_cast<int32_t>(integer(-128, 127)) : 0;
    }
    PackQ8 params;
    params.input_zero_point = 128;
    params.scale = scale.data();
    params.scale_stride = 1;
    Guarded<int32_t> packed(gemm_q8_packed_bytes(n, 1, k, nr) / 4);
    pack_gemm_q8(weights.data(), {k, k, 1}, params, n, 1, k, nr, packed.data());
    Guarded<float> out(static_cast<size_t>(m > 0 ? (m - 1) * stride + n : 0));
    GemmQ8 g;
    rows.give(g);
    g.m = m, g.n = n, g.k = k;
    g.weights = packed.data();
    g.store = StoreQ8::f32;
    g.out = out.data(), g.out_stride = stride;
    g.hybrid.quants = quants.data();
    g.hybrid.quant_step = integer(0, 1);
    g.hybrid.bias = flip_coin() ? bias.data() : nullptr;
    g.hybrid.sums = asymmetric ? sums.data() : nullptr;
    g.hybrid.lo = flip_coin() ? -kInfinity : 0.0f;
    g.hybrid.hi = flip_coin() ? kInfinity : 6.0f;
    table().gemm_q8(g);
    for (int64_t i = 0; i < m; ++i) {
      const DynamicQuant& quant = quants[static_cast<size_t>(i * g.hybrid.quant_step)];
      for (int64_t j = 0; j < n; ++j) {
        int64_t acc = 0;
        for (int64_t d = 0; d < k; ++d)
          acc += int64_t{rows.row(i, 0)[d] - 128 - quant.zero} * weights[j * k + d];
        float expected = product(static_cast<float>(acc), product(quant.scale, scale[j]));
        if (g.hybrid.bias != nullptr) expected = sum(expected, bias[j]);
        ASSERT_EQ(out[i * stride + j], std::clamp(expected, g.hybrid.lo, g.hybrid.hi))
            << "row " << i << " column " << j;
      }
      for (int64_t j = n; j < stride && i + 1 < m; ++j) ASSERT_TRUE(out.untouched(i * stride + j));
    }
    ASSERT_TRUE(out.intact());
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, HybridTest, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
