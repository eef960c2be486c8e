// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

using Build = int32_t (*)(Editor&, int32_t);

// The operators left of y = build(tanh(2x)·4), so that x is none of the graph's inputs.
Names left(Build build) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = add(e, e.input("x", Type::float32, {-1, 5, 7}), random_constant(e, {7}, 3));
  const int32_t wide = mul(e, x, e.constant<float>({7}, std::vector<float>{1, 2, 3, 4, 3, 2, 1}));
  const int32_t y = build(e, wide);
  e.set_outputs({e.add(Builtin::TANH, {y}, NoOptions(), "y")});
  optimize(draft, {"recognize-hard-swish", "recognize-clips"});
  Names names = operators(draft);
  names.pop_back();
  names.erase(names.begin(), names.begin() + 2);
  return names;
}

int32_t clamped(Editor& e, int32_t x) {
  return e.add(Builtin::RELU6, {add(e, x, number(e, 3))});
}

TEST(RecognizeHardSwish, Spellings) {
  const Names one = {"HARD_SWISH"};
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return mul(e, mul(e, x, clamped(e, x)), number(e, 1.0 / 6));
            }),
            one);
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return mul(e, x, mul(e, clamped(e, x), number(e, 1.0 / 6)));
            }),
            one);
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return mul(e, mul(e, number(e, 1.0 / 6), x), clamped(e, x));
            }),
            one);
  EXPECT_EQ(
      left([](Editor& e, int32_t x) { return mul(e, div(e, clamped(e, x), number(e, 6)), x); }),
      one);
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              schema::AddOptionsT fused;
              fused.fused_activation_function = schema::ActivationFunctionType::RELU6;
              const int32_t gate = e.add(Builtin::ADD, {number(e, 3), x}, fused);
              return mul(e, x, mul(e, gate, number(e, 1.0 / 6)));
            }),
            one);
}

TEST(RecognizeHardSwish, UnitClamp) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t half = add(e, mul(e, x, number(e, 1.0 / 6)), number(e, 0.5));
              return mul(e, x, e.add(Builtin::RELU_0_TO_1, {half}));
            }),
            Names{"HARD_SWISH"});
}

TEST(RecognizeHardSwish, OtherConstants) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return mul(e, mul(e, x, clamped(e, x)), number(e, 1.0 / 5));
            }).size(),
            4u);
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t gate = e.add(Builtin::RELU6, {add(e, x, number(e, 2.5))});
              return mul(e, mul(e, x, gate), number(e, 1.0 / 6));
            }).size(),
            4u);
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t other = e.add(Builtin::TANH, {x});
              return mul(e, mul(e, other, clamped(e, x)), number(e, 1.0 / 6));
            }).size(),
            5u);
}

TEST(RecognizeHardSwish, SharedGateStays) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 5});
  const int32_t gate = mul(e, clamped(e, x), number(e, 1.0 / 6), "gate");
  e.set_outputs({mul(e, x, gate, "y"), gate});
  EXPECT_EQ(optimize(draft, {"recognize-hard-swish"}), 1);
  const Names names = operators(draft);
  EXPECT_EQ(names.size(), 4u);
  EXPECT_EQ(std::count(names.begin(), names.end(), "HARD_SWISH"), 1);
}

}  // namespace
}  // namespace cygnet::test
