// SPDX-License-Identifier: Apache-2.0
// gemm_q8 against sums in int64.
#include "gemm_case.h"

namespace cygnet {
namespace {

/// One product. Weights and zero points in the int8 domain, activations unsigned.
struct Case {
  int64_t m = 1;
  int64_t n = 1;
  int64_t taps = 1;
  int64_t k = 1;
  StoreQ8 store = StoreQ8::q8;
  int32_t weight_zero_point = 0;
  int32_t input_zero_point = 0;
  int32_t activation_from = 0;  ///< Activations are drawn from activation_from … 255,
  int32_t weight_to = 127;      ///< weights from −128 … weight_to.
  uint8_t flip = 0;             ///< Of the activations as they are stored.
};

class GemmQ8Test : public Kernels {
 protected:
  void check(const Case& c) {
    SCOPED_TRACE("m " + std::to_string(c.m) + " n " + std::to_string(c.n) + " taps " +
                 std::to_string(c.taps) + " k " + std::to_string(c.k) + " weight zero point " +
                 std::to_string(c.weight_zero_point));
    Rows<uint8_t> rows(c.m, c.taps, c.k, c.taps == 1 && flip_coin(), kRowSlackBytes);
    fill(rows.a, c.activation_from, 255);
    for (int64_t i = 0; i < c.k; ++i) rows.zero[i] = static_cast<uint8_t>(c.input_zero_point);
    for (size_t i = 0; i < rows.a.size(); ++i) rows.a[static_cast<int64_t>(i)] ^= c.flip;
    for (int64_t i = 0; i < c.k; ++i) rows.zero[i] ^= c.flip;
    fill_offsets(rows, c.k, [this](int64_t lo, int64_t hi) { return integer(lo, hi); });
    Guarded<int8_t> weights(static_cast<size_t>(c.n * c.taps * c.k));
    fill(weights, -128, c.weight_to);
    Guarded<int32_t> bias(static_cast<size_t>(c.n));
    fill(bias, -2000, 2000);
    Guarded<float> scale(static_cast<size_t>(c.n));
    const auto size = static_cast<float>(c.taps * c.k + 1) * 6000.0f;
    fill_real(scale, 50 / size, 400 / size);

    PackQ8 params;
    params.weight_flip = flip_coin() ? 0x80 : 0;
    params.weight_zero_point = c.weight_zero_point;
    params.input_zero_point = c.input_zero_point;
    params.bias = c.activation_from == 255 || integer(0, 3) == 0 ? nullptr : bias.data();
    params.scale = c.store == StoreQ8::q8 ? scale.data() : nullptr;
    params.scale_stride = integer(0, 1);
    const WeightStrides strides = weight_strides(flip_coin(), c.n, c.taps, c.k);
    Guarded<uint8_t> stored(weights.size());
    for (size_t i = 0; i < weights.size(); ++i) {
      stored[i] = static_cast<uint8_t>(static_cast<uint8_t>(weights[i]) ^ params.weight_flip);
    }
    const int nr = table().gemm_q8_nr;
    Guarded<int32_t> packed(gemm_q8_packed_bytes(c.n, c.taps, c.k, nr) / 4);
    pack_gemm_q8(stored.data(), strides, params, c.n, c.taps, c.k, nr, packed.data());

    GemmQ8 g;
    rows.give(g);
    g.flip = c.flip;
    g.m = c.m, g.n = c.n, g.taps = c.taps, g.k = c.k;
    g.weights = packed.data();
    g.weight_zero_point = c.weight_zero_point;
    g.store = c.store;
    g.out_stride = c.n + integer(0, 2);
    const bool is_signed = flip_coin();
    g.zero_point = static_cast<int32_t>(is_signed ? integer(-128, 127) : integer(0, 255));
    g.lo = is_signed ? -128 : 0;
    g.hi = is_signed ? 127 : 255;
    if (flip_coin()) g.lo = g.zero_point;
    if (flip_coin()) g.hi = static_cast<int32_t>(integer(g.lo, g.hi));
    const auto outputs = static_cast<size_t>(c.m > 0 ? (c.m - 1) * g.out_stride + c.n : 0);
    Guarded<uint8_t> bytes(outputs);
    Guarded<int32_t> words(outputs);
    g.out = c.store == StoreQ8::q8 ? static_cast<void*>(bytes.data()) : words.data();
    g.scratch_bytes =
        table().gather_q8_bytes == nullptr ? 0 : table().gather_q8_bytes(c.m, c.n, c.taps, c.k);
    Guarded<uint8_t> scratch(g.scratch_bytes);
    g.scratch = scratch.data();
    table().gemm_q8(g);

    for (int64_t i = 0; i < c.m; ++i) {
      for (int64_t j = 0; j < c.n; ++j) {
        int64_t acc = params.bias != nullptr ? bias[j] : 0;
        for (int64_t t = 0; t < c.taps; ++t) {
          const uint8_t* row = rows.row(i, t);
          for (int64_t d = 0; d < c.k; ++d) {
            const int64_t at = j * strides.n_stride + t * strides.tap_stride + d * strides.k_stride;
            acc += int64_t{(row[d] ^ c.flip) - c.input_zero_point} *
                   (weights[at] - c.weight_zero_point);
          }
        }
        const int64_t at = i * g.out_stride + j;
        if (c.store == StoreQ8::s32) {
          ASSERT_EQ(words[at], acc) << "row " << i << " column " << j;
        } else {
          const int32_t expected =
              requantized(acc, scale[j * params.scale_stride], g.zero_point, g.lo, g.hi);
          ASSERT_EQ(bytes[at], static_cast<uint8_t>(expected)) << "row " << i << " column " << j;
        }
      }
      for (int64_t j = c.n; j < g.out_stride && i + 1 < c.m; ++j) {
        ASSERT_TRUE(bytes.untouched(i * g.out_stride + j) && words.untouched(i * g.out_stride + j))
            << "written behind row " << i;
      }
    }
    ASSERT_TRUE(bytes.intact() && words.intact());
  }
};

TEST_P(GemmQ8Test, AllTiles) {
  int64_t turn = 0;
  for (int64_t m = 0; m <= 2 * table().gemm_q8_mr + 1; ++m) {
    for (int64_t n = 0; n <= 2 * table().gemm_q8_nr + 3; ++n, ++turn) {
      Case c;
      c.m = m, c.n = n, c.taps = 1 + turn % 2, c.k = 1 + turn % 9;
      c.store = turn % 3 == 0 ? StoreQ8::s32 : StoreQ8::q8;
      c.weight_zero_point = turn % 5 < 2 ? static_cast<int32_t>(integer(-128, 127)) : 0;
      c.input_zero_point = static_cast<int32_t>(integer(0, 255));
      c.flip = turn % 7 < 3 ? 0x80 : 0;
      check(c);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(GemmQ8Test, AllRowsGathered) {
  for (const int64_t m : {37, 300}) {
    Case c;
    c.m = m, c.n = 131, c.taps = 9, c.k = 901;
    c.flip = 0x80;
    c.weight_zero_point = m > 100 ? 3 : 0;
    c.input_zero_point = 100;
    check(c);
    if (HasFatalFailure()) return;
  }
}

TEST_P(GemmQ8Test, EveryDepth) {
  for (int64_t k = 0; k <= 70; ++k) {
    for (const int32_t weight_zero_point : {0, -7, 127}) {
      Case c;
      c.m = 3, c.n = table().gemm_q8_nr / 2 + 1, c.taps = 1 + k % 4, c.k = k;
      c.weight_zero_point = weight_zero_point;
      c.input_zero_point = 128;
      c.flip = k % 3 == 0 ? 0x80 : 0;
      c.store = k % 2 == 0 ? StoreQ8::q8 : StoreQ8::s32;
      check(c);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(GemmQ8Test, WeightsBeyondTheCache) {
  Case c;
  c.m = 3 * table().gemm_q8_mr + 1, c.n = 2 * table().gemm_q8_nr + 1, c.taps = 9, c.k = 450;
  c.input_zero_point = 3;
  check(c);
  c.m = 2 * table().gemm_q8_mr, c.n = 100, c.taps = 1, c.k = 2800;
  c.weight_zero_point = 5;
  check(c);
}

/// The largest sums that the header allows, with the largest numbers.
TEST_P(GemmQ8Test, LargestSums) {
  Case c;
  c.m = 2, c.n = 3, c.k = 65793;
  c.store = StoreQ8::s32;
  c.activation_from = 255;
  c.weight_to = -128;
  check(c);
  c.k = 33025;
  c.weight_zero_point = 127;
  check(c);
}

INSTANTIATE_TEST_SUITE_P(Tier, GemmQ8Test, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
