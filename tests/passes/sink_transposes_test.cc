// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

TEST(SinkTransposes, NchwIslandVanishes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.add(Builtin::RELU, {e.input("x", Type::float32, {-1, 4, 5, 3})});
  int32_t y = transpose(e, x, {0, 3, 1, 2});
  y = mul(e, y, random_constant(e, {1, 3, 1, 1}, 1));
  y = add(e, y, random_constant(e, {3, 1, 1}, 2));
  const int32_t z = e.add(Builtin::RELU, {y});
  y = e.add(Builtin::PAD, {z, e.constant<int32_t>({4, 2}, {0, 0, 0, 0, 1, 1, 2, 0})},
            schema::PadOptionsT());
  schema::ConcatenationOptionsT axis;
  axis.axis = 1;
  y = e.add(Builtin::CONCATENATION, {y, y}, axis);
  schema::ReducerOptionsT keep;
  keep.keep_dims = true;
  const int32_t mean = e.add(Builtin::MEAN, {z, e.list({2, 3})}, keep);
  const int32_t flat = e.add(Builtin::MEAN, {z, e.list({2, -1})}, schema::ReducerOptionsT());
  y = transpose(e, y, {0, 2, 3, 1});
  e.set_outputs({e.add(Builtin::TANH, {y}, NoOptions(), "a"),
                 e.add(Builtin::TANH, {transpose(e, mean, {0, 2, 3, 1})}, NoOptions(), "b"),
                 e.add(Builtin::TANH, {flat}, NoOptions(), "c")});
  EXPECT_GT(optimize(draft, {"sink-transposes"}), 0);
  const Names left = operators(draft);
  EXPECT_EQ(std::count(left.begin(), left.end(), "TRANSPOSE"), 0);
  EXPECT_EQ(left.size(), 11u);
}

TEST(SinkTransposes, ResidualOfTwoIslands) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.add(Builtin::RELU, {e.input("x", Type::float32, {-1, 4, 5, 3})});
  const int32_t a = transpose(e, x, {0, 3, 1, 2});
  const int32_t b = transpose(e, e.add(Builtin::TANH, {x}), {0, 3, 1, 2});
  const int32_t sum = add(e, a, b);
  e.set_outputs({e.add(
      Builtin::SOFTMAX, {transpose(e, sum, {0, 2, 3, 1})},
      [] {
        schema::SoftmaxOptionsT options;
        options.beta = 1;
        return options;
      }(),
      "y")});
  EXPECT_GT(optimize(draft, {"sink-transposes"}), 0);
  EXPECT_EQ(operators(draft), (Names{"RELU", "TANH", "ADD", "SOFTMAX"}));
}

TEST(SinkTransposes, Composes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 5, 3});
  e.set_outputs(
      {transpose(e, e.add(Builtin::RELU, {transpose(e, x, {0, 3, 1, 2})}), {0, 2, 1, 3}, "y")});
  EXPECT_GT(optimize(draft, {"sink-transposes"}), 0);
  EXPECT_EQ(operators(draft), (Names{"RELU", "TRANSPOSE"}));
}

TEST(SinkTransposes, Reversed) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 5});
  const int32_t steps = e.add(Builtin::REVERSE_V2, {transpose(e, x, {1, 0, 2}), e.list({0})},
                              schema::ReverseV2OptionsT());
  e.set_outputs({transpose(e, steps, {1, 0, 2}, "y")});
  EXPECT_GT(optimize(draft, {"sink-transposes"}), 0);
  EXPECT_EQ(operators(draft), (Names{"REVERSE_V2"}));
}

TEST(SinkTransposes, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 5});
  schema::SoftmaxOptionsT beta;
  beta.beta = 1;
  const int32_t shared = transpose(e, x, {0, 2, 1}, "shared");
  e.set_outputs({
      shared,
      e.add(Builtin::RELU, {shared}, NoOptions(), "reads an output"),
      e.add(Builtin::SOFTMAX, {transpose(e, e.add(Builtin::TANH, {x}), {0, 2, 1})}, beta, "axis"),
      add(e, transpose(e, mul(e, x, x), {0, 2, 1}), e.input("z", Type::float32, {-1, 5, 4}),
          "another operand"),
  });
  EXPECT_EQ(optimize(draft, {"sink-transposes"}), 0);
}

}  // namespace
}  // namespace cygnet::test
