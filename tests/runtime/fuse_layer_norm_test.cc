// SPDX-License-Identifier: Apache-2.0
// Chains that are layer normalizations become one step, others stay; results are the same.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "runtime/net.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Floats = std::vector<float>;

constexpr int kRows = 3, kWidth = 20;
constexpr float kEpsilon = 1e-3f;

float gamma_at(int j) {
  return 0.5f + 0.1f * static_cast<float>(j % 7);
}
float beta_at(int j) {
  return 0.25f * static_cast<float>(j % 5) - 0.5f;
}
float x_at(int i, int j) {
  return std::sin(static_cast<float>(i * 31 + j * 7)) * 3 + static_cast<float>(i);
}

/// Operators on f32 tensors; the last one writes the output.
struct Chain {
  ModelBuilder b;
  int x = b.input({1, kRows, kWidth});
  int width = kWidth;  // of the next result

  std::vector<int32_t> shape(int n) const { return {1, kRows, n}; }
  int result(int n) { return b.add_tensor(shape(n), Type::float32); }
  int vector(float (*value)(int)) {
    Floats values;
    for (int j = 0; j < kWidth; ++j) values.push_back(value(j));
    return b.constant<float>({1, 1, kWidth}, values);
  }
  int gamma() { return vector(gamma_at); }
  int beta() { return vector(beta_at); }
  int number(float value) { return b.constant<float>({}, {value}); }
  int mean(int t, int axis = -1, bool keep = true) {
    const int y = result(1);
    b.op(Op::MEAN, {t, b.constant<int32_t>({1}, {axis})}, {y},
         schema::CreateReducerOptions(b.fbb(), keep));
    return y;
  }
  int unary(Op op, int t, int n) {
    const int y = result(n);
    b.op(op, {t}, {y});
    return y;
  }
  int binary(Op op, int a, int c, int n = kWidth, int y = -1,
             schema::ActivationFunctionType act = schema::ActivationFunctionType::NONE) {
    if (y < 0) y = result(n);
    if (op == Op::ADD) b.op(op, {a, c}, {y}, schema::CreateAddOptions(b.fbb(), act));
    if (op == Op::SUB) b.op(op, {a, c}, {y}, schema::CreateSubOptions(b.fbb(), act));
    if (op == Op::MUL) b.op(op, {a, c}, {y}, schema::CreateMulOptions(b.fbb(), act));
    if (op == Op::DIV) b.op(op, {a, c}, {y}, schema::CreateDivOptions(b.fbb(), act));
    if (op == Op::SQUARED_DIFFERENCE) b.op(op, {a, c}, {y});
    return y;
  }
  int add(int a, int c, int n = kWidth) { return binary(Op::ADD, a, c, n); }
  int sub(int a, int c) { return binary(Op::SUB, a, c); }
  int mul(int a, int c) { return binary(Op::MUL, a, c); }
  int out() { return b.output(shape(kWidth)); }
  // 1/√(variance + epsilon), or the root itself.
  int inverse(int squares, Op root = Op::RSQRT) {
    return unary(root, add(mean(squares), number(kEpsilon), 1), 1);
  }
  int squares(int m) { return binary(Op::SQUARED_DIFFERENCE, x, m); }
};

struct Form {
  const char* name;
  bool gamma, beta;
  std::function<void(Chain&)> build;
};

const Form kForms[] = {
    {"Keras 3", true, true,
     [](Chain& c) {
       const int m = c.mean(c.x), minus = c.unary(Op::NEG, m, 1);
       const int scale = c.mul(c.inverse(c.squares(m)), c.gamma());
       const int shift = c.add(c.mul(minus, scale), c.beta());
       c.binary(Op::ADD, c.mul(c.x, scale), shift, kWidth, c.out());
     }},
    {"Keras 3 without beta", true, false,
     [](Chain& c) {
       const int m = c.mean(c.x), minus = c.unary(Op::NEG, m, 1);
       const int scale = c.mul(c.gamma(), c.inverse(c.squares(m)));
       c.binary(Op::ADD, c.mul(minus, scale), c.mul(scale, c.x), kWidth, c.out());
     }},
    {"batch_normalization", true, true,
     [](Chain& c) {
       const int m = c.mean(c.x);
       const int scale = c.mul(c.inverse(c.squares(m)), c.gamma());
       const int shift = c.sub(c.beta(), c.mul(m, scale));
       c.binary(Op::ADD, c.mul(c.x, scale), shift, kWidth, c.out());
     }},
    {"batch_normalization without beta", true, false,
     [](Chain& c) {
       const int m = c.mean(c.x);
       const int scale = c.mul(c.inverse(c.squares(m)), c.gamma());
       c.binary(Op::SUB, c.mul(c.x, scale), c.mul(m, scale), kWidth, c.out());
     }},
    {"quotient", true, true,
     [](Chain& c) {
       const int d = c.sub(c.x, c.mean(c.x, 2));
       const int root = c.inverse(c.mul(d, d), Op::SQRT);
       c.binary(Op::ADD, c.beta(), c.mul(c.binary(Op::DIV, d, root), c.gamma()), kWidth, c.out());
     }},
    {"quotient alone", false, false,
     [](Chain& c) {
       const int d = c.sub(c.x, c.mean(c.x));
       c.binary(Op::DIV, d, c.inverse(c.unary(Op::SQUARE, d, kWidth), Op::SQRT), kWidth, c.out());
     }},
    {"product, gamma last", true, false,
     [](Chain& c) {
       const int m = c.mean(c.x), d = c.sub(c.x, m);
       c.binary(Op::MUL, c.gamma(), c.mul(d, c.inverse(c.squares(m))), kWidth, c.out());
     }},
    {"product, gamma first", true, true,
     [](Chain& c) {
       const int m = c.mean(c.x), d = c.sub(c.x, m);
       const int scale = c.mul(c.inverse(c.squares(m)), c.gamma());
       c.binary(Op::ADD, c.mul(d, scale), c.beta(), kWidth, c.out());
     }},
    {"beta alone", false, true,
     [](Chain& c) {
       const int m = c.mean(c.x), d = c.sub(c.x, m);
       c.binary(Op::ADD, c.mul(c.inverse(c.squares(m)), d), c.beta(), kWidth, c.out());
     }},
};

/// `steps`: of the plan; 0: nothing is a layer normalization.
void check(const char* name, TestImage image, bool gamma, bool beta, bool relu, size_t steps) {
  SCOPED_TRACE(name);
  Net net(std::move(image));
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  Floats x;
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kWidth; ++j) x.push_back(x_at(i, j));
  write(net.interpreter, 0, x);
  ASSERT_TRUE(net.run().ok());
  EXPECT_EQ(net.interpreter.plan().rewritten.nodes.empty(), steps == 0);
  if (steps != 0) {
    EXPECT_EQ(net.interpreter.plan().steps.size(), steps);
  }
  const Floats y = read<float>(net.interpreter);
  for (int i = 0; i < kRows; ++i) {
    double mean = 0, variance = 0;
    for (int j = 0; j < kWidth; ++j) mean += double{x_at(i, j)} / kWidth;
    for (int j = 0; j < kWidth; ++j)
      variance += (double{x_at(i, j)} - mean) * (double{x_at(i, j)} - mean) / kWidth;
    for (int j = 0; j < kWidth; ++j) {
      double v = (double{x_at(i, j)} - mean) / std::sqrt(variance + double{kEpsilon});
      v = v * (gamma ? double{gamma_at(j)} : 1.0) + (beta ? double{beta_at(j)} : 0.0);
      if (relu) v = std::max(v, 0.0);
      EXPECT_NEAR(double{y[static_cast<size_t>(i * kWidth + j)]}, v, 1e-5) << i << ", " << j;
    }
  }
}

TEST(FuseLayerNorm, AllForms) {
  for (const Form& form : kForms) {
    Chain chain;
    form.build(chain);
    check(form.name, chain.b.finish(), form.gamma, form.beta, false, 1);
  }
}

// Someone else reads a piece of the chain. Where the sum with beta does more, the rest is fused.
TEST(FuseLayerNorm, OpenChainsStay) {
  for (int what = 0; what < 3; ++what) {
    Chain c;
    const int m = c.mean(c.x), d = c.sub(c.x, m);
    const int scale = c.mul(c.inverse(c.squares(m)), c.gamma());
    const int y = c.out();
    c.binary(
        Op::ADD, c.mul(d, scale), c.beta(), kWidth, y,
        what == 0 ? schema::ActivationFunctionType::RELU : schema::ActivationFunctionType::NONE);
    if (what == 1) c.b.graph().outputs.push_back(m);
    if (what == 2) c.binary(Op::MUL, d, d, kWidth, c.out());
    check("open", c.b.finish(), true, true, what == 0, what == 0 ? 2 : 0);
  }
}

// The mean over other dimensions, or one that is dropped, is no layer normalization.
TEST(FuseLayerNorm, OtherAxesStay) {
  Chain c;
  const int m = c.b.add_tensor({1, 1, kWidth}, Type::float32);
  c.b.op(Op::MEAN, {c.x, c.b.constant<int32_t>({1}, {1})}, {m},
         schema::CreateReducerOptions(c.b.fbb(), true));
  const int d = c.sub(c.x, m);
  c.binary(Op::MUL, d, c.inverse(c.mul(d, d)), kWidth, c.out());
  Net net(c.b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  EXPECT_TRUE(net.interpreter.plan().rewritten.nodes.empty());
}

// Two in a row, with the first one's result read twice.
TEST(FuseLayerNorm, ChainsOfChains) {
  Chain c;
  const int first = c.x;
  const int m = c.mean(c.x), d = c.sub(c.x, m);
  const int y = c.mul(c.mul(d, c.inverse(c.squares(m))), c.gamma());
  c.x = y;
  const int m2 = c.mean(y), d2 = c.sub(y, m2);
  const int z = c.mul(d2, c.inverse(c.squares(m2)));
  c.binary(Op::ADD, z, first, kWidth, c.out());
  Net net(c.b.finish());
  ASSERT_TRUE(net.status.ok()) << net.status.message();
  EXPECT_EQ(net.interpreter.plan().steps.size(), size_t{3});
  Floats x(kRows * kWidth);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * i % 17);
  write(net.interpreter, 0, x);
  ASSERT_TRUE(net.run().ok());
}

}  // namespace
}  // namespace cygnet::test
