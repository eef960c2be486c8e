// SPDX-License-Identifier: Apache-2.0
// map_f32 and prelu_f32 against the functions in double.
#include <limits>

#include "kernel_fixture.h"

namespace cygnet {
namespace {

constexpr float kSmallestNormal = std::numeric_limits<float>::min();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr MapParams kParams{-1.5f, 6.25f, 0.1f};

/// A function, its formula, and how far results may be off: relative · |result| + absolute.
struct Function {
  MapOp op;
  const char* name;
  double (*formula)(double);
  double relative;
  double absolute;
};

/// Rounding below the smallest normal number is by steps of kSmallest; e^−x overflows before
/// logistic reaches 0.
constexpr Function kFunctions[] = {
    {MapOp::clamp, "clamp", [](double x) { return std::isnan(x) ? x : std::clamp(x, -1.5, 6.25); },
     0, 0},
    {MapOp::logistic, "logistic", [](double x) { return 1 / (1 + std::exp(-x)); }, 2e-6,
     kSmallestNormal},
    {MapOp::tanh, "tanh", [](double x) { return std::tanh(x); }, 1e-6, kSmallest},
    {MapOp::hard_swish, "hard_swish",
     [](double x) { return std::isnan(x) ? x : x * std::clamp(x + 3, 0.0, 6.0) / 6; }, 1e-6,
     kSmallest},
    {MapOp::exp, "exp", [](double x) { return std::exp(x); }, 1e-6, kSmallest},
    {MapOp::sqrt, "sqrt", [](double x) { return std::sqrt(x); }, 0, 0},
    {MapOp::rsqrt, "rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1e-6, 0},
    {MapOp::neg, "neg", [](double x) { return -x; }, 0, 0},
    {MapOp::abs, "abs", [](double x) { return std::fabs(x); }, 0, 0},
    {MapOp::square, "square", [](double x) { return x * x; }, 0, 0},
    {MapOp::elu, "elu", [](double x) { return x < 0 ? std::expm1(x) : x; }, 1e-6, kSmallest},
    {MapOp::leaky_relu, "leaky_relu", [](double x) { return x < 0 ? double{0.1f} * x : x; }, 0, 0},
    {MapOp::gelu, "gelu",
     [](double x) { return x < -40 ? 0 : x / 2 * std::erfc(-x / std::sqrt(2.0)); }, 5e-7, 3e-6},
    {MapOp::gelu_tanh, "gelu_tanh",
     [](double x) {
       if (x < -40) return 0.0;
       return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
     },
     5e-7, 3e-6},
    {MapOp::softsign, "softsign", [](double x) { return x / (1 + std::fabs(x)); }, 5e-7, kSmallest},
};

class Map : public Kernels {
 protected:
  /// Whether `value` is f(x) within f's limits. Near the largest float infinity is as good.
  static testing::AssertionResult close(const Function& f, float x, float value) {
    const double exact = f.formula(double{x});
    const auto rounded = static_cast<float>(exact);
    if (same_float(value, rounded)) return testing::AssertionSuccess();
    const double error = std::fabs(double{value} - exact);
    if (!std::isnan(exact) && error <= f.relative * std::fabs(exact) + f.absolute) {
      return testing::AssertionSuccess();
    }
    if (std::fabs(exact) >= kLargest * (1 - f.relative) &&
        std::fabs(value) >= kLargest * (1 - f.relative) && std::signbit(value) == (exact < 0) &&
        f.relative > 0) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure()
           << f.name << "(" << std::hexfloat << x << ") = " << value << ", not " << exact;
  }

  void check(const Function& f, const std::vector<float>& in) {
    Guarded<float> a(in);
    Guarded<float> out(in.size());
    table().map_f32(f.op, a.data(), static_cast<int64_t>(in.size()), out.data(), kParams);
    for (size_t i = 0; i < in.size(); ++i) {
      ASSERT_TRUE(close(f, in[i], out[static_cast<int64_t>(i)])) << "element " << i;
    }
    ASSERT_TRUE(out.intact());
  }
};

TEST_P(Map, WideRange) {
  std::vector<float> in;
  for (int i = -120000; i <= 120000; i += 7) in.push_back(static_cast<float>(i) / 1000);
  for (int i = 0; i < 20000; ++i) in.push_back(any_float());
  for (int i = 0; i < 20000; ++i) in.push_back(real(-1, 1));
  for (float x = kSmallest; x < kLargest / 3; x *= 2.999f) {
    in.push_back(x);
    in.push_back(-x);
  }
  for (const Function& f : kFunctions) check(f, in);
}

TEST_P(Map, SpecialNumbers) {
  std::vector<float> in = {0.0f, -0.0f, 1.0f,  -1.0f,     3.0f,      -3.0f,
                           0.5f, kNan,  -kNan, kInfinity, -kInfinity};
  for (const float x : {kLargest,   kSmallest,  kSmallestNormal, 10.0f,     9.0f,      20.0f,
                        40.0f,      87.33654f,  88.0f,           88.72283f, 88.72284f, 88.73f,
                        89.0f,      103.0f,     103.9721f,       105.0f,    1e10f,     0.34657359f,
                        0.6931472f, 1.0397208f, 2.9999998f,      3.0000002f}) {
    in.push_back(x);
    in.push_back(-x);
  }
  for (const Function& f : kFunctions) check(f, in);
}

TEST_P(Map, EveryLengthAndInPlace) {
  for (const int64_t n : lengths()) {
    std::vector<float> in(static_cast<size_t>(n));
    for (float& x : in) x = real(-8, 8);
    for (const Function& f : kFunctions) {
      check(f, in);
      Guarded<float> apart(in.size());
      Guarded<float> a(in);
      table().map_f32(f.op, a.data(), n, apart.data(), kParams);
      table().map_f32(f.op, a.data(), n, a.data(), kParams);
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same_float(a[i], apart[i])) << f.name << " in place, " << i << " of " << n;
      }
      ASSERT_TRUE(a.intact());
    }
  }
}

TEST_P(Map, ClampWithoutLimits) {
  const std::vector<float> in = {-kInfinity, kInfinity, kNan, -kLargest, kLargest, 0, -2, 5};
  Guarded<float> a(in);
  Guarded<float> out(in.size());
  table().map_f32(MapOp::clamp, a.data(), 8, out.data(), {-kInfinity, kInfinity, 0});
  for (int64_t i = 0; i < 8; ++i) EXPECT_TRUE(same_float(out[i], a[i])) << i;
}

TEST_P(Map, Prelu) {
  for (const int64_t n : lengths()) {
    Guarded<float> a(static_cast<size_t>(n));
    Guarded<float> alpha(static_cast<size_t>(n));
    Guarded<float> out(static_cast<size_t>(n));
    fill_real(a, -3, 3);
    fill_real(alpha, -2, 2);
    if (n > 4) a[n - 1] = kNan, a[n / 2] = -kInfinity, a[0] = -0.0f;
    table().prelu_f32(a.data(), alpha.data(), n, out.data());
    for (int64_t i = 0; i < n; ++i) {
      const float expected = a[i] < 0 ? product(a[i], alpha[i]) : a[i];
      ASSERT_TRUE(same_float(out[i], expected)) << "element " << i << " of " << n;
    }
    ASSERT_TRUE(out.intact());
    table().prelu_f32(a.data(), alpha.data(), n, a.data());
    for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(same_float(a[i], out[i])) << "in place";
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Map, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
