// SPDX-License-Identifier: Apache-2.0
// zip_f32, zip_q8 and lut_q8 against one element at a time.
#include "kernel_fixture.h"

namespace cygnet {
namespace {

constexpr ZipShape kShapes[] = {ZipShape::vector_vector, ZipShape::vector_scalar,
                                ZipShape::scalar_vector};
constexpr ZipOp kOps[] = {ZipOp::add, ZipOp::sub, ZipOp::mul, ZipOp::div, ZipOp::min, ZipOp::max};

float apply(ZipOp op, float a, float b) {
  switch (op) {
    case ZipOp::add:
      return a + b;
    case ZipOp::sub:
      return a - b;
    case ZipOp::mul:
      return a * b;
    case ZipOp::div:
      return a / b;
    case ZipOp::min:
      return std::min(a, b);
    case ZipOp::max:
      return std::max(a, b);
  }
  return 0;
}

class Zip : public Kernels {
 protected:
  void check_f32(ZipOp op, ZipShape shape, Guarded<float>& a, Guarded<float>& b, int64_t n,
                 float lo, float hi) {
    SCOPED_TRACE("function " + std::to_string(int(op)) + " shape " + std::to_string(int(shape)) +
                 " length " + std::to_string(n));
    const bool a_moves = shape != ZipShape::scalar_vector;
    const bool b_moves = shape != ZipShape::vector_scalar;
    Guarded<float> out(static_cast<size_t>(n));
    table().zip_f32(op, shape, a.data(), b.data(), n, out.data(), lo, hi);
    for (int64_t i = 0; i < n; ++i) {
      const float expected =
          clamp_keeping_nan(apply(op, a[a_moves ? i : 0], b[b_moves ? i : 0]), lo, hi);
      ASSERT_TRUE(same_float(out[i], expected)) << "element " << i;
    }
    ASSERT_TRUE(out.intact());
    Guarded<float>& target = a_moves ? a : b;
    table().zip_f32(op, shape, a.data(), b.data(), n, target.data(), lo, hi);
    for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(same_float(target[i], out[i])) << "in place, " << i;
  }

  /// The result of one pair of codes, by float operations rounded one by one.
  static int32_t formula(const ZipQ8& p, int32_t a, int32_t b) {
    const auto x = static_cast<float>(a - p.a_zero), y = static_cast<float>(b - p.b_zero);
    const float scaled_x = product(x, p.a_scale), scaled_y = product(y, p.b_scale);
    const bool multiplied = p.a_multiplier != 0 || p.b_multiplier != 0;
    const auto whole =
        static_cast<double>((a - p.a_zero) * p.a_multiplier + (b - p.b_zero) * p.b_multiplier);
    const float total = multiplied ? product(static_cast<float>(whole), p.multiplier_scale)
                                   : sum(scaled_x, scaled_y);
    const auto round = [&](float v) { return round_to(v, p.zero_point, p.lo, p.hi); };
    switch (p.op) {
      case ZipQ8Op::add:
        return round(total);
      case ZipQ8Op::mul:
        return round(product(x * y, p.a_scale));
      case ZipQ8Op::div:
        return round(product(x / y, p.a_scale));
      case ZipQ8Op::squared_difference:
        return round(product(total, total));
      case ZipQ8Op::prelu:
        return round(x > 0 ? scaled_x : product(x * y, p.b_scale));
      case ZipQ8Op::max:
        return std::clamp(std::max(a, b), p.lo, p.hi);
      case ZipQ8Op::min:
        return std::clamp(std::min(a, b), p.lo, p.hi);
    }
    return 0;
  }

  /// One parameter set; inputs and limits in the domain of the type.
  void check_q8(const ZipQ8& p, int64_t n) {
    SCOPED_TRACE("function " + std::to_string(int(p.op)) + " shape " +
                 std::to_string(int(p.shape)) + " flip " + std::to_string(p.flip) + " length " +
                 std::to_string(n));
    const bool a_moves = p.shape != ZipShape::scalar_vector;
    const bool b_moves = p.shape != ZipShape::vector_scalar;
    Guarded<uint8_t> a(static_cast<size_t>(a_moves ? n : 1));
    Guarded<uint8_t> b(static_cast<size_t>(b_moves ? n : 1));
    fill(a, 0, 255);
    fill(b, 0, 255);
    Guarded<uint8_t> out(static_cast<size_t>(n));
    table().zip_q8(p, a.data(), b.data(), n, out.data());
    for (int64_t i = 0; i < n; ++i) {
      const auto value = [&](uint8_t byte) {
        return p.flip != 0 ? static_cast<int32_t>(static_cast<int8_t>(byte)) : int32_t{byte};
      };
      const int32_t x = value(a[a_moves ? i : 0]), y = value(b[b_moves ? i : 0]);
      const int32_t result = p.flip != 0 ? static_cast<int8_t>(out[i]) : out[i];
      ASSERT_EQ(result, formula(p, x, y)) << "element " << i << " of " << n;
    }
    Guarded<uint8_t> plain(static_cast<size_t>(n));
    tiers()[0]->zip_q8(p, a.data(), b.data(), n, plain.data());
    ASSERT_EQ(plain.values(), out.values()) << "not as the plain tier";
    ASSERT_TRUE(out.intact());
    Guarded<uint8_t>& target = a_moves ? a : b;
    table().zip_q8(p, a.data(), b.data(), n, target.data());
    ASSERT_EQ(target.values().size(), static_cast<size_t>(std::max<int64_t>(n, 0)));
    ASSERT_EQ(target.values(), out.values()) << "in place";
  }
};

TEST_P(Zip, F32) {
  for (const int64_t n : lengths()) {
    for (const ZipShape shape : kShapes) {
      for (const ZipOp op : kOps) {
        const bool limited = flip_coin();
        Guarded<float> a(static_cast<size_t>(shape == ZipShape::scalar_vector ? 1 : n));
        Guarded<float> b(static_cast<size_t>(shape == ZipShape::vector_scalar ? 1 : n));
        fill_real(a, -4, 4);
        fill_real(b, -4, 4);
        check_f32(op, shape, a, b, n, limited ? 0.0f : -kInfinity, limited ? 6.0f : kInfinity);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(Zip, F32SpecialNumbers) {
  const std::vector<float> specials = {0,      1,         -1,         1e-42f, 3e38f,
                                       -3e38f, kInfinity, -kInfinity, kNan};
  std::vector<float> x, y;
  for (const float p : specials) {
    for (const float q : specials) x.push_back(p), y.push_back(q);
  }
  for (const ZipOp op : {ZipOp::add, ZipOp::sub, ZipOp::mul, ZipOp::div}) {
    for (const float limit : {6.0f, kInfinity}) {
      Guarded<float> a(x), b(y);
      check_f32(op, ZipShape::vector_vector, a, b, static_cast<int64_t>(x.size()), -limit, limit);
    }
  }
}

TEST_P(Zip, Q8) {
  for (const int64_t n : lengths()) {
    for (const ZipShape shape : kShapes) {
      for (const ZipQ8Op op : {ZipQ8Op::add, ZipQ8Op::mul, ZipQ8Op::squared_difference,
                               ZipQ8Op::max, ZipQ8Op::min, ZipQ8Op::prelu}) {
        ZipQ8 p;
        p.op = op;
        p.shape = shape;
        p.flip = flip_coin() ? 0x80 : 0;
        const int32_t low = p.flip != 0 ? -128 : 0;
        p.a_zero = low + static_cast<int32_t>(integer(0, 255));
        p.b_zero = low + static_cast<int32_t>(integer(0, 255));
        p.zero_point = low + static_cast<int32_t>(integer(0, 255));
        p.lo = flip_coin() ? p.zero_point : low;
        p.hi = low + 255;
        p.a_scale = op == ZipQ8Op::mul ? real(0.0001f, 0.02f) : real(-0.9f, 1.5f);
        p.b_scale = real(-1.5f, 1.5f);
        check_q8(p, n);
        if (op == ZipQ8Op::add || op == ZipQ8Op::squared_difference) {
          ZipQ8 multiplied = p;
          const double most = op == ZipQ8Op::add ? 1.5 : 0.06;
          set_sum_scales(real(0, 1) * most, -real(0, 1) * most, &multiplied);
          check_q8(multiplied, n);
        }
        // Scales of 1/2 make every other sum a tie.
        p.a_scale = 0.5f, p.b_scale = -0.5f;
        check_q8(p, n);
        // Far beyond 8 bits.
        p.a_scale = 1e30f, p.b_scale = 1e38f;
        check_q8(p, n);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Integers in the ratio of the scales: every sum within 2^−8 of a step, or none.
TEST(ZipMultipliers, SumsAreNear) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> scales(-2, 2);
  std::vector<std::pair<double, double>> cases = {
      {1, 1}, {0.5, -0.25}, {0, 0.7}, {-0.7, 0}, {1.0 / 3, 1}, {0.7, 0.7 / 32767}, {4, 1e-9}};
  for (int i = 0; i < 2000; ++i) cases.emplace_back(scales(random), scales(random));
  int without = 0;
  for (const auto& [a, b] : cases) {
    ZipQ8 zip;
    set_sum_scales(a, b, &zip);
    EXPECT_EQ(zip.a_scale, static_cast<float>(a));
    EXPECT_EQ(zip.b_scale, static_cast<float>(b));
    if (zip.a_multiplier == 0 && zip.b_multiplier == 0) {
      ++without;
      continue;
    }
    EXPECT_LE(std::abs(zip.a_multiplier), 32767);
    EXPECT_LE(std::abs(zip.b_multiplier), 32767);
    EXPECT_LE(zip.multiplier_scale, 0x1p-11f);
    for (const int x : {-255, -1, 0, 255}) {
      for (const int y : {-255, 1, 255}) {
        const double exact = x * a + y * b;
        const double sum =
            (x * zip.a_multiplier + y * zip.b_multiplier) * double{zip.multiplier_scale};
        ASSERT_NEAR(sum, exact, 0x1p-8 + std::abs(exact) * 0x1p-24) << a << ", " << b;
      }
    }
  }
  EXPECT_LE(without, 5);
}

TEST(ZipMultipliers, NoneForScalesOutOfRange) {
  for (const auto& [a, b] : std::vector<std::pair<double, double>>{
           {0, 0}, {1e30, 1}, {1, -1e30}, {1e-12, 1e-13}, {1, std::nan("")}, {4.5, 1}}) {
    ZipQ8 zip;
    zip.a_multiplier = zip.b_multiplier = 1;
    set_sum_scales(a, b, &zip);
    EXPECT_EQ(zip.a_multiplier, 0) << a << ", " << b;
    EXPECT_EQ(zip.b_multiplier, 0) << a << ", " << b;
  }
}

TEST_P(Zip, Q8Quotients) {
  const int64_t n = 151;
  for (const ZipShape shape : kShapes) {
    const ZipQ8 p{.op = ZipQ8Op::div,
                  .shape = shape,
                  .flip = 0x80,
                  .a_zero = 3,
                  .b_zero = -20,
                  .a_scale = 40,
                  .zero_point = 5,
                  .lo = -128,
                  .hi = 120};
    Guarded<uint8_t> a(static_cast<size_t>(n)), b(a.size()), out(a.size()), plain(a.size());
    fill(a, 0, 255);
    fill(b, 0, 255);
    for (int64_t i = 0; i < n; ++i)
      if (static_cast<int8_t>(b[i]) == -20) b[i] = 9;
    table().zip_q8(p, a.data(), b.data(), n, out.data());
    tiers()[0]->zip_q8(p, a.data(), b.data(), n, plain.data());
    for (int64_t i = 0; i < n; ++i) {
      const auto x = static_cast<int8_t>(a[shape == ZipShape::scalar_vector ? 0 : i]);
      const auto y = static_cast<int8_t>(b[shape == ZipShape::vector_scalar ? 0 : i]);
      ASSERT_EQ(static_cast<int8_t>(out[i]), formula(p, x, y)) << i;
    }
    ASSERT_EQ(plain.values(), out.values());
  }
}

TEST_P(Zip, S16) {
  for (const int64_t n : lengths()) {
    for (const ZipShape shape : kShapes) {
      for (const ZipQ8Op op : {ZipQ8Op::add, ZipQ8Op::mul}) {
        const bool sum = op == ZipQ8Op::add, limited = flip_coin();
        const ZipS16 p{.op = op,
                       .shape = shape,
                       .a_scale = sum ? real(-2, 2) : real(0.5f, 4) / 32768,
                       .b_scale = real(-2, 2),
                       .lo = limited ? -20000 : -32768,
                       .hi = limited ? 777 : 32767};
        const bool a_moves = shape != ZipShape::scalar_vector;
        const bool b_moves = shape != ZipShape::vector_scalar;
        Guarded<int16_t> a(static_cast<size_t>(a_moves ? n : 1));
        Guarded<int16_t> b(static_cast<size_t>(b_moves ? n : 1));
        fill(a, -32768, 32767);
        fill(b, -32768, 32767);
        if (n > 2 && a_moves && b_moves) a[1] = b[1] = -32768, a[2] = 32767, b[2] = -32768;
        Guarded<int16_t> out(static_cast<size_t>(n));
        table().zip_s16(p, a.data(), b.data(), n, out.data());
        for (int64_t i = 0; i < n; ++i) {
          const int32_t x = a[a_moves ? i : 0], y = b[b_moves ? i : 0];
          const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
          // Volatile: the products are rounded, whatever the compiler would like to fuse.
          const volatile float first = product(sum ? fx : static_cast<float>(x * y), p.a_scale);
          const volatile float second = product(fy, p.b_scale);
          const float v = sum ? first + second : first;
          ASSERT_EQ(out[i], round_to(v, 0, p.lo, p.hi)) << "element " << i << " of " << n;
        }
        ASSERT_TRUE(out.intact());
        Guarded<int16_t>& target = a_moves ? a : b;
        table().zip_s16(p, a.data(), b.data(), n, target.data());
        ASSERT_EQ(target.values(), out.values()) << "in place";
      }
    }
  }
}

TEST_P(Zip, Lut) {
  Guarded<uint8_t> lut(256);
  fill(lut, 0, 255);
  for (const int64_t n : lengths()) {
    Guarded<uint8_t> in(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i)
      in[i] = static_cast<uint8_t>(i < 256 ? 255 - i : integer(0, 255));
    Guarded<uint8_t> out(static_cast<size_t>(n));
    table().lut_q8(in.data(), n, lut.data(), out.data());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(out[i], lut[in[i]]) << "element " << i << " of " << n;
    ASSERT_TRUE(out.intact());
    table().lut_q8(in.data(), n, lut.data(), in.data());
    ASSERT_EQ(in.values(), out.values()) << "in place";
  }
}

INSTANTIATE_TEST_SUITE_P(Tier, Zip, testing::ValuesIn(tiers()), tier_name);

}  // namespace
}  // namespace cygnet
