// SPDX-License-Identifier: Apache-2.0
#include "kernel_fixture.h"
#include "kernels/pack.h"

namespace cygnet {
namespace {

/// The tiers that have units for it; on most processors none.
std::vector<const KernelTable*> split_tiers() {
  std::vector<const KernelTable*> all;
  for (const KernelTable* table : tiers())
    if (table->gemm_split != nullptr) all.push_back(table);
  return all;
}

struct Sizes {
  int64_t m, n, taps, k;
};

class GemmSplitTest : public Kernels {
 protected:
  /// Checks a product of numbers up to `largest` against double; rows by indirection if `taps` > 1.
  void check(const Sizes& s, float largest, int64_t scratch_rows, bool limited) {
    SCOPED_TRACE(std::to_string(s.m) + " x " + std::to_string(s.n) + ", " + std::to_string(s.taps) +
                 " taps of " + std::to_string(s.k));
    const bool indirect = s.taps > 1;
    const int64_t stride = s.k + integer(0, 3), depth = s.taps * s.k;
    Guarded<float> a(static_cast<size_t>((s.m - 1) * stride + s.k));
    Guarded<float> w(static_cast<size_t>(s.n * depth)), bias(static_cast<size_t>(s.n));
    Guarded<float> zero(static_cast<size_t>(s.k));
    fill_real(a, -largest, largest);
    fill_real(w, -largest, largest);
    fill_real(bias, -largest, largest);
    fill_real(zero, 0, 0);
    Guarded<int32_t> at(static_cast<size_t>(indirect ? s.m * s.taps : 0));
    for (size_t i = 0; i < at.size(); ++i)
      at[static_cast<int64_t>(i)] =
          static_cast<int32_t>(integer(0, 4) == 0 ? -1 : integer(0, s.m - 1) * stride);
    GemmSplit g;
    g.a = a.data();
    g.at = indirect ? at.data() : nullptr;
    g.at_stride = s.taps;
    g.a_stride = stride;
    g.zero = zero.data();
    g.m = s.m;
    g.n = s.n;
    g.taps = s.taps;
    g.k = s.k;
    g.lo = limited ? 0 : -kInfinity;
    g.hi = limited ? largest * largest : kInfinity;
    Guarded<float> out(static_cast<size_t>(s.m * s.n));
    g.out = out.data();
    g.out_stride = s.n;
    const Guarded<float> parts(gemm_split_packed_bytes(s.n, s.taps, s.k) / sizeof(float));
    auto* packed = const_cast<float*>(parts.data());
    table().pack_split(w.data(), {.n_stride = depth, .tap_stride = s.k, .k_stride = 1}, bias.data(),
                       s.n, s.taps, s.k, packed);
    g.parts = packed;
    g.scratch_bytes = split_scratch_bytes(scratch_rows, s.taps, s.k);
    Guarded<float> scratch(g.scratch_bytes / sizeof(float));
    g.scratch = scratch.data();
    table().gemm_split(g);
    ASSERT_TRUE(out.intact());
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        double want = double{bias[j]}, size = std::abs(want);
        for (int64_t t = 0; t < s.taps; ++t) {
          const int64_t from = indirect ? at[i * s.taps + t] : i * stride;
          for (int64_t d = 0; d < s.k && from >= 0; ++d) {
            const double product = double{a[from + d]} * double{w[j * depth + t * s.k + d]};
            want += product;
            size += std::abs(product);
          }
        }
        ASSERT_NEAR(out[i * s.n + j], std::clamp(want, double{g.lo}, double{g.hi}), 4e-7 * size)
            << "row " << i << ", column " << j;
      }
  }
};

TEST_P(GemmSplitTest, Shapes) {
  for (const Sizes& s : {Sizes{1, 1, 1, 1},
                         {3, 5, 1, 7},
                         {16, 16, 1, 16},
                         {17, 17, 1, 17},
                         {32, 32, 1, 32},
                         {33, 31, 1, 33},
                         {48, 33, 1, 31},
                         {49, 64, 1, 64},
                         {65, 48, 1, 100},
                         {100, 15, 1, 48},
                         {131, 70, 1, 300},
                         {230, 161, 1, 96},
                         {50, 33, 1, 34},
                         {67, 65, 1, 65},
                         {33, 47, 1, 68},
                         {40, 20, 9, 20},
                         {37, 65, 3, 33},
                         {20, 40, 25, 8}})
    for (const int64_t rows : {int64_t{32}, int64_t{64}, int64_t{96}, s.m})
      for (const bool limited : {false, true}) check(s, 1, rows, limited);
}

// Numbers whose parts are near the ends of the range.
TEST_P(GemmSplitTest, Sizes) {
  for (const float largest : {1e-12f, 1e12f, 1e18f}) check({40, 40, 1, 40}, largest, 64, false);
}

// Each number times one: all its bits come back.
TEST_P(GemmSplitTest, AllBitsCount) {
  constexpr int64_t kSize = 64;
  std::vector<float> ones(kSize * kSize), other(kSize * kSize), out(kSize * kSize);
  for (int64_t i = 0; i < kSize; ++i) ones[static_cast<size_t>(i * kSize + i)] = 1;
  for (float& x : other) x = real(-1, 1) * (flip_coin() ? 1.0f : 1e-6f);
  for (const bool left : {true, false}) {
    const std::vector<float>&a = left ? other : ones, &w = left ? ones : other;
    GemmSplit g;
    Guarded<float> parts(gemm_split_packed_bytes(kSize, 1, kSize) / sizeof(float));
    table().pack_split(w.data(), {.n_stride = left ? kSize : 1, .k_stride = left ? 1 : kSize},
                       nullptr, kSize, 1, kSize, parts.data());
    g.scratch_bytes = split_scratch_bytes(kSize, 1, kSize);
    Guarded<float> scratch(g.scratch_bytes / sizeof(float));
    g.a = a.data();
    g.a_stride = g.k = g.m = g.n = g.out_stride = kSize;
    g.parts = parts.data();
    g.scratch = scratch.data();
    g.out = out.data();
    g.lo = -kInfinity;
    g.hi = kInfinity;
    table().gemm_split(g);
    ASSERT_EQ(out, other) << (left ? "activations" : "weights");
  }
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(GemmSplitTest);
INSTANTIATE_TEST_SUITE_P(Tier, GemmSplitTest, testing::ValuesIn(split_tiers()), tier_name);

}  // namespace
}  // namespace cygnet
