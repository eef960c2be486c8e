// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

using Build = int32_t (*)(Editor&, int32_t);

// The operators of y = build(x), x of shape [batch, 5, 3], all positive where `positive`.
Names left(Build build, bool expect_change = true, bool positive = false) {
  Draft draft;
  Editor e(draft, builtin_ops());
  int32_t x = e.input("x", Type::float32, {-1, 5, 3});
  if (positive) x = add(e, mul(e, x, x), random_constant(e, {3}, 9, "c", 0.5f, 1), "positive");
  const int32_t y = build(e, x);
  e.set_outputs({e.add(Builtin::TANH, {y}, NoOptions(), "y")});
  EXPECT_EQ(optimize(draft, {"simplify-arithmetic"}) > 0, expect_change);
  Names names = operators(draft);
  if (positive) names.erase(names.begin(), names.begin() + 2);
  EXPECT_EQ(names.back(), "TANH");
  names.pop_back();
  return names;
}

TEST(SimplifyArithmetic, OneSpelling) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return div(e, x, number(e, 3)); }), Names{"MUL"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return sub(e, x, random_constant(e, {3}, 1)); }),
            Names{"ADD"});
  EXPECT_EQ(
      left([](Editor& e, int32_t x) { return mul(e, add(e, x, number(e, 0)), number(e, 1)); }),
      Names{});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              schema::MulOptionsT relu;
              relu.fused_activation_function = schema::ActivationFunctionType::RELU;
              return e.add(Builtin::MUL, {x, number(e, 1)}, relu);
            }),
            Names{"RELU"});
}

TEST(SimplifyArithmetic, ChainsOfConstants) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              x = mul(e, mul(e, x, random_constant(e, {3}, 1)), number(e, 0.5));
              return mul(e, x, random_constant(e, {3}, 2));
            }),
            Names{"MUL"});
}

TEST(SimplifyArithmetic, Negations) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return add(e, e.add(Builtin::NEG, {x}), e.add(Builtin::RELU, {x}));
            }),
            (Names{"RELU", "SUB"}));
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return e.add(Builtin::NEG, {sub(e, x, e.add(Builtin::RELU, {x}))});
            }),
            (Names{"RELU", "SUB"}));
}

TEST(SimplifyArithmetic, Powers) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return e.add(Builtin::POW, {x, number(e, 2)});
            }),
            Names{"MUL"});
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {
                  return e.add(Builtin::POW, {x, number(e, 0.5)});
                },
                true, true),
            Names{"SQRT"});
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {
                  return e.add(Builtin::POW, {x, number(e, 1.5)});
                },
                false, true),
            Names{"POW"});
}

TEST(SimplifyArithmetic, ReciprocalRoot) {
  EXPECT_EQ(
      left([](Editor& e, int32_t x) { return div(e, number(e, 1), e.add(Builtin::SQRT, {x})); },
           true, true),
      Names{"RSQRT"});
}

TEST(SimplifyArithmetic, Keeps) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return sub(e, number(e, 1), x); }, false),
            Names{"SUB"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return div(e, x, number(e, 1e-44)); }, false),
            Names{"DIV"});
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {  // shared
                  const int32_t a = mul(e, x, number(e, 2));
                  return add(e, mul(e, a, number(e, 3)), a);
                },
                false),
            (Names{"MUL", "MUL", "ADD"}));
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {  // broadcasts
                  return mul(e, x, e.constant<float>({2, 1, 1, 3}, std::vector<float>(6, 1.0f)));
                },
                false),
            Names{"MUL"});
}

TEST(SimplifyArithmetic, OutputInTheMiddle) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 5});
  const int32_t a = mul(e, x, number(e, 2), "a");
  e.set_outputs({a, mul(e, a, number(e, 3), "b")});
  EXPECT_EQ(optimize(draft, {"simplify-arithmetic"}), 0);
  EXPECT_EQ(operators(draft), (Names{"MUL", "MUL"}));
}

}  // namespace
}  // namespace cygnet::test
