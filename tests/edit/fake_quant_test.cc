// SPDX-License-Identifier: Apache-2.0
#include "edit/fake_quant.h"

#include "passes/builders.h"
#include "support/grids.h"

namespace cygnet::test {
namespace {

// The definition of tf.quantization.fake_quant_with_min_max_vars, in float64.
double rounded(double x, double min, double max, int bits, bool narrow) {
  const double first = narrow ? 1 : 0, last = std::pow(2, bits) - 1;
  const double scale = (max - min) / (last - first);
  const double zero = std::clamp(std::round(first - min / scale), first, last);
  const double low = (first - zero) * scale, high = (last - zero) * scale;
  return std::floor((std::clamp(x, low, high) - low) / scale + 0.5) * scale + low;
}

const FakeQuant kChannels{{-1, -0.5f, -2.25f}, {1.25f, 0.75f, 0.5f}, 1};

TEST(FakeQuant, RoundsConstants) {
  for (bool keep : {false, true})
    for (bool narrow : {false, true})
      for (int bits : {4, 8, 16})
        for (bool channels : {false, true}) {
          Draft draft;
          Editor e(draft, builtin_ops());
          FakeQuant quant = channels ? kChannels : FakeQuant{{-1.25f}, {0.75f}};
          quant.bits = bits;
          quant.narrow = narrow;
          const int32_t x = random_constant(e, {5, 3, 2}, 3, "x", -3, 3);
          const int32_t y = add_fake_quant(e, x, quant, keep, "y");
          ASSERT_TRUE(e.constant(y));
          EXPECT_EQ(e.grid(y) != nullptr, bits <= 8);
          if (bits <= 8) codes_of(e, y);
          const auto from = e.values<float>(x), to = e.values<float>(y);
          for (size_t i = 0; i < from.size(); ++i) {
            const size_t c = channels ? i / 2 % 3 : 0;
            const auto min = static_cast<double>(quant.min[c]);
            const auto max = static_cast<double>(quant.max[c]);
            const double want = rounded(static_cast<double>(from[i]), min, max, bits, narrow);
            ASSERT_NEAR(static_cast<double>(to[i]), want, 1e-6) << i;
          }
        }
}

// Both ways of saying it compute the same.
TEST(FakeQuant, RoundsActivations) {
  for (bool narrow : {false, true})
    for (bool channels : {false, true}) {
      std::vector<std::vector<DraftOutput>> results;
      for (bool keep : {false, true}) {
        Draft draft;
        Editor e(draft, builtin_ops());
        FakeQuant quant = channels ? kChannels : FakeQuant{{-1.25f}, {0.75f}};
        quant.narrow = narrow;
        const int32_t x = e.input("x", Type::float32, {-1, 3, 40});
        e.set_outputs({add_fake_quant(e, x, quant, keep, "y")});
        results.push_back(run_draft(draft, 2));
        const Names names = operators(draft);
        const bool integers = keep && (channels || !narrow);
        EXPECT_EQ(std::count(names.begin(), names.end(), "QUANTIZE"), integers ? 1 : 0);
        EXPECT_EQ(names == Names{"FAKE_QUANT"}, !channels && keep == narrow);
      }
      expect_same(results[0], results[1], 1e-6);
    }
}

// 0 lies between two steps of [−1, 1]: the converter takes −128 … 127.
TEST(FakeQuant, SymmetricLimits) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const std::vector<float> ends = {-1.01f, 0, 1};
  const int32_t x = e.constant<float>({3}, ends);
  const int32_t kept = add_fake_quant(e, x, {{-1}, {1}}, true, "kept");
  EXPECT_EQ(codes_of(e, kept), (std::vector<int64_t>{-128, 0, 127}));
  EXPECT_EQ(e.grid(kept)->zero_point(), 0);
  const int32_t trained = add_fake_quant(e, x, {{-1}, {1}}, false, "trained");
  EXPECT_EQ(codes_of(e, trained), (std::vector<int64_t>{-128, -1, 127}));
}

TEST(FakeQuant, WithoutExtentIsZero) {
  for (bool keep : {false, true}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = e.input("x", Type::float32, {1, 4});
    const int32_t small = mul(e, x, number(e, 0.1));
    e.set_outputs({add_fake_quant(e, small, {{0}, {0}}, keep, "y")});
    const std::vector<DraftOutput> outputs = run_draft(draft);
    for (double v : outputs[0].values) EXPECT_EQ(v, 0);
    const int32_t c = add_fake_quant(e, random_constant(e, {3}, 1), {{0}, {0}}, keep, "c");
    for (float v : e.values<float>(c)) EXPECT_EQ(v, 0.0f);
  }
}

std::string failure(int32_t (*build)(Editor&)) {
  Draft draft;
  draft.source = "net.pb";
  Editor e(draft, builtin_ops());
  try {
    build(e);
  } catch (const Failure& f) {
    return f.what();
  }
  return "";
}

TEST(FakeQuant, Refuses) {
  EXPECT_EQ(failure([](Editor& e) {
              return add_fake_quant(e, e.input("x", Type::float32, {2}), {{1}, {1}}, true, "y");
            }),
            "net.pb: \"y\": fake quantization: expected min < max, got 1 and 1");
  EXPECT_EQ(failure([](Editor& e) {
              return add_fake_quant(e, e.input("x", Type::float32, {2}), {{NAN}, {1}}, true, "y");
            }),
            "net.pb: \"y\": fake quantization: expected min < max, got nan and 1");
  EXPECT_EQ(failure([](Editor& e) {
              return add_fake_quant(e, random_constant(e, {2, 2}, 1), kChannels, true, "y");
            }),
            "net.pb: \"y\": fake quantization: limits for 3 channels of [2,2]");
  EXPECT_EQ(failure([](Editor& e) {
              return add_fake_quant(e, e.input("x", Type::float32, {2}),
                                    {.min = {0}, .max = {1}, .bits = 17}, true, "y");
            }),
            "net.pb: \"y\": fake quantization: num_bits: expected 2 to 16, got 17");
  EXPECT_EQ(failure([](Editor& e) {
              return add_fake_quant(e, e.input("x", Type::int32, {2}), {{0}, {1}}, true, "y");
            }),
            "net.pb: \"y\": fake quantization: expected FLOAT32, got INT32");
}

}  // namespace
}  // namespace cygnet::test
