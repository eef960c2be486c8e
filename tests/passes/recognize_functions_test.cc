// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

using Build = int32_t (*)(Editor&, int32_t);

Names left(Build build) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t y = build(e, e.input("x", Type::float32, {-1, 5, 8}));
  e.set_outputs({e.add(Builtin::RELU, {y}, NoOptions(), "y")});
  optimize(draft, {"recognize-functions"});
  Names names = operators(draft);
  names.pop_back();
  return names;
}

int32_t reduce(Editor& e, Builtin op, int32_t x, int32_t axis) {
  schema::ReducerOptionsT keep;
  keep.keep_dims = true;
  return e.add(op, {x, e.list({axis})}, keep);
}

TEST(RecognizeFunctions, LogisticFromTanh) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t t = e.add(Builtin::TANH, {mul(e, x, number(e, 0.5))});
              return add(e, mul(e, t, number(e, 0.5)), number(e, 0.5));
            }),
            Names{"LOGISTIC"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t t = e.add(Builtin::TANH, {mul(e, number(e, 0.5), x)});
              return mul(e, add(e, number(e, 1), t), number(e, 0.5));
            }),
            Names{"LOGISTIC"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t t = e.add(Builtin::TANH, {mul(e, x, number(e, 0.4))});
              return add(e, mul(e, t, number(e, 0.5)), number(e, 0.5));
            }).size(),
            4u);
}

TEST(RecognizeFunctions, LogisticFromExp) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t decay = e.add(Builtin::EXP, {e.add(Builtin::NEG, {x})});
              return div(e, number(e, 1), add(e, decay, number(e, 1)));
            }),
            Names{"LOGISTIC"});
}

TEST(RecognizeFunctions, Softmax) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t p =
                  e.add(Builtin::EXP, {sub(e, x, reduce(e, Builtin::REDUCE_MAX, x, 2))});
              return div(e, p, reduce(e, Builtin::SUM, p, -1));
            }),
            Names{"SOFTMAX"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {  // over another dimension
              const int32_t p = e.add(Builtin::EXP, {x});
              return div(e, p, reduce(e, Builtin::SUM, p, 1));
            }),
            (Names{"EXP", "SUM", "DIV"}));
}

TEST(RecognizeFunctions, LogSoftmax) {
  const auto log_of = [](float beta) {
    Draft draft;
    Editor e(draft, builtin_ops());
    schema::SoftmaxOptionsT options;
    options.beta = beta;
    const int32_t p = e.add(Builtin::SOFTMAX, {e.input("x", Type::float32, {-1, 7})}, options, "p");
    e.set_outputs({e.add(Builtin::LOG, {p}, NoOptions(), "y")});
    optimize(draft, {"recognize-functions"});
    return operators(draft);
  };
  EXPECT_EQ(log_of(1), Names{"LOG_SOFTMAX"});
  EXPECT_EQ(log_of(2), (Names{"SOFTMAX", "LOG"}));
}

TEST(RecognizeFunctions, L2Normalization) {
  EXPECT_EQ(left([](Editor& e, int32_t x) {
              const int32_t sum = reduce(e, Builtin::SUM, mul(e, x, x), 2);
              const int32_t bounded = e.add(Builtin::MAXIMUM, {sum, number(e, 1e-12)});
              return mul(e, x, e.add(Builtin::RSQRT, {bounded}));
            }),
            Names{"L2_NORMALIZATION"});
  EXPECT_EQ(left([](Editor& e, int32_t x) {  // another bound
              const int32_t sum = reduce(e, Builtin::SUM, mul(e, x, x), 2);
              const int32_t bounded = e.add(Builtin::MAXIMUM, {sum, number(e, 1e-3)});
              return mul(e, x, e.add(Builtin::RSQRT, {bounded}));
            })
                .size(),
            5u);
}

}  // namespace
}  // namespace cygnet::test
