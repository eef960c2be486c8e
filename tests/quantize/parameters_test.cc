// SPDX-License-Identifier: Apache-2.0
#include "quantize/parameters.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cygnet {
namespace {

// What TensorFlow 2.21's converter makes of these intervals.
TEST(Parameters, activations_as_tensorflow_has_them) {
  const QuantizedType relu6 = activation_type(Type::int8, {0, 6});
  EXPECT_FLOAT_EQ(relu6.scale(), 0.02352941f);
  EXPECT_EQ(relu6.zero_point(), -128);
  const QuantizedType image = activation_type(Type::int8, {-1, 1});
  EXPECT_FLOAT_EQ(image.scale(), 0.00784314f);
  EXPECT_EQ(image.zero_point(), -1);
  const QuantizedType wide = activation_type(Type::int16, {-1, 0.25});
  EXPECT_FLOAT_EQ(wide.scale(), 3.05185e-05f);
  EXPECT_EQ(wide.zero_point(), 0);
}

TEST(Parameters, zero_is_exact_and_ends_are_within_a_step) {
  for (Type type : {Type::int8, Type::uint8}) {
    for (const Interval& interval : {Interval{-1, 2.5}, Interval{-3e-5, 1}, Interval{-7, -1},
                                     Interval{2, 3}, Interval{-1e6, 1}}) {
      const QuantizedType q = activation_type(type, interval);
      const IntegerRange range = integer_range(type);
      EXPECT_GE(q.zero_point(), range.least);
      EXPECT_LE(q.zero_point(), range.largest);
      const double s = static_cast<double>(q.scale());
      const double min = std::min(0.0, interval.min), max = std::max(0.0, interval.max);
      EXPECT_NEAR(s * 255, max - min, 1e-6 * (max - min));
      EXPECT_NEAR(s * static_cast<double>(range.least - q.zero_point()), min, s * 0.5001);
    }
  }
}

TEST(Parameters, an_interval_without_extent_has_scale_1) {
  EXPECT_EQ(activation_type(Type::int8, {0, 0}), (QuantizedType{Type::int8, {1}, {0}, 0}));
  EXPECT_EQ(activation_type(Type::uint8, {0, 0}), (QuantizedType{Type::uint8, {1}, {128}, 0}));
  EXPECT_EQ(activation_type(Type::int16, {0, 0}), (QuantizedType{Type::int16, {1}, {0}, 0}));
}

TEST(Parameters, weights_have_a_scale_for_each_channel) {
  const std::vector<float> w = {1, -2, 0.5f, 0, 0, 0, -0.25f, 0.125f, 0.1f};
  const QuantizedType q = weight_type(Type::int8, w, {3, 3}, 0);
  EXPECT_EQ(q.scales, (std::vector<float>{2.0f / 127, 1, 0.25f / 127}));
  const std::vector<uint8_t> bytes = quantized_bytes(w, {3, 3}, q, true);
  const std::vector<int> expected = {64, -127, 32, 0, 0, 0, -127, 64, 51};
  ASSERT_EQ(bytes.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(static_cast<int8_t>(bytes[i]), expected[i]);
  const QuantizedType last = weight_type(Type::int8, w, {3, 3}, 1);
  EXPECT_EQ(last.axis, 1);
  EXPECT_EQ(last.scales, (std::vector<float>{1.0f / 127, 2.0f / 127, 0.5f / 127}));
  EXPECT_EQ(weight_type(Type::int8, w, {3, 3}, -1).scales, (std::vector<float>{2.0f / 127}));
}

TEST(Parameters, four_bits_are_packed_low_half_first) {
  const std::vector<float> w = {7, -7, 3};
  const QuantizedType q = weight_type(Type::int4, w, {1, 3}, 0);
  EXPECT_EQ(q.scales, std::vector<float>{1});
  EXPECT_EQ(quantized_bytes(w, {1, 3}, q, true), (std::vector<uint8_t>{0x97, 0x03}));
}

TEST(Parameters, sixteen_bits_are_little_endian) {
  EXPECT_EQ(quantized_bytes(std::vector<float>{-1, 300}, {2}, {Type::int16, {1}, {0}, 0}),
            (std::vector<uint8_t>{0xFF, 0xFF, 0x2C, 0x01}));
}

TEST(Parameters, values_beyond_the_range_are_clamped) {
  EXPECT_EQ(quantized_bytes(std::vector<float>{-1e30f, 1e30f, 0.5f, -0.5f}, {4},
                            {Type::int8, {1}, {0}, 0}),
            (std::vector<uint8_t>{0x80, 0x7F, 0x01, 0xFF}));
}

}  // namespace
}  // namespace cygnet
