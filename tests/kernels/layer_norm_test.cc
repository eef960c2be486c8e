// SPDX-License-Identifier: Apache-2.0
// layer_norm_f32 against its formula in double.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

class LayerNormTest : public Kernels {
 protected:
  void check(int64_t rows, int64_t n, bool in_place) {
    SCOPED_TRACE("rows " + std::to_string(rows) + " n " + std::to_string(n));
    const auto size = static_cast<size_t>(rows * n);
    Guarded<float> in(size), out(size);
    fill_real(in, -2, 6);
    Guarded<float> gamma(static_cast<size_t>(n)), beta(static_cast<size_t>(n));
    fill_real(gamma, -2, 2);
    fill_real(beta, -2, 2);
    const std::vector<float> x = in.values();
    LayerNormF32 g;
    g.in = in.data();
    g.rows = rows, g.n = n;
    g.gamma = flip_coin() ? gamma.data() : nullptr;
    g.beta = flip_coin() ? beta.data() : nullptr;
    g.epsilon = 1e-3f;
    g.out = in_place ? in.data() : out.data();
    table().layer_norm_f32(g);
    for (int64_t i = 0; i < rows; ++i) {
      double mean = 0, variance = 0;
      for (int64_t j = 0; j < n; ++j) mean += double{x[static_cast<size_t>(i * n + j)]};
      mean /= double(n);
      for (int64_t j = 0; j < n; ++j) {
        const double d = double{x[static_cast<size_t>(i * n + j)]} - mean;
        variance += d * d;
      }
      const double scale = 1 / std::sqrt(variance / double(n) + double{g.epsilon});
      for (int64_t j = 0; j < n; ++j) {
        const double value = (double{x[static_cast<size_t>(i * n + j)]} - mean) * scale;
        const double expected = value * (g.gamma == nullptr ? 1.0 : double{gamma[j]}) +
                                (g.beta == nullptr ? 0.0 : double{beta[j]});
        // A mean that is off by its rounding counts as much as the scale makes of it.
        ASSERT_NEAR(double{g.out[i * n + j]}, expected, 4e-6 * (1 + scale)) << i << ", " << j;
      }
    }
    ASSERT_TRUE(in.intact() && out.intact());
  }
};

TEST_P(LayerNormTest, AllLengths) {
  for (const int64_t n : lengths())
    if (n > 0) check(1 + n % 3, n, n % 2 == 0);
  check(0, 8, false);
}

INSTANTIATE_TEST_SUITE_P(Tier, LayerNormTest, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
