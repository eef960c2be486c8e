// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

using Build = int32_t (*)(Editor&, int32_t);

Names left(Build build) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 5, 8});
  const int32_t y = build(e, mul(e, x, number(e, 4)));
  e.set_outputs({e.add(Builtin::TANH, {y}, NoOptions(), "y")});
  optimize(draft, {"recognize-clips"});
  Names names = operators(draft);
  names.pop_back();
  names.erase(names.begin());
  return names;
}

int32_t at_most(Editor& e, int32_t x, double c) {
  return e.add(Builtin::MINIMUM, {x, number(e, c)});
}
int32_t at_least(Editor& e, int32_t x, double c) {
  return e.add(Builtin::MAXIMUM, {number(e, c), x});
}
int32_t relu(Editor& e, int32_t x) {
  return e.add(Builtin::RELU, {x});
}
TEST(RecognizeClips, Twice) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return relu(e, relu(e, x)); }), Names{"RELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return e.add(Builtin::RELU6, {relu(e, x)}); }),
            Names{"RELU6"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return e.add(Builtin::RELU6, {x}); }), Names{"RELU6"});
}

TEST(RecognizeClips, Bounds) {
  EXPECT_EQ(left([](Editor& e, int32_t x) { return at_most(e, relu(e, x), 6); }), Names{"RELU6"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return at_least(e, at_most(e, x, 6), 0); }),
            Names{"RELU6"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return at_most(e, at_least(e, x, -1), 1); }),
            Names{"RELU_N1_TO_1"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return at_least(e, x, 0); }), Names{"RELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) { return at_most(e, relu(e, x), 5); }),
            (Names{"RELU", "MINIMUM"}));
}

TEST(RecognizeClips, Leaky) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return e.add(Builtin::MAXIMUM, {x, mul(e, x, number(e, 0.2))});
            }),
            Names{"LEAKY_RELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t negative = relu(e, e.add(Builtin::NEG, {x}));
              return sub(e, relu(e, x), mul(e, negative, number(e, 0.3)));
            }),
            Names{"LEAKY_RELU"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t negative = relu(e, e.add(Builtin::NEG, {x}));
              return add(e, relu(e, x), mul(e, negative, random_constant(e, {8}, 1)));
            }),
            Names{"PRELU"});
}

TEST(RecognizeClips, NotLeaky) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              return e.add(Builtin::MAXIMUM, {x, mul(e, x, number(e, 1.5))});
            }),
            (Names{"MUL", "MAXIMUM"}));
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t other = e.add(Builtin::TANH, {x});
              const int32_t negative = relu(e, e.add(Builtin::NEG, {other}));
              return sub(e, relu(e, x), mul(e, negative, number(e, 0.3)));
            }).size(),
            6u);
}

}  // namespace
}  // namespace cygnet::test
