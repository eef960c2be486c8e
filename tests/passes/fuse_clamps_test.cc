// SPDX-License-Identifier: Apache-2.0
#include "passes/builders.h"

namespace cygnet::test {
namespace {

TEST(FuseClamps, IntoTheOperatorInFront) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4, 4, 3});
  const int32_t a = e.add(Builtin::RELU, {add(e, x, random_constant(e, {3}, 1))});
  const int32_t b = e.add(Builtin::RELU6, {mul(e, a, random_constant(e, {3}, 2, "c", 1, 9))});
  const int32_t c = e.add(Builtin::RELU_N1_TO_1, {sub(e, b, x)}, NoOptions(), "y");
  e.set_outputs({c});
  EXPECT_EQ(optimize(draft, {"fuse-clamps"}), 3);
  EXPECT_EQ(operators(draft), (Names{"ADD", "MUL", "SUB"}));
}

TEST(FuseClamps, Keeps) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 4});
  const int32_t shared = add(e, x, x), output = mul(e, x, x, "output");
  schema::AddOptionsT relu;
  relu.fused_activation_function = schema::ActivationFunctionType::RELU;
  e.set_outputs(
      {output, e.add(Builtin::RELU, {output}, NoOptions(), "a"),
       sub(e, e.add(Builtin::RELU, {shared}), shared, "b"),
       e.add(Builtin::RELU, {e.add(Builtin::TANH, {x})}, NoOptions(), "c"),
       e.add(Builtin::RELU6, {e.add(Builtin::ADD, {x, shared}, relu)}, NoOptions(), "d")});
  EXPECT_EQ(optimize(draft, {"fuse-clamps"}), 0);
}

}  // namespace
}  // namespace cygnet::test
