// SPDX-License-Identifier: Apache-2.0
#include "edit/recurrent.h"
#include "passes/builders.h"

namespace cygnet::test {
namespace {

schema::LeakyReluOptionsT leaky(float alpha) {
  schema::LeakyReluOptionsT options;
  options.alpha = alpha;
  return options;
}

TEST(MergeDuplicates, ConstantsAndOperators) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4});
  const int32_t a = e.add(Builtin::ADD, {x, random_constant(e, {4}, 1)}, schema::AddOptionsT());
  const int32_t b = e.add(Builtin::ADD, {x, random_constant(e, {4}, 1)}, schema::AddOptionsT());
  const int32_t c = e.add(Builtin::TANH, {a}), d = e.add(Builtin::TANH, {b});
  e.set_outputs({e.add(Builtin::MUL, {c, d}, schema::MulOptionsT(), "y")});
  EXPECT_EQ(optimize(draft, {"merge-duplicates"}), 3);
  EXPECT_EQ(operators(draft), (Names{"ADD", "TANH", "MUL"}));
}

TEST(MergeDuplicates, OneOfTwoIsAnOutput) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {2, 4});
  const int32_t a = e.add(Builtin::TANH, {x}), b = e.add(Builtin::TANH, {x}, NoOptions(), "b");
  e.set_outputs({e.add(Builtin::RELU, {a}, NoOptions(), "a"), b});
  EXPECT_EQ(optimize(draft, {"merge-duplicates"}), 1);
  EXPECT_EQ(operators(draft), (Names{"TANH", "RELU"}));
}

TEST(MergeDuplicates, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {2, 4});
  schema::AddOptionsT relu;
  relu.fused_activation_function = schema::ActivationFunctionType::RELU;
  const int32_t c = random_constant(e, {4}, 1);
  e.set_outputs({
      e.add(Builtin::TANH, {x}, NoOptions(), "two outputs"),
      e.add(Builtin::TANH, {x}, NoOptions(), "of one value"),
      e.add(Builtin::ADD, {x, c}, schema::AddOptionsT(), "without"),
      e.add(Builtin::ADD, {x, c}, relu, "with an activation"),
      e.add(Builtin::ADD, {x, random_constant(e, {1, 4}, 1)}, schema::AddOptionsT(), "shape"),
      e.add(Builtin::ADD, {x, random_constant(e, {4}, 2)}, schema::AddOptionsT(), "values"),
  });
  if (has_op(Builtin::LEAKY_RELU)) {
    std::vector<int32_t> outputs(e.subgraph().outputs.begin(), e.subgraph().outputs.end());
    const int32_t a = e.add(Builtin::LEAKY_RELU, {x}, leaky(0.1f));
    const int32_t b = e.add(Builtin::LEAKY_RELU, {x}, leaky(0.2f));
    outputs.push_back(e.add(Builtin::ADD, {a, b}, schema::AddOptionsT(), "options"));
    e.set_outputs(outputs);
  }
  const Names before = operators(draft);
  EXPECT_EQ(optimize(draft, {"merge-duplicates"}), 0);
  EXPECT_EQ(operators(draft), before);
}

TEST(MergeDuplicates, StatesStayTwo) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 5, 4});
  LstmWeights weights;
  for (uint32_t g = 0; g < 4; ++g) {
    weights.input[g] = random_constant(e, {3, 4}, g);
    weights.recurrent[g] = random_constant(e, {3, 3}, 10 + g);
    weights.bias[g] = random_constant(e, {3}, 20 + g);
  }
  e.set_outputs({add_sequence_lstm(e, x, weights, "y")});
  optimize(draft, {"merge-duplicates"});
  EXPECT_EQ(operators(draft),
            (Names{"STRIDED_SLICE", "SELECT_V2", "SELECT_V2", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
}

}  // namespace
}  // namespace cygnet::test
