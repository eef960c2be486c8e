// SPDX-License-Identifier: Apache-2.0
// DIV(x, ADD(ABS(x), 1)) is one step with the same results; others stay three.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using enum schema::ActivationFunctionType;

/// What differs from a softsign of f32.
struct Form {
  Type type = Type::float32;
  bool turned = false;  ///< ADD(1, ABS(x))
  bool other = false;   ///< the divisor is of another tensor
  bool twice = false;   ///< somebody else reads the sums
  bool large = false;   ///< the constant has more dimensions than x
  float one = 1;
  schema::ActivationFunctionType add = NONE, div = NONE;
};

TestImage model(const Form& form) {
  ModelBuilder b;
  const std::vector<int32_t> shape = {4, 128};
  const bool coded = form.type == Type::int8;
  const auto quant = [&](float scale, int zero) {
    return coded ? std::optional<Quant>(per_tensor(scale, zero)) : std::nullopt;
  };
  const int x = b.input(shape, form.type, quant(0.05f, 11));
  const int z = form.other ? b.input(shape, form.type, quant(0.05f, 11)) : x;
  const int size = b.add_tensor(shape, form.type, quant(0.03f, -128));
  const int sum = b.add_tensor(shape, form.type, quant(0.04f, -128));
  const std::vector<int32_t> ones =
      form.large ? std::vector<int32_t>{1, 1, 1} : std::vector<int32_t>{};
  const int one = coded ? b.constant<int8_t>(ones, {127}, quant(form.one / 255, -128))
                        : b.constant<float>(ones, {form.one});
  b.op(Op::ABS, {z}, {size});
  const std::vector<int> operands = form.turned ? std::vector{one, size} : std::vector{size, one};
  b.op(Op::ADD, {operands[0], operands[1]}, {sum}, schema::CreateAddOptions(b.fbb(), form.add));
  b.op(Op::DIV, {x, sum}, {b.output(shape, form.type, quant(0.008f, 3))},
       schema::CreateDivOptions(b.fbb(), form.div));
  if (form.twice) b.op(Op::ABS, {sum}, {b.output(shape, form.type, quant(0.04f, -128))});
  return b.finish();
}

/// Results with and without fusion, and how many steps there are with it.
template <class T>
void check(const Form& form, size_t steps) {
  Net fused(model(form)), plain(model(form));
  ASSERT_TRUE(fused.status.ok()) << fused.status.message();
  ASSERT_TRUE(plain.interpreter.create(plain.model, {.fuse = false}).ok());
  ASSERT_TRUE(plain.interpreter.allocate().ok());
  EXPECT_EQ(fused.interpreter.plan().steps.size(), steps);
  std::vector<T> x(512);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = form.type == Type::int8 ? static_cast<T>(static_cast<int8_t>(i))
                                   : static_cast<T>((static_cast<double>(i) - 200) * 0.07);
  for (Net* net : {&fused, &plain}) {
    write(net->interpreter, 0, x);
    if (form.other) write(net->interpreter, 1, x);
    ASSERT_TRUE(net->run().ok());
  }
  const auto a = read<T>(fused.interpreter), b = read<T>(plain.interpreter);
  const double most = form.type == Type::int8 ? 0 : 3e-7;
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(static_cast<double>(a[i]), static_cast<double>(b[i]), most) << i;
  EXPECT_NE(a, x);
}

TEST(FuseSoftsign, OneStep) {
  check<float>({}, 1);
  check<float>({.turned = true}, 1);
  check<int8_t>({.type = Type::int8}, 1);
  check<int8_t>({.type = Type::int8, .turned = true, .one = 0.5}, 1);
}

TEST(FuseSoftsign, OthersStay) {
  const auto stays = [](const Form& form) {
    Net net(model(form));
    ASSERT_TRUE(net.status.ok()) << net.status.message();
    EXPECT_TRUE(net.interpreter.plan().rewritten.nodes.empty());
  };
  for (const Type type : {Type::float32, Type::int8}) {
    stays({.type = type, .other = true});
    stays({.type = type, .twice = true});
    stays({.type = type, .large = true});
    stays({.type = type, .add = RELU});
    stays({.type = type, .div = RELU});
  }
  stays({.one = 2});
  stays({.type = Type::int8, .one = 0.03f});  // a sum may be 0
}

}  // namespace
}  // namespace cygnet::test
