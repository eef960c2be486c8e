// SPDX-License-Identifier: Apache-2.0
// DEQUANTIZE, element-wise functions, QUANTIZE: one look-up with the same results; others stay.
#include <gtest/gtest.h>

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

/// What differs from QUANTIZE(ELU(DEQUANTIZE(x))) of int8.
struct Form {
  Type in = Type::int8;
  Type out = Type::int8;
  std::vector<Op> functions = {Op::ELU};
  bool twice = false;    ///< somebody else reads the f32 operand of the first function
  bool result = false;   ///< the last f32 result is one of the graph's
  bool chained = false;  ///< another chain takes the result
};

const std::vector<int32_t> kShape = {1, 3, 256};

Quant quant_of(Type type, float scale, int zero) {
  return per_tensor(scale, type == Type::uint8 ? zero + 128 : zero);
}

int add_chain(ModelBuilder& b, const Form& form, int x, int y) {
  int t = b.add_tensor(kShape, Type::float32);
  b.op(Op::DEQUANTIZE, {x}, {t});
  if (form.twice) b.op(Op::ABS, {t}, {b.output(kShape)});
  for (Op function : form.functions) {
    const int next = b.add_tensor(kShape, Type::float32);
    b.op(function, {t}, {next});
    t = next;
  }
  b.op(Op::QUANTIZE, {t}, {y});
  return t;
}

TestImage model(const Form& form) {
  ModelBuilder b;
  const int x = b.input(kShape, form.in, quant_of(form.in, 0.03f, 5));
  const int y = b.output(kShape, form.out, quant_of(form.out, 0.02f, -60));
  const int last = add_chain(b, form, x, y);
  if (form.result) b.graph().outputs.push_back(last);
  if (form.chained)
    add_chain(b, {}, y, b.output(kShape, Type::int8, quant_of(Type::int8, 0.011f, 3)));
  return b.finish();
}

/// Results with and without fusion for every code, and how many steps there are with it.
void check(const char* name, const Form& form, size_t steps) {
  SCOPED_TRACE(name);
  Net fused(model(form)), plain(model(form));
  ASSERT_TRUE(fused.status.ok()) << fused.status.message();
  ASSERT_TRUE(plain.interpreter.create(plain.model, {.fuse = false}).ok());
  ASSERT_TRUE(plain.interpreter.allocate().ok());
  EXPECT_EQ(fused.interpreter.plan().steps.size(), steps);
  std::vector<uint8_t> x(768);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i * 7);
  for (Net* net : {&fused, &plain}) {
    write(net->interpreter, 0, x);
    ASSERT_TRUE(net->run().ok());
  }
  for (int i = 0; i < fused.interpreter.outputs(); ++i)
    EXPECT_EQ(read<uint8_t>(fused.interpreter, i), read<uint8_t>(plain.interpreter, i)) << i;
}

TEST(FuseCodeTable, OneStep) {
  check("ELU", {}, 1);
  check("from uint8", {.in = Type::uint8}, 1);
  check("to uint8", {.out = Type::uint8}, 1);
  check("no function", {.functions = {}}, 1);
  check("three", {.functions = {Op::TANH, Op::ABS, Op::GELU}}, 1);
  check("two chains", {.chained = true}, 2);
}

TEST(FuseCodeTable, OthersStay) {
  check("operand read twice", {.twice = true}, 2);
  check("a result", {.result = true}, 2);
  check("may refuse some codes", {.functions = {Op::ABS, Op::RSQRT}}, 3);
}

// The shape of the operand is no matter of the table.
TEST(FuseCodeTable, OtherShapes) {
  Net net(model({}));
  ASSERT_TRUE(net.interpreter.resize_input(0, Shape{2, 2, 3}).ok());
  ASSERT_TRUE(net.interpreter.allocate().ok());
  write(net.interpreter, 0, std::vector<uint8_t>(12, 5));
  EXPECT_OK(net.run());
  EXPECT_EQ(net.interpreter.output(0).shape, (Shape{2, 2, 3}));
  EXPECT_EQ(read<int8_t>(net.interpreter), std::vector<int8_t>(12, -60));
}

}  // namespace
}  // namespace cygnet::test
