// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

// The formula that importers use: x → erf(x).
int32_t erf(Editor& e, int32_t z, double last = 0.254829592) {
  const double a[] = {1.061405429, -1.453152027, 1.421413741, -0.284496736, last};
  const int32_t scaled = mul(e, e.add(Builtin::ABS, {z}), number(e, 0.3275911));
  const int32_t t = div(e, number(e, 1), add(e, scaled, number(e, 1)));
  int32_t sum = number(e, a[0]);
  for (int k = 1; k < 5; ++k) sum = add(e, mul(e, sum, t), number(e, a[k]));
  const int32_t decay = e.add(Builtin::EXP, {e.add(Builtin::NEG, {mul(e, z, z)})});
  const int32_t rest = mul(e, mul(e, sum, t), decay);
  return mul(e, e.add(Builtin::SIGN, {z}), sub(e, number(e, 1), rest));
}

int32_t erfc_gelu(Editor& e, int32_t x, int32_t z) {
  return mul(e, mul(e, x, number(e, 0.5)), sub(e, number(e, 1), erf(e, z)));
}

int32_t tanh_gate(Editor& e, int32_t x, double cubic = 0.044715) {
  const int32_t cube = mul(e, mul(e, x, x), x);
  const int32_t inner = add(e, x, mul(e, cube, number(e, cubic)));
  const int32_t u = mul(e, inner, number(e, 0.7978845608));
  return add(e, e.add(Builtin::TANH, {u}), number(e, 1));
}

using Build = int32_t (*)(Editor&, int32_t);

Names left(Build build) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.add(Builtin::RELU6, {e.input("x", Type::float32, {-1, 40})});
  const int32_t y = build(e, sub(e, x, number(e, 1)));
  e.set_outputs({e.add(Builtin::RELU, {y}, NoOptions(), "y")});
  optimize(draft, {"recognize-gelu"});
  Names names = operators(draft);
  names.pop_back();
  names.erase(names.begin(), names.begin() + 2);
  return names;
}

TEST(RecognizeGelu, Erf) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t z = div(e, x, number(e, 1.41421356));
              return mul(e, mul(e, x, number(e, 0.5)), add(e, erf(e, z), number(e, 1)));
            }),
            Names{"GELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t z = mul(e, x, number(e, 0.70710678));
              return mul(e, number(e, 0.5), mul(e, add(e, number(e, 1), erf(e, z)), x));
            }),
            Names{"GELU"});
}

TEST(RecognizeGelu, Erfc) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return erfc_gelu(e, x, mul(e, e.add(Builtin::NEG, {x}), number(e, 0.70710678)));
            }),
            Names{"GELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return erfc_gelu(e, x, e.add(Builtin::NEG, {div(e, x, number(e, 1.41421356))}));
            }),
            Names{"GELU"});
  EXPECT_GT(left([](Editor& e, int32_t x) {
              return erfc_gelu(e, x, mul(e, x, number(e, 0.70710678)));
            }).size(),
            1u);
}

TEST(RecognizeGelu, Tanh) {
  EXPECT_EQ(
      left([](Editor& e, int32_t x) { return mul(e, mul(e, x, number(e, 0.5)), tanh_gate(e, x)); }),
      Names{"GELU"});
  EXPECT_EQ(
      left([](Editor& e, int32_t x) { return mul(e, number(e, 0.5), mul(e, tanh_gate(e, x), x)); }),
      Names{"GELU"});
}

TEST(RecognizeGelu, OtherConstants) {
  EXPECT_GT(left([](Editor& e, int32_t x) {
              return mul(e, mul(e, x, number(e, 0.5)), tanh_gate(e, x, 0.05));
            }).size(),
            1u);
  EXPECT_GT(left([](Editor& e, int32_t x) {
              const int32_t z = mul(e, x, number(e, 0.7));
              return mul(e, mul(e, x, number(e, 0.5)), add(e, erf(e, z), number(e, 1)));
            }).size(),
            1u);
  EXPECT_GT(left([](Editor& e, int32_t x) {
              const int32_t z = mul(e, x, number(e, 0.70710678));
              return mul(e, mul(e, x, number(e, 0.5)), add(e, erf(e, z, 0.25), number(e, 1)));
            }).size(),
            1u);
}

}  // namespace
}  // namespace cygnet::test
