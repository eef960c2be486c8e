// SPDX-License-Identifier: Apache-2.0
// depthwise_f32, depthwise_q8 and depthwise_s16 against sums in double and int64.
#include <memory>

#include "kernel_fixture.h"
#include "kernels/pack.h"

namespace cygnet {
namespace {

/// A row of a depthwise convolution over kh rows of an image, of which some may be padding.
struct Case {
  int64_t w, c, kh, kw, stride, dilation, pad, pixels;
  int64_t taps() const { return kh * kw; }
  std::string text() const {
    std::string all;
    for (const int64_t n : {w, c, kh, kw, stride, dilation, pad, pixels})
      all += std::to_string(n) + " ";
    return "w c kh kw stride dilation pad pixels: " + all;
  }
};

/// Outputs of a row of w pixels with as much padding as SAME has.
Case same(int64_t w, int64_t c, int64_t kh, int64_t kw, int64_t stride, int64_t dilation) {
  const int64_t pixels = (w + stride - 1) / stride, extent = (kw - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>(0, (pixels - 1) * stride + extent - w);
  return {w, c, kh, kw, stride, dilation, total / 2, pixels};
}

class Depthwise : public Kernels {
 protected:
  /// Rows of an image, each ending at a forbidden page; one in four is padding.
  template <class T>
  struct Image {
    std::vector<std::unique_ptr<Guarded<T>>> rows;
    std::vector<const T*> pointers;
    T zero;
    Case shape;
    T at(int64_t fy, int64_t x, int64_t ch) const {
      const bool outside = pointers[fy] == nullptr || x < 0 || x >= shape.w;
      return outside ? zero : pointers[fy][x * shape.c + ch];
    }
  };

  template <class T, class Random>
  Image<T> make_image(const Case& k, const DepthwiseRow& g, T zero, Random random) {
    Image<T> image{{}, {}, zero, k};
    for (int64_t r = 0; r < (g.out_rows - 1) * g.row_step + k.kh; ++r) {
      image.rows.push_back(std::make_unique<Guarded<T>>(static_cast<size_t>(k.w * k.c)));
      Guarded<T>& row = *image.rows.back();
      for (size_t i = 0; i < row.size(); ++i) row[static_cast<int64_t>(i)] = random();
      image.pointers.push_back(integer(0, 3) == 0 ? nullptr : row.data());
    }
    return image;
  }

  template <class Args>
  void give(const Case& k, Args* g) {
    g->w = k.w, g->c = k.c, g->kh = k.kh, g->kw = k.kw;
    g->stride = k.stride, g->dilation = k.dilation, g->pad = k.pad, g->pixels = k.pixels;
    g->out_stride = k.c + integer(0, 2);
    g->out_rows = flip_coin() ? 1 : integer(2, 9);
    g->row_step = flip_coin() ? k.stride : integer(1, 4);
    g->out_row = row_elements(*g) + integer(0, 2);
  }

  static int64_t row_elements(const DepthwiseRow& g) {
    return g.pixels > 0 ? (g.pixels - 1) * g.out_stride + g.c : 0;
  }

  static size_t out_elements(const DepthwiseRow& g) {
    return static_cast<size_t>((g.out_rows - 1) * g.out_row + row_elements(g));
  }

  /// expected(r, i, ch) is what the results are; elements between them are untouched.
  template <class T, class Expected>
  static void check_results(const DepthwiseRow& g, const Guarded<T>& out, Expected expected) {
    for (int64_t at = 0; at < static_cast<int64_t>(out.size()); ++at) {
      const int64_t r = at / g.out_row, i = at % g.out_row / g.out_stride,
                    ch = at % g.out_row % g.out_stride;
      if (ch < g.c && i < g.pixels) {
        ASSERT_EQ(out[at], static_cast<T>(expected(r, i, ch)))
            << "row " << r << " pixel " << i << " channel " << ch;
      } else {
        ASSERT_TRUE(out.untouched(at)) << "written behind row " << r << " pixel " << i;
      }
    }
    ASSERT_TRUE(out.intact());
  }

  void check_f32(const Case& k) {
    SCOPED_TRACE(k.text());
    const auto quarter = [this] { return static_cast<float>(integer(-8, 8)) / 4; };
    DepthwiseF32 g;
    give(k, &g);
    const auto image = make_image<float>(k, g, 0, quarter);
    Guarded<float> weights(static_cast<size_t>(k.taps() * k.c));
    fill(weights, -8, 8);
    Guarded<float> bias(static_cast<size_t>(k.c));
    fill(bias, -20, 20);
    const bool has_bias = integer(0, 3) != 0;
    const int nr = table().depthwise_f32_nr;
    Guarded<float> packed(depthwise_f32_packed_bytes(k.c, k.taps(), nr) / sizeof(float));
    pack_depthwise_f32(weights.data(), has_bias ? bias.data() : nullptr, k.c, k.taps(), nr,
                       packed.data());
    g.rows = image.pointers.data();
    g.weights = packed.data();
    Guarded<float> out(out_elements(g));
    g.out = out.data();
    g.lo = flip_coin() ? -11.5f : -kInfinity;
    g.hi = flip_coin() ? 14.0f : kInfinity;
    table().depthwise_f32(g);
    check_results(g, out, [&](int64_t r, int64_t i, int64_t ch) {
      double acc = has_bias ? double{bias[ch]} : 0;
      for (int64_t t = 0; t < k.taps(); ++t) {
        const int64_t x = i * k.stride + t % k.kw * k.dilation - k.pad;
        acc += double{image.at(r * g.row_step + t / k.kw, x, ch)} * double{weights[t * k.c + ch]};
      }
      return std::clamp(acc, double{g.lo}, double{g.hi});
    });
  }

  /// How check_q8 chooses its numbers.
  struct Q8 {
    int32_t weight_zero_point = 0;
    bool real = false;
    bool extreme = false;  ///< the largest products
  };

  void check_q8(const Case& k, const Q8& kind) {
    SCOPED_TRACE(k.text() + "weight zero point " + std::to_string(kind.weight_zero_point));
    const bool is_signed = flip_coin();
    const auto flip = static_cast<uint8_t>(is_signed ? 0x80 : 0);
    PackQ8 params;
    params.weight_flip = flip_coin() ? 0x80 : 0;
    params.weight_zero_point = kind.weight_zero_point;
    params.input_zero_point = static_cast<int32_t>(integer(0, 255));
    params.scale_stride = integer(0, 1);
    const auto zero = static_cast<uint8_t>(params.input_zero_point ^ flip);
    const auto byte = [&] {
      return static_cast<uint8_t>(kind.extreme ? (is_signed ? 127 : 255) : integer(0, 255));
    };
    DepthwiseQ8 g;
    give(k, &g);
    const auto image = make_image<uint8_t>(k, g, zero, byte);
    Guarded<uint8_t> weights(static_cast<size_t>(k.taps() * k.c));
    fill(weights, 0, 255);
    for (size_t i = 0; i < weights.size(); ++i) {  // 127 − −128 is too large
      uint8_t& byte_of = weights[static_cast<int64_t>(i)];
      if ((byte_of ^ params.weight_flip) == 127) byte_of ^= 1;
    }
    if (kind.extreme) {
      const int low = kind.weight_zero_point > 0 ? -128 : 126;
      for (size_t i = 0; i < weights.size(); ++i)
        weights[static_cast<int64_t>(i)] = static_cast<uint8_t>(low ^ params.weight_flip);
    }
    Guarded<int32_t> bias(static_cast<size_t>(k.c));
    fill(bias, -2000, 2000);
    Guarded<float> scale(static_cast<size_t>(k.c)), offset(static_cast<size_t>(k.c));
    const auto size = static_cast<float>(k.taps() + 1) * 6000.0f;
    fill_real(scale, 50 / size, 400 / size);
    fill_real(offset, -3, 3);
    const bool has_bias = integer(0, 3) != 0;
    params.bias = has_bias && !kind.real ? bias.data() : nullptr;
    params.scale = scale.data();
    ASSERT_TRUE(depthwise_q8_fits(weights.data(), params, k.c, k.taps()));
    if (kind.real) {
      g.first_factor = params.input_zero_point;
      params.input_zero_point = 1;
      g.scale = real(0.25f, 4);
    }
    const bool words = table().depthwise_q8_words;
    const DepthwisePackQ8 form{.c = k.c,
                               .kh = k.kh,
                               .kw = k.kw,
                               .nr = table().depthwise_q8_nr,
                               .words = words,
                               .two_sets = kind.weight_zero_point != 0 && !words,
                               .offset = has_bias && kind.real ? offset.data() : nullptr};
    Guarded<int32_t> packed(depthwise_q8_packed_bytes(form) / 4);
    pack_depthwise_q8(weights.data(), params, form, packed.data());
    g.rows = image.pointers.data();
    g.flip = flip;
    g.zero = zero;
    g.weights = packed.data();
    g.two_sets = form.two_sets;
    g.real = kind.real;
    g.zero_point = static_cast<int32_t>(is_signed ? integer(-128, 127) : integer(0, 255));
    g.lo = flip_coin() ? g.zero_point : (is_signed ? -128 : 0);
    g.hi = is_signed ? 127 : 255;
    g.real_lo = flip_coin() ? -40.0f : -kInfinity;
    g.real_hi = flip_coin() ? 60.0f : kInfinity;
    Guarded<uint8_t> bytes(kind.real ? 0 : out_elements(g));
    Guarded<float> reals(kind.real ? out_elements(g) : 0);
    g.out = kind.real ? static_cast<void*>(reals.data()) : bytes.data();
    table().depthwise_q8(g);
    const auto sum_of = [&](int64_t r, int64_t i, int64_t ch) {
      int64_t acc = params.bias != nullptr ? bias[ch] : 0;
      for (int64_t t = 0; t < k.taps(); ++t) {
        const int64_t x = i * k.stride + t % k.kw * k.dilation - k.pad;
        const auto weight = static_cast<int8_t>(weights[t * k.c + ch] ^ params.weight_flip);
        acc += int64_t{(image.at(r * g.row_step + t / k.kw, x, ch) ^ flip) - (zero ^ flip)} *
               (weight - kind.weight_zero_point);
      }
      return acc;
    };
    check_results(g, reals, [&](int64_t r, int64_t i, int64_t ch) {
      const float factor = product(g.scale, scale[ch * params.scale_stride]);
      const float scaled = product(static_cast<float>(sum_of(r, i, ch)), factor);
      const float expected = sum(scaled, form.offset == nullptr ? 0 : offset[ch]);
      return std::clamp(expected, g.real_lo, g.real_hi);
    });
    check_results(g, bytes, [&](int64_t r, int64_t i, int64_t ch) {
      const float factor = scale[ch * params.scale_stride];
      return requantized(sum_of(r, i, ch), factor, g.zero_point, g.lo, g.hi);
    });
  }

  void check_s16(const Case& k) {
    SCOPED_TRACE(k.text());
    const bool extreme = integer(0, 7) == 0;
    const auto number = [&] {
      return static_cast<int16_t>(extreme ? -32768 : integer(-32768, 32767));
    };
    DepthwiseS16 g;
    give(k, &g);
    const auto image = make_image<int16_t>(k, g, 0, number);
    Guarded<int16_t> weights(static_cast<size_t>(k.taps() * k.c));
    fill(weights, extreme ? -128 : -127, extreme ? -128 : 127);
    Guarded<int32_t> bias(static_cast<size_t>(k.c));
    fill(bias, -200000, 200000);
    Guarded<float> scale(static_cast<size_t>(k.c));
    fill_real(scale, 1e-5f, 1e-2f);
    g.rows = image.pointers.data();
    g.weights = weights.data();
    g.bias = bias.data();
    g.scale = scale.data();
    Guarded<int16_t> out(out_elements(g));
    g.out = out.data();
    g.lo = flip_coin() ? 0 : -32768;
    g.hi = flip_coin() ? 20000 : 32767;
    table().depthwise_s16(g);
    check_results(g, out, [&](int64_t r, int64_t i, int64_t ch) {
      int64_t acc = bias[ch];
      for (int64_t t = 0; t < k.taps(); ++t) {
        const int64_t x = i * k.stride + t % k.kw * k.dilation - k.pad;
        acc += int64_t{image.at(r * g.row_step + t / k.kw, x, ch)} * weights[t * k.c + ch];
      }
      const double scaled = static_cast<double>(acc) * double{scale[ch]};
      return std::clamp(std::nearbyint(scaled), double(g.lo), double(g.hi));
    });
  }

  /// Filters that have loops of their own and others, strides, dilations, widths with and without
  /// pixels away from the edges; channels around every block's width.
  template <class Check>
  void for_every_case(Check check) {
    const std::vector<int64_t> channels = {1,  3,  8,  15, 16, 17, 24, 30, 31, 32,  33,
                                           40, 47, 48, 56, 63, 64, 65, 72, 96, 100, 129};
    size_t turn = 0;
    for (const auto& [kh, kw] : {std::pair<int64_t, int64_t>{3, 3},
                                 {5, 5},
                                 {1, 1},
                                 {3, 5},
                                 {4, 3},
                                 {2, 7},
                                 {8, 5},
                                 {1, 3},
                                 {6, 1}}) {
      for (const int64_t stride : {1, 2, 3}) {
        for (const int64_t dilation : {1, 2, 3, 4}) {
          for (const int64_t w : {1, 2, 7, 14, 19, 33}) {
            const int64_t c = channels[turn++ % channels.size()];
            check(same(w, c, kh, kw, stride, dilation));
            if (HasFatalFailure()) return;
            const int64_t room = w - (kw - 1) * dilation;
            if (room > 0) check({w, c, kh, kw, stride, dilation, 0, (room - 1) / stride + 1});
            if (HasFatalFailure()) return;
          }
        }
      }
      for (const int64_t c : channels) {
        check(same(20, c, kh, kw, 1, 1));
        check(same(9, c, kh, kw, 2, 1));
        if (HasFatalFailure()) return;
      }
    }
    for (int64_t c = 1; c <= 140; ++c) {
      check(same(4, c, 3, 3, 1, 1));
      if (HasFatalFailure()) return;
    }
    for (const int64_t c : {4, 8, 16, 17, 25, 30, 32, 64, 131}) {  // some pixels in a vector
      for (const int64_t w : {7, 18, 19, 33, 67}) {
        for (const int64_t pad : {0, 1, 2, 3}) {
          for (int again = 0; again < 4; ++again) check({w, c, 3, 3, 1, 1, pad, w - 2 + 2 * pad});
          if (HasFatalFailure()) return;
        }
      }
    }
    check({4, 20, 3, 3, 1, 1, 9, 20});  // windows that are all padding
    check({4, 20, 5, 5, 2, 3, 40, 50});
    check({4, 20, 3, 3, 1, 1, 1, 0});
    check(same(40, 21, kMaxDepthwiseTaps, 1, 1, 1));
    check(same(40, 21, 1, kMaxDepthwiseTaps, 1, 1));
    check(same(5, 70, 16, 16, 1, 1));
  }
};

TEST_P(Depthwise, F32) {
  for_every_case([this](const Case& k) { check_f32(k); });
}

TEST_P(Depthwise, Q8) {
  for_every_case([this](const Case& k) { check_q8(k, {}); });
}

TEST_P(Depthwise, Q8WeightsWithZeroPoint) {
  for_every_case([this](const Case& k) {
    const int32_t points[] = {1, -1, -128, 127, static_cast<int32_t>(integer(-128, 127))};
    check_q8(k, {.weight_zero_point = points[integer(0, 4)]});
  });
}

TEST_P(Depthwise, Q8ToFloat) {
  for_every_case([this](const Case& k) { check_q8(k, {.real = true}); });
}

TEST_P(Depthwise, S16) {
  for_every_case([this](const Case& k) { check_s16(k); });
}

TEST_P(Depthwise, Q8LargestSums) {
  for (const int64_t c : {16, 32, 64, 70}) {
    for (const int64_t k : {3, 5, 16}) {
      check_q8(same(6, c, k, k, 1, 1), {.extreme = true});
      check_q8(same(6, c, k, k, 1, 1), {.weight_zero_point = 127, .extreme = true});
      check_q8(same(6, c, k, k, 1, 1), {.weight_zero_point = -128, .extreme = true});
    }
  }
}

TEST(DepthwiseQ8Fits, SumsOutOfRangeAreRefused) {
  const std::vector<uint8_t> w(9, 127);
  std::vector<int32_t> bias = {0};
  std::vector<float> scale = {1};
  PackQ8 params{.bias = bias.data(), .scale = scale.data()};
  EXPECT_TRUE(depthwise_q8_fits(w.data(), params, 1, 9));
  scale[0] = 10000;
  EXPECT_FALSE(depthwise_q8_fits(w.data(), params, 1, 9));
  scale[0] = kNan;
  EXPECT_FALSE(depthwise_q8_fits(w.data(), params, 1, 9));
  scale[0] = 1e-3f;
  bias[0] = INT32_MIN;
  EXPECT_FALSE(depthwise_q8_fits(w.data(), params, 1, 9));
  bias[0] = INT32_MAX - 255 * 127 * 9;
  EXPECT_FALSE(depthwise_q8_fits(w.data(), params, 1, 9));
  bias[0] -= 256;
  EXPECT_TRUE(depthwise_q8_fits(w.data(), params, 1, 9));
  bias[0] = 0;
  params.weight_zero_point = -128;
  EXPECT_FALSE(depthwise_q8_fits(w.data(), params, 1, 9));
}

INSTANTIATE_TEST_SUITE_P(Tier, Depthwise, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
