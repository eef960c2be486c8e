// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "kernel_fixture.h"

namespace cygnet {
namespace {

constexpr int64_t kPixels[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 257};

class ConvRow : public Kernels {
 protected:
  /// Elements of `n` columns in whole blocks.
  static int64_t whole(int64_t n) {
    return (n + kConvRowColumns - 1) / kConvRowColumns * kConvRowColumns;
  }
  /// Where the weight of term t and column j lies.
  static int64_t weight_at(int64_t count, int64_t t, int64_t j) {
    return (j / kConvRowColumns * count + t) * kConvRowColumns + j % kConvRowColumns;
  }
};

/// `count` runs of `pixels` elements with the slack that terms have.
template <class T>
struct Terms {
  Terms(int64_t count, int64_t pixels) {
    for (int64_t t = 0; t < count; ++t) {
      runs.push_back(
          std::make_unique<Guarded<T>>(static_cast<size_t>(pixels), kTermSlack * sizeof(T)));
      starts.push_back(runs.back()->data());
    }
  }
  std::vector<std::unique_ptr<Guarded<T>>> runs;
  std::vector<const T*> starts;
};

TEST_P(ConvRow, F32) {
  for (const int64_t pixels : kPixels)
    for (const int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 11}) {
      const int64_t count = integer(1, 20);
      Terms<float> terms(count, pixels);
      for (auto& run : terms.runs) fill_real(*run, -1, 1);
      Guarded<float> weights(static_cast<size_t>(whole(n) * count));
      Guarded<float> bias(static_cast<size_t>(whole(n)));
      fill_real(weights, -1, 1);
      fill_real(bias, -1, 1);
      Guarded<float> out(static_cast<size_t>(pixels * n));
      const bool limited = flip_coin();
      const float lo = limited ? 0.0f : -kInfinity, hi = limited ? 1.0f : kInfinity;
      table().conv_row_f32({.terms = terms.starts.data(),
                            .count = count,
                            .weights = weights.data(),
                            .bias = bias.data(),
                            .pixels = pixels,
                            .n = n,
                            .out = out.data(),
                            .lo = lo,
                            .hi = hi});
      ASSERT_TRUE(out.intact());
      for (int64_t i = 0; i < pixels; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double want = double{bias[j]};
          for (int64_t t = 0; t < count; ++t)
            want += double{terms.starts[static_cast<size_t>(t)][i]} *
                    double{weights[weight_at(count, t, j)]};
          ASSERT_NEAR(out[i * n + j], std::clamp(want, double{lo}, double{hi}), 2e-6)
              << "pixel " << i << " of " << pixels << ", column " << j << " of " << n;
        }
    }
}

TEST_P(ConvRow, SumTerms) {
  for (const int64_t rows : {0, 1, 7, 8, 9, 25})
    for (const int64_t c : {1, 3, 8, 15, 16, 17, 33, 40}) {
      const int64_t count = integer(0, 5), in_stride = c + integer(0, 3),
                    out_stride = c + integer(0, 3);
      Terms<float> terms(count, rows * in_stride);
      for (auto& run : terms.runs) fill_real(*run, -1, 1);
      Guarded<float> bias(static_cast<size_t>(c));
      fill_real(bias, -1, 1);
      Guarded<float> out(static_cast<size_t>(rows * out_stride));
      fill_real(out, 7, 8);
      const std::vector<float> before(out.data(), out.data() + rows * out_stride);
      table().sum_terms_f32({.terms = terms.starts.data(),
                             .count = count,
                             .in_stride = in_stride,
                             .bias = bias.data(),
                             .rows = rows,
                             .c = c,
                             .out = out.data(),
                             .out_stride = out_stride,
                             .lo = -1.5f,
                             .hi = 1.25f});
      ASSERT_TRUE(out.intact());
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t ch = 0; ch < out_stride; ++ch) {
          double want = ch < c ? double{bias[ch]} : 0;
          for (const float* term : terms.starts)
            want += ch < c ? double{term[i * in_stride + ch]} : 0;
          want = ch < c ? std::clamp(want, -1.5, 1.25)
                        : double{before[static_cast<size_t>(i * out_stride + ch)]};
          ASSERT_NEAR(out[i * out_stride + ch], want, 1e-6) << i << " of " << rows << ", " << ch;
        }
    }
}

TEST_P(ConvRow, Q8) {
  for (const int64_t pixels : kPixels)
    for (const int64_t n : {1, 2, 3, 4, 5, 6, 7, 8, 11}) {
      const int64_t count = integer(1, 20);
      Terms<int32_t> terms(count, pixels);
      for (auto& run : terms.runs) fill(*run, INT32_MIN, INT32_MAX);
      Guarded<int32_t> weights(static_cast<size_t>(whole(n) * count));
      Guarded<int32_t> bias(static_cast<size_t>(whole(n)));
      Guarded<float> scale(static_cast<size_t>(whole(n)));
      fill(weights, INT32_MIN, INT32_MAX);
      fill(bias, -40000, 40000);
      fill_real(scale, 0.0001f, 0.003f);
      Guarded<uint8_t> out(static_cast<size_t>(pixels * n));
      const int32_t lowest = flip_coin() ? -128 : 0;
      ConvRowQ8 g{.terms = terms.starts.data(),
                  .count = count,
                  .weights = weights.data(),
                  .bias = bias.data(),
                  .scale = scale.data(),
                  .pixels = pixels,
                  .n = n,
                  .out = out.data(),
                  .zero_point = lowest + static_cast<int32_t>(integer(0, 255)),
                  .hi = lowest + 255};
      g.lo = flip_coin() ? g.zero_point : lowest;
      table().conv_row_q8(g);
      ASSERT_TRUE(out.intact());
      for (int64_t i = 0; i < pixels; ++i)
        for (int64_t j = 0; j < n; ++j) {
          int64_t acc = bias[j];
          for (int64_t t = 0; t < count; ++t)
            for (int byte = 0; byte < 32; byte += 8) {
              const auto x = static_cast<uint8_t>(terms.starts[static_cast<size_t>(t)][i] >> byte);
              const auto w = static_cast<int8_t>(weights[weight_at(count, t, j)] >> byte);
              acc += x * w;
            }
          ASSERT_EQ(out[i * n + j],
                    static_cast<uint8_t>(requantized(acc, scale[j], g.zero_point, g.lo, g.hi)))
              << "pixel " << i << " of " << pixels << ", column " << j << " of " << n;
        }
    }
}

TEST_P(ConvRow, SplitChannels) {
  for (const int64_t pixels : kPixels)
    for (const int64_t c : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16}) {
      const int64_t stride = pixels + integer(0, 3);
      Guarded<float> in(static_cast<size_t>(pixels * c));
      Guarded<float> out(static_cast<size_t>(stride * c));
      fill_real(in, -1, 1);
      table().split_channels_f32(in.data(), pixels, c, out.data(), stride);
      ASSERT_TRUE(out.intact());
      for (int64_t ch = 0; ch < c; ++ch)
        for (int64_t i = 0; i < stride; ++i) {
          if (i < pixels)
            ASSERT_EQ(out[ch * stride + i], in[i * c + ch]) << "channel " << ch << " of " << c;
          else
            ASSERT_TRUE(out.untouched(ch * stride + i));
        }
    }
}

TEST_P(ConvRow, SplitQuads) {
  for (const int64_t pixels : kPixels)
    for (const int64_t step : {1, 2, 3, 4, 6, 8, 16}) {
      const uint8_t flip = flip_coin() ? 0x80 : 0;
      Guarded<uint8_t> in(static_cast<size_t>(pixels == 0 ? 0 : (pixels - 1) * step + 4));
      Guarded<int32_t> out(static_cast<size_t>(pixels));
      fill(in, 0, 255);
      table().split_quads_q8(in.data(), pixels, step, flip, out.data());
      ASSERT_TRUE(out.intact());
      for (int64_t i = 0; i < pixels; ++i)
        for (int64_t byte = 0; byte < 4; ++byte)
          ASSERT_EQ(static_cast<uint8_t>(out[i] >> (8 * byte)), in[i * step + byte] ^ flip)
              << "pixel " << i << " of " << pixels << ", step " << step;
    }
}

INSTANTIATE_TEST_SUITE_P(Tier, ConvRow, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
