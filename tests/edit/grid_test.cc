// SPDX-License-Identifier: Apache-2.0
#include "edit/grid.h"

#include "edit/fake_quant.h"
#include "passes/builders.h"
#include "support/grids.h"

namespace cygnet::test {
namespace {

// Scales and zero points of TensorFlow 2.21's conversion; the 16-bit ones by the 16x8
// specification.
TEST(Grid, TypesOfFakeQuant) {
  const struct {
    float min, max;
    int bits;
    bool narrow;
    Type type;
    double scale;
    int64_t zero;
  } cases[] = {
      {-2.1f, 2.3f, 8, false, Type::int8, 4.4 / 255, -6},
      {0, 6, 8, false, Type::int8, 6.0 / 255, -128},
      {-4.2f, 7.3f, 8, false, Type::int8, 11.5 / 255, -35},
      {-5, 5, 8, false, Type::int8, 10.0 / 255, 0},
      {-1, 1, 8, true, Type::int8, 1.0 / 127, 0},
      {-3, 0, 8, false, Type::int8, 3.0 / 255, 127},
      {1, 3, 8, false, Type::int8, 2.0 / 255, -128},  // 0 outside: the limits move
      {0, 3, 4, false, Type::int8, 3.0 / 15, -8},
      {0, 0, 8, false, Type::int8, 1, -128},
      {-3, 1, 16, false, Type::int16, 3.0 / 32767, 0},
      {0, 0, 16, false, Type::int16, 1, 0},
  };
  for (const auto& c : cases) {
    const QuantizedType q = fake_quant_type(c.min, c.max, c.bits, c.narrow);
    EXPECT_EQ(q.type, c.type) << c.min << " " << c.max;
    EXPECT_NEAR(q.scale() / c.scale, 1, 1e-6) << c.min << " " << c.max;
    EXPECT_EQ(q.zero_point(), c.zero) << c.min << " " << c.max;
  }
}

TEST(Grid, FollowsTransposes) {
  for (bool wide : {false, true}) {  // computed at once, or by the pass
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t c = wide ? 40 : 4;
    const int32_t w = grid_constant(e, {3, 3, 5, c}, symmetric(c, 3));
    const std::vector<int64_t> before = codes_of(e, w);
    const int32_t t = transpose(e, w, {3, 0, 1, -2});
    e.set_outputs({add(e, e.input("x", Type::float32, {c, 3, 3, 5}), t, "y")});
    optimize(draft, {"fold-constants"});
    const int32_t found = draft.graph.subgraphs[0].nodes[0].inputs[1];
    ASSERT_TRUE(e.constant(found));
    ASSERT_TRUE(e.grid(found));
    EXPECT_EQ(e.grid(found)->axis, 0);
    const std::vector<int64_t> after = codes_of(e, found);
    for (size_t i = 0; i < after.size(); ++i) {
      const size_t inner = 45, rows = i % inner, channel = i / inner;
      ASSERT_EQ(after[i], before[rows * static_cast<size_t>(c) + channel]);
    }
  }
}

// Elements keep their order, so the integers must be the same ones.
TEST(Grid, FollowsReshapes) {
  const struct {
    Shape from;
    QuantizedType q;
    Shape to;
    bool kept;
  } cases[] = {
      {{3, 3, 4, 1}, symmetric(4, 2), {1, 3, 3, 4}, true},
      {{3, 3, 4, 1}, symmetric(), {9, 4}, true},
      {{3, 3, 4, 2}, symmetric(2, 3), {1, 3, 3, 8}, true},  // two filters a channel
      {{3, 3, 4, 2}, symmetric(4, 2), {1, 3, 3, 8}, true},
      {{6, 5}, symmetric(6, 0), {6, 1, 1, 5}, true},
      {{6, 5}, symmetric(6, 0), {2, 3, 5}, false},
      {{6, 5}, symmetric(5, 1), {5, 6}, false},
      {{6, 5}, symmetric(6, 0), {30}, true},
      {{1, 6}, symmetric(6, 1), {6}, true},
  };
  for (const auto& c : cases) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t w = grid_constant(e, c.from, c.q);
    std::vector<int32_t> dims(c.to.begin(), c.to.end());
    const int32_t r = reshape(e, w, dims);
    ASSERT_TRUE(e.constant(r));
    ASSERT_EQ(e.grid(r) != nullptr, c.kept) << shape_text(c.from).text << shape_text(c.to).text;
    if (c.kept) {
      EXPECT_EQ(codes_of(e, r), codes_of(e, w));
    }
  }
}

TEST(Grid, FollowsFactors) {
  const Shape shape{2, 2, 3, 4};
  const QuantizedType asymmetric{Type::int8, {0.02f}, {3}, 0};
  const struct {
    QuantizedType q;
    Shape factors;
    bool kept;
  } cases[] = {
      {symmetric(), {}, true},         {symmetric(), {4}, true},
      {symmetric(4, 3), {4}, true},    {symmetric(4, 3), {1}, true},
      {symmetric(3, 2), {3, 1}, true}, {symmetric(4, 3), {3, 1}, false},
      {symmetric(), {3, 4}, false},    {asymmetric, {1, 1, 1, 4}, true},
  };
  for (const auto& c : cases)
    for (bool division : {false, true}) {
      Draft draft;
      Editor e(draft, builtin_ops());
      const int32_t w = grid_constant(e, shape, c.q);
      std::vector<float> list = random_floats(c.factors.elements(), 5, -2, 2);
      list[0] = -0.75f;
      const int32_t f = e.constant<float>(c.factors, list);
      const int32_t y = division ? div(e, w, f) : mul(e, w, f);
      ASSERT_EQ(e.grid(y) != nullptr, c.kept) << shape_text(c.factors).text;
      if (!c.kept) continue;
      const auto before = codes_of(e, w), after = codes_of(e, y);
      const auto factor = [&](size_t i) {
        if (list.size() == 1) return list[0];
        return list.size() == 3 ? list[i / 4 % 3] : list[i % 4];
      };
      for (size_t i = 0; i < after.size(); ++i)
        ASSERT_EQ(after[i], factor(i) < 0 ? -before[i] : before[i]) << i;
    }
}

// −128 has no counterpart among the integers.
TEST(Grid, IsGivenUpWhereIntegersWouldNotFit) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const std::vector<float> values = {-1.28f, 0.5f};
  const int32_t w = e.constant<float>({2}, values);
  e.set_grid(w, std::make_shared<const QuantizedType>(QuantizedType{Type::int8, {0.01f}, {0}, 0}));
  EXPECT_TRUE(e.grid(mul(e, w, number(e, 2))));
  EXPECT_FALSE(e.grid(mul(e, w, number(e, -2))));
  EXPECT_FALSE(e.grid(mul(e, w, number(e, INFINITY))));
  const int32_t zero = mul(e, w, number(e, 0));
  ASSERT_TRUE(e.grid(zero));
  EXPECT_EQ(e.grid(zero)->scale(), 0.01f);
}

TEST(Grid, OfQuantizedConstants) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const std::vector<uint8_t> codes = {0, 128, 200, 255};
  const int32_t q = e.constant<uint8_t>({2, 2}, codes);
  set_quantization(e, q, {Type::uint8, {0.5f, 0.25f}, {128, 100}, 1});
  const int32_t x =
      e.add(Builtin::DEQUANTIZE, {q}, schema::DequantizeOptionsT(), {"x", Type::float32});
  ASSERT_TRUE(e.grid(x));
  EXPECT_EQ(*e.grid(x), (QuantizedType{Type::int8, {0.5f, 0.25f}, {0, -28}, 1}));
  EXPECT_EQ(codes_of(e, x), (std::vector<int64_t>{-128, 0, 72, 127}));
}

TEST(Grid, IsNotTakenForEqualNumbersOfAnother) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {4});
  const std::vector<float> values = {1, 2, 3, 4};
  std::vector<int32_t> constants;
  for (float scale : {1.0f, 0.5f, 0.5f}) {
    constants.push_back(e.constant<float>({4}, values));
    e.set_grid(constants.back(),
               std::make_shared<const QuantizedType>(QuantizedType{Type::int8, {scale}, {0}, 0}));
  }
  e.set_outputs(
      {add(e, x, constants[0], "a"), sub(e, x, constants[1], "b"), mul(e, x, constants[2], "c")});
  EXPECT_EQ(optimize(draft, {"merge-duplicates"}), 1);
  const auto& nodes = draft.graph.subgraphs[0].nodes;
  EXPECT_NE(nodes[0].inputs[1], nodes[1].inputs[1]);
  EXPECT_EQ(nodes[1].inputs[1], nodes[2].inputs[1]);
}

}  // namespace
}  // namespace cygnet::test
