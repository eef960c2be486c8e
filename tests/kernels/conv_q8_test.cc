// SPDX-License-Identifier: Apache-2.0
// conv_q8 against sums in int64.
#include "gemm_case.h"

namespace cygnet {
namespace {

/// One call. Numbers of the activations are drawn from `lowest` … 127, weights likewise.
struct Case {
  int64_t first = 0;
  int64_t m = 1;
  int64_t n = 1;
  int64_t taps = 1;
  int64_t k = 1;
  int64_t stride = 1;
  int64_t line = 1;
  int64_t kept = 1;
  StoreQ8 store = StoreQ8::q8;
  int64_t lowest = -128;
  float scale = 1;  ///< of results, times what fits their range
};

class ConvQ8Test : public Kernels {
 protected:
  void check(const Case& c) {
    if (table().conv_q8 == nullptr) return;
    SCOPED_TRACE("first " + std::to_string(c.first) + " m " + std::to_string(c.m) + " n " +
                 std::to_string(c.n) + " taps " + std::to_string(c.taps) + " k " +
                 std::to_string(c.k) + " stride " + std::to_string(c.stride) + " line " +
                 std::to_string(c.line) + " kept " + std::to_string(c.kept));
    constexpr int64_t kFurthest = 300;
    Guarded<int8_t> a(static_cast<size_t>((c.first + c.m - 1) * c.stride + kFurthest + c.k),
                      kRowSlackBytes);
    fill(a, c.lowest, 127);
    Guarded<int32_t> at(static_cast<size_t>(c.taps));
    fill(at, 0, kFurthest);
    Guarded<int8_t> weights(static_cast<size_t>(c.n * c.taps * c.k));
    fill(weights, c.lowest, 127);
    Guarded<int32_t> bias(static_cast<size_t>(c.n));
    fill(bias, -2000, 2000);
    Guarded<float> scale(static_cast<size_t>(c.n));
    fill_real(scale, c.scale * 50 / static_cast<float>(c.taps * c.k * 6000),
              c.scale * 400 / static_cast<float>(c.taps * c.k * 6000));
    PackQ8 params{.input_zero_point = static_cast<int32_t>(integer(-128, 127)),
                  .bias = bias.data(),
                  .scale = scale.data(),
                  .scale_stride = 1};
    const int nr = table().gemm_q8_nr;
    Guarded<int32_t> packed(gemm_q8_packed_bytes(c.n, c.taps, c.k, nr) / 4);
    pack_gemm_q8(weights.data(), {c.taps * c.k, c.k, 1}, params, c.n, c.taps, c.k, nr,
                 packed.data());
    ConvQ8 g;
    g.a = reinterpret_cast<const uint8_t*>(a.data());
    g.at = at.data();
    g.a_stride = c.stride;
    g.m = c.m, g.n = c.n, g.taps = c.taps, g.k = c.k;
    g.first = c.first, g.line = c.line, g.kept = c.kept;
    g.weights = packed.data();
    g.store = c.store;
    g.out_stride = c.n + integer(0, 2);
    g.zero_point = static_cast<int32_t>(integer(-128, 127));
    g.lo = flip_coin() ? g.zero_point : -128;
    g.hi = flip_coin() ? static_cast<int32_t>(integer(g.lo, 127)) : 127;
    const int64_t last = c.first + c.m - 1,
                  results = last / c.line * c.kept + std::min(last % c.line + 1, c.kept);
    Guarded<int8_t> bytes(static_cast<size_t>(results * g.out_stride));
    Guarded<int32_t> words(static_cast<size_t>(results * g.out_stride));
    g.out = c.store == StoreQ8::q8 ? static_cast<void*>(bytes.data()) : words.data();
    table().conv_q8(g);

    std::vector<bool> written(bytes.size());
    for (int64_t i = c.first; i <= last; ++i) {
      if (i % c.line >= c.kept) continue;
      for (int64_t j = 0; j < c.n; ++j) {
        int64_t acc = bias[j];
        for (int64_t t = 0; t < c.taps; ++t)
          for (int64_t d = 0; d < c.k; ++d)
            acc += int64_t{a[i * c.stride + at[t] + d] - params.input_zero_point} *
                   weights[(j * c.taps + t) * c.k + d];
        const int64_t to = (i / c.line * c.kept + i % c.line) * g.out_stride + j;
        written[static_cast<size_t>(to)] = true;
        if (c.store == StoreQ8::s32) {
          ASSERT_EQ(words[to], acc) << "row " << i << " column " << j;
        } else {
          ASSERT_EQ(bytes[to], requantized(acc, scale[j], g.zero_point, g.lo, g.hi))
              << "row " << i << " column " << j;
        }
      }
    }
    for (int64_t i = 0; i < static_cast<int64_t>(written.size()); ++i) {
      ASSERT_TRUE(written[static_cast<size_t>(i)] || (bytes.untouched(i) && words.untouched(i)))
          << "written at " << i;
    }
    ASSERT_TRUE(bytes.intact() && words.intact());
  }
};

TEST_P(ConvQ8Test, RowsAndColumns) {
  for (int64_t m = 1; m <= 70; ++m)
    for (const int64_t n : {1, 7, 16, 17, 31, 32, 33, 48, 65}) {
      check({.first = m % 5 * 7,
             .m = m,
             .n = n,
             .taps = 1 + m % 3,
             .k = 1 + (m * n) % 90,
             .stride = 1 + n,
             .line = 1 + (m + n) % 23,
             .kept = 1 + (m + n) % 23 * (m % 4) / 4,
             .store = m % 6 == 0 ? StoreQ8::s32 : StoreQ8::q8});
      if (HasFatalFailure()) return;
    }
}

TEST_P(ConvQ8Test, EveryDepth) {
  for (int64_t k = 1; k <= 200; ++k) {
    check({.m = 35, .n = 35, .taps = 1 + k % 4, .k = k, .stride = 1 + k / 2, .line = 9, .kept = 8});
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvQ8Test, LargeWeights) {
  for (const int64_t m : {33, 49, 64, 65, 100, 300}) {
    check({.m = m, .n = 250, .taps = 9, .k = 512, .stride = 64, .line = 10, .kept = 9});
    check({.m = m, .n = 300, .taps = 9, .k = 450, .stride = 70, .line = 7, .kept = 7});
    if (HasFatalFailure()) return;
  }
}

/// Images and weights beyond the first-level cache.
TEST_P(ConvQ8Test, LargeImages) {
  for (const int64_t m : {400, 401, 433, 447, 448, 449}) {
    check({.first = m % 3 * 20,
           .m = m,
           .n = 30 + m % 5,
           .taps = 3 + m % 2,
           .k = 512,
           .stride = 512,
           .line = 21,
           .kept = 19,
           .store = m % 2 == 0 ? StoreQ8::s32 : StoreQ8::q8});
    if (HasFatalFailure()) return;
  }
}

TEST_P(ConvQ8Test, LargestSumsAndScales) {
  check({.m = 20,
         .n = 20,
         .taps = 4,
         .k = 16448,
         .line = 20,
         .kept = 20,
         .store = StoreQ8::s32,
         .lowest = 127});
  check({.m = 40, .n = 40, .taps = 3, .k = 64, .line = 40, .kept = 40, .scale = 1000});
}

INSTANTIATE_TEST_SUITE_P(Tier, ConvQ8Test, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
