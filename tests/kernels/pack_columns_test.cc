// SPDX-License-Identifier: Apache-2.0
// pack_columns_f32 and pack_columns_q8 against the packing of constants, byte by byte.
#include "gemm_case.h"

namespace cygnet {
namespace {

class PackColumnsTest : public Kernels {
 protected:
  /// Three ways in which columns may lie, with room between them; the last element ends the memory.
  WeightStrides strides(int way, int64_t n, int64_t k) {
    const int64_t room = integer(0, 3);
    if (way == 0) return {1, 0, n + room};
    if (way == 1) return {k + room, 0, 1};
    return {2, 0, 2 * n + room};
  }
  static size_t elements(const WeightStrides& s, int64_t n, int64_t k) {
    return n == 0 || k == 0 ? 0
                            : static_cast<size_t>((n - 1) * s.n_stride + (k - 1) * s.k_stride + 1);
  }

  void check_f32(int way, int64_t n, int64_t k) {
    SCOPED_TRACE("f32 way " + std::to_string(way) + " n " + std::to_string(n) + " k " +
                 std::to_string(k));
    const WeightStrides s = strides(way, n, k);
    Guarded<float> w(elements(s, n, k));
    fill_real(w, -3, 3);
    Guarded<float> bias(static_cast<size_t>(n));
    fill_real(bias, -3, 3);
    const float* given = flip_coin() ? bias.data() : nullptr;
    const int nr = table().gemm_f32_nr;
    const size_t size = gemm_f32_packed_bytes(n, 1, k, nr) / 4;
    Guarded<float> expected(size);
    Guarded<float> packed(size);
    pack_gemm_f32(w.data(), s, given, n, 1, k, nr, expected.data());
    table().pack_columns_f32(w.data(), s, given, n, k, packed.data());
    EXPECT_EQ(packed.values(), expected.values());
    EXPECT_TRUE(packed.intact());
  }

  void check_q8(int way, int64_t n, int64_t k) {
    SCOPED_TRACE("q8 way " + std::to_string(way) + " n " + std::to_string(n) + " k " +
                 std::to_string(k));
    const WeightStrides s = strides(way, n, k);
    Guarded<uint8_t> w(elements(s, n, k));
    fill(w, 0, 255);
    Guarded<int32_t> bias(static_cast<size_t>(n));
    fill(bias, -2000000000, 2000000000);
    Guarded<float> scale(static_cast<size_t>(n));
    fill_real(scale, 0.25f, 3);
    PackQ8 params;
    params.weight_flip = flip_coin() ? 0x80 : 0;
    params.weight_zero_point = flip_coin() ? static_cast<int32_t>(integer(-128, 127)) : 0;
    params.input_zero_point = static_cast<int32_t>(integer(0, 255));
    params.bias = flip_coin() ? bias.data() : nullptr;
    params.scale = n > 0 && flip_coin() ? scale.data() : nullptr;
    params.scale_stride = integer(0, 1);
    const int nr = table().gemm_q8_nr;
    const size_t size = gemm_q8_packed_bytes(n, 1, k, nr) / 4;
    Guarded<int32_t> expected(size);
    Guarded<int32_t> packed(size);
    pack_gemm_q8(w.data(), s, params, n, 1, k, nr, expected.data());
    table().pack_columns_q8(w.data(), s, params, n, k, packed.data());
    EXPECT_EQ(packed.values(), expected.values());
    EXPECT_TRUE(packed.intact());
  }
};

TEST_P(PackColumnsTest, SameAsConstants) {
  for (int way = 0; way < 3; ++way) {
    for (const int64_t n : {0, 1, 3, 4, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 96, 131}) {
      for (const int64_t k : {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 63, 64, 65, 67, 130}) {
        check_f32(way, n, k);
        check_q8(way, n, k);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, PackColumnsTest, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
