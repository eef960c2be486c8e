// SPDX-License-Identifier: Apache-2.0
// MUL(x, LOGISTIC(x)) of 8 bits is one step with the same results; others stay two.
#include <gtest/gtest.h>

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using enum schema::ActivationFunctionType;

/// What differs from a swish of int8.
struct Form {
  Type type = Type::int8;
  bool turned = false;  ///< MUL(LOGISTIC(x), x)
  bool other = false;   ///< the logistic values of another tensor
  bool result = false;  ///< the logistic values are a result of the graph
  bool twice = false;   ///< somebody else reads them
  schema::ActivationFunctionType activation = NONE;
};

TestImage model(const Form& form) {
  ModelBuilder b;
  const std::vector<int32_t> shape = {1, 4, 128};
  const bool is_signed = form.type == Type::int8;
  const auto zero = [&](int z) { return is_signed ? z : z + 128; };
  const Quant quant = per_tensor(0.047f, zero(9)), unit = per_tensor(1.0f / 256, zero(-128));
  const Quant out = per_tensor(0.024f, zero(-115));
  const int x = b.input(shape, form.type, quant);
  const int z = form.other ? b.input(shape, form.type, quant) : x;
  const int s = b.add_tensor(shape, form.type, unit);
  b.op(Op::LOGISTIC, {z}, {s});
  const std::vector<int> operands = form.turned ? std::vector<int>{s, x} : std::vector<int>{x, s};
  b.op(Op::MUL, {operands[0], operands[1]}, {b.output(shape, form.type, out)},
       schema::CreateMulOptions(b.fbb(), form.activation));
  if (form.twice)
    b.op(Op::MUL, {s, s}, {b.output(shape, form.type, out)},
         schema::CreateMulOptions(b.fbb(), NONE));
  if (form.result) b.graph().outputs.push_back(s);
  return b.finish();
}

/// Results with and without fusion for every code, and how many steps there are with it.
void check(const Form& form, size_t steps) {
  Net fused(model(form)), plain(model(form));
  ASSERT_TRUE(fused.status.ok()) << fused.status.message();
  ASSERT_TRUE(plain.interpreter.create(plain.model, {.fuse = false}).ok());
  ASSERT_TRUE(plain.interpreter.allocate().ok());
  EXPECT_EQ(fused.interpreter.plan().steps.size(), steps);
  std::vector<uint8_t> x(512);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i);
  for (Net* net : {&fused, &plain}) {
    write(net->interpreter, 0, x);
    if (form.other) write(net->interpreter, 1, x);
    ASSERT_TRUE(net->run().ok());
  }
  EXPECT_EQ(read<uint8_t>(fused.interpreter), read<uint8_t>(plain.interpreter));
  EXPECT_NE(read<uint8_t>(fused.interpreter), x);
}

TEST(FuseSwish, OneStep) {
  check({}, 1);
  check({.type = Type::uint8}, 1);
}

TEST(FuseSwish, OthersStay) {
  check({.turned = true}, 2);
  check({.other = true}, 2);
  check({.result = true}, 2);
  check({.twice = true}, 3);
  check({.activation = RELU}, 2);
}

}  // namespace
}  // namespace cygnet::test
