// SPDX-License-Identifier: Apache-2.0
// depthwise_f32 and depthwise_q8 against sums in double and int64.
#include "gemm_case.h"

namespace cygnet {
namespace {

class Depthwise : public Kernels {
 protected:
  void check_f32(int64_t pixels, int64_t taps, int64_t c) {
    SCOPED_TRACE("pixels " + std::to_string(pixels) + " taps " + std::to_string(taps) + " c " +
                 std::to_string(c));
    Rows<float> rows(pixels, taps, c, false, 0);
    for (size_t i = 0; i < rows.a.size(); ++i) rows.a[i] = static_cast<float>(integer(-8, 8)) / 4;
    for (int64_t i = 0; i < c; ++i) rows.zero[i] = 0;
    fill_offsets(rows, c, [this](int64_t lo, int64_t hi) { return integer(lo, hi); });
    Guarded<float> weights(static_cast<size_t>(taps * c));
    fill(weights, -8, 8);
    Guarded<float> bias(static_cast<size_t>(c));
    fill(bias, -20, 20);
    const bool has_bias = integer(0, 3) != 0;
    const int nr = table().depthwise_f32_nr;
    Guarded<float> packed(depthwise_f32_packed_bytes(c, taps, nr) / sizeof(float));
    pack_depthwise_f32(weights.data(), has_bias ? bias.data() : nullptr, c, taps, nr,
                       packed.data());
    DepthwiseF32 g;
    rows.give(g);
    g.pixels = pixels, g.taps = taps, g.c = c;
    g.weights = packed.data();
    g.out_stride = c + integer(0, 2);
    Guarded<float> out(static_cast<size_t>(pixels > 0 ? (pixels - 1) * g.out_stride + c : 0));
    g.out = out.data();
    g.lo = flip_coin() ? -11.5f : -kInfinity;
    g.hi = flip_coin() ? 14.0f : kInfinity;
    table().depthwise_f32(g);
    for (int64_t i = 0; i < pixels; ++i) {
      for (int64_t ch = 0; ch < c; ++ch) {
        double acc = has_bias ? double{bias[ch]} : 0;
        for (int64_t t = 0; t < taps; ++t) {
          acc += double{rows.row(i, t)[ch]} * double{weights[t * c + ch]};
        }
        acc = std::clamp(acc, double{g.lo}, double{g.hi});
        ASSERT_EQ(double{out[i * g.out_stride + ch]}, acc) << "pixel " << i << " channel " << ch;
      }
      for (int64_t ch = c; ch < g.out_stride && i + 1 < pixels; ++ch) {
        ASSERT_TRUE(out.untouched(i * g.out_stride + ch)) << "written behind pixel " << i;
      }
    }
    ASSERT_TRUE(out.intact());
  }

  void check_q8(int64_t pixels, int64_t taps, int64_t c, int32_t weight_zero_point) {
    SCOPED_TRACE("pixels " + std::to_string(pixels) + " taps " + std::to_string(taps) + " c " +
                 std::to_string(c) + " weight zero point " + std::to_string(weight_zero_point));
    PackQ8 params;
    params.weight_flip = flip_coin() ? 0x80 : 0;
    params.weight_zero_point = weight_zero_point;
    params.input_zero_point = static_cast<int32_t>(integer(0, 255));
    params.scale_stride = integer(0, 1);
    Rows<uint8_t> rows(pixels, taps, c, false, 0);
    fill(rows.a, 0, 255);
    for (int64_t i = 0; i < c; ++i) rows.zero[i] = static_cast<uint8_t>(params.input_zero_point);
    fill_offsets(rows, c, [this](int64_t lo, int64_t hi) { return integer(lo, hi); });
    Guarded<uint8_t> weights(static_cast<size_t>(taps * c));
    fill(weights, 0, 255);
    Guarded<int32_t> bias(static_cast<size_t>(c));
    fill(bias, -2000, 2000);
    Guarded<float> scale(static_cast<size_t>(c));
    const auto size = static_cast<float>(taps + 1) * 6000.0f;
    fill_real(scale, 50 / size, 400 / size);
    params.bias = integer(0, 3) != 0 ? bias.data() : nullptr;
    params.scale = scale.data();
    const int nr = table().depthwise_q8_nr;
    Guarded<int32_t> packed(depthwise_q8_packed_bytes(c, taps, nr) / 4);
    pack_depthwise_q8(weights.data(), params, c, taps, nr, packed.data());
    DepthwiseQ8 g;
    rows.give(g);
    g.pixels = pixels, g.taps = taps, g.c = c;
    g.weights = packed.data();
    g.weight_zero_point = weight_zero_point;
    g.out_stride = c + integer(0, 2);
    Guarded<uint8_t> out(static_cast<size_t>(pixels > 0 ? (pixels - 1) * g.out_stride + c : 0));
    g.out = out.data();
    const bool is_signed = flip_coin();
    g.zero_point = static_cast<int32_t>(is_signed ? integer(-128, 127) : integer(0, 255));
    g.lo = flip_coin() ? g.zero_point : (is_signed ? -128 : 0);
    g.hi = is_signed ? 127 : 255;
    table().depthwise_q8(g);
    for (int64_t i = 0; i < pixels; ++i) {
      for (int64_t ch = 0; ch < c; ++ch) {
        int64_t acc = params.bias != nullptr ? bias[ch] : 0;
        for (int64_t t = 0; t < taps; ++t) {
          const auto weight = static_cast<int8_t>(weights[t * c + ch] ^ params.weight_flip);
          acc +=
              int64_t{rows.row(i, t)[ch] - params.input_zero_point} * (weight - weight_zero_point);
        }
        const int32_t expected =
            requantized(acc, scale[ch * params.scale_stride], g.zero_point, g.lo, g.hi);
        ASSERT_EQ(out[i * g.out_stride + ch], static_cast<uint8_t>(expected))
            << "pixel " << i << " channel " << ch;
      }
      for (int64_t ch = c; ch < g.out_stride && i + 1 < pixels; ++ch) {
        ASSERT_TRUE(out.untouched(i * g.out_stride + ch)) << "written behind pixel " << i;
      }
    }
    ASSERT_TRUE(out.intact());
  }
};

TEST_P(Depthwise, F32) {
  for (int64_t taps = 1; taps <= 10; ++taps) {
    for (int64_t c = 0; c <= 5 * table().depthwise_f32_nr + 3; ++c) {
      check_f32(c % 4, taps, c);
      if (HasFatalFailure()) return;
    }
  }
  check_f32(2, kMaxDepthwiseTaps, table().depthwise_f32_nr + 1);
}

TEST_P(Depthwise, Q8) {
  for (int64_t taps = 1; taps <= 10; ++taps) {
    for (int64_t c = 0; c <= 3 * table().depthwise_q8_nr + 3; ++c) {
      check_q8(c % 4, taps, c, c % 3 == 0 ? static_cast<int32_t>(integer(-128, 127)) : 0);
      if (HasFatalFailure()) return;
    }
  }
  for (int64_t taps = kMaxDepthwiseTaps - 3; taps <= kMaxDepthwiseTaps; ++taps) {
    check_q8(2, taps, table().depthwise_q8_nr + 1, 0);
    check_q8(2, taps, table().depthwise_q8_nr + 1, -100);
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Depthwise, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
