// SPDX-License-Identifier: Apache-2.0
// lstm_cells_f32 against its formula in double.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

using LstmCellsTest = Kernels;

double sigma(double x) {
  return 1 / (1 + std::exp(-x));
}

TEST_P(LstmCellsTest, AllLengths) {
  for (const int64_t n : lengths()) {
    const auto size = static_cast<size_t>(n);
    Guarded<float> from_x(4 * size), from_h(4 * size), c(size), h(size);
    fill_real(from_x, -5, 5);
    fill_real(from_h, -5, 5);
    fill_real(c, -3, 3);
    const std::vector<float> before = c.values();
    LstmCellsF32 g;
    g.from_x = from_x.data(), g.from_h = from_h.data();
    g.coupled = flip_coin();
    g.n = n;
    g.clip = flip_coin() ? kInfinity : 1.25f;
    g.c = c.data(), g.h = h.data();
    table().lstm_cells_f32(g);
    for (int64_t i = 0; i < n; ++i) {
      const auto gate = [&](int64_t k) { return double{from_x[k * n + i] + from_h[k * n + i]}; };
      const double keep = sigma(gate(1));
      const double in = g.coupled ? 1 - keep : sigma(gate(0));
      const double sum = keep * double{before[static_cast<size_t>(i)]} + in * std::tanh(gate(2));
      const double cell = std::clamp(sum, -double{g.clip}, double{g.clip});
      ASSERT_NEAR(double{c[i]}, cell, 4e-6) << i;
      ASSERT_NEAR(double{h[i]}, sigma(gate(3)) * std::tanh(cell), 4e-6) << i;
    }
    ASSERT_TRUE(c.intact() && h.intact());
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, LstmCellsTest, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
