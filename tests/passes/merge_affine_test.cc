// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

using Build = int32_t (*)(Editor&, int32_t);

Names left(Build build, bool expect_change = true) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t y = build(e, e.input("x", Type::float32, {-1, 5, 3}));
  e.set_outputs({e.add(Builtin::TANH, {y}, NoOptions(), "y")});
  EXPECT_EQ(optimize(draft, {"merge-affine"}) > 0, expect_change);
  Names names = operators(draft);
  EXPECT_EQ(names.back(), "TANH");
  names.pop_back();
  return names;
}

TEST(MergeAffine, Chains) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              x = add(e, mul(e, x, number(e, 1.0 / 255)), random_constant(e, {1, 1, 3}, 1));
              return mul(e, x, random_constant(e, {3}, 2, "deviation", 1, 2));
            }),
            (Names{"MUL", "ADD"}));
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              x = mul(e, add(e, x, random_constant(e, {3}, 1)), random_constant(e, {3}, 2));
              return add(e, x, random_constant(e, {3}, 4));
            }),
            (Names{"MUL", "ADD"}));
}

// x·s + (offset − m·s) with s = factor·scale: layer normalization as Keras computes it.
int32_t normalized(Editor& e, int32_t x, int form) {
  schema::ReducerOptionsT keep;
  keep.keep_dims = true;
  const int32_t m = e.add(Builtin::MEAN, {x, e.list({2})}, keep);
  const int32_t root = e.add(Builtin::SQRT, {mul(e, m, m)});
  const int32_t s = mul(e, root, random_constant(e, {3}, 1));
  if (form == 0) return add(e, mul(e, x, s), sub(e, random_constant(e, {3}, 2), mul(e, m, s)));
  if (form == 1) return sub(e, mul(e, s, x), mul(e, m, s));
  const int32_t minus = mul(e, e.add(Builtin::NEG, {m}), s);
  return add(e, add(e, minus, random_constant(e, {3}, 2)), mul(e, x, s));
}

TEST(MergeAffine, LayerNormalization) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return normalized(e, x, 0); }),
            (Names{"MEAN", "MUL", "SQRT", "SUB", "MUL", "MUL", "ADD"}));
  EXPECT_EQ(left([](Editor& e, int32_t x) { return normalized(e, x, 1); }).size(), 6u);
}

TEST(MergeAffine, LayerNormalizationWithNegation) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return normalized(e, x, 2); }).size(), 7u);
}

// The constant of a hard sigmoid ends in the weights of the next layer.
TEST(MergeAffine, FactorOnItsWayIntoWeights) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 5, 3});
  const int32_t gate = mul(e, e.add(Builtin::RELU6, {x}), number(e, 1.0 / 6));
  schema::FullyConnectedOptionsT options;
  options.keep_num_dims = true;
  e.set_outputs({e.add(Builtin::FULLY_CONNECTED,
                       {mul(e, x, gate), random_constant(e, {4, 3}, 1), kAbsent}, options, "y")});
  EXPECT_GT(optimize(draft, {"merge-affine", "fold-affine-forward"}), 0);
  EXPECT_EQ(operators(draft), (Names{"RELU6", "MUL", "FULLY_CONNECTED"}));
}

TEST(MergeAffine, Keeps) {
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {  // the sum is shared
                  const int32_t a = add(e, x, random_constant(e, {3}, 1));
                  return mul(e, add(e, mul(e, a, number(e, 3)), number(e, 1)), a);
                },
                false),
            (Names{"ADD", "MUL", "ADD", "MUL"}));
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {  // two factors
                  const int32_t s = e.add(Builtin::RELU, {x}),
                                t = e.add(Builtin::SQRT, {mul(e, x, x)});
                  return sub(e, mul(e, x, s), mul(e, t, e.add(Builtin::TANH, {x})));
                },
                false)
                .size(),
            7u);
  EXPECT_EQ(left(
                [](Editor& e, int32_t x) {  // an activation between
                  schema::AddOptionsT relu;
                  relu.fused_activation_function = schema::ActivationFunctionType::RELU;
                  x = mul(e, x, random_constant(e, {3}, 1));
                  x = e.add(Builtin::ADD, {x, random_constant(e, {3}, 2)}, relu);
                  return mul(e, x, random_constant(e, {3}, 3));
                },
                false),
            (Names{"MUL", "ADD", "MUL"}));
}

}  // namespace
}  // namespace cygnet::test
