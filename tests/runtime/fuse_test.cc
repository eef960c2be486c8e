// SPDX-License-Identifier: Apache-2.0
// Fusion: the same bits as without it, fused where it should be and nowhere else.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/model_builder.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Activation = schema::ActivationFunctionType;
using Bytes = std::vector<uint8_t>;

std::vector<Bytes> tensor_values(const Interpreter& net) {
  std::vector<Bytes> values;
  for (const Tensor& t : net.plan().tensors)
    values.emplace_back(t.as<uint8_t>(), t.as<uint8_t>() + (t.data == nullptr ? 0 : t.bytes));
  return values;
}

struct RunResult {
  std::vector<Bytes> outputs;
  std::vector<Bytes> tensors;  // with keep_tensors
  size_t steps = 0;
};

// Runs a model twice on inputs that depend on `seed` only.
void run(const TestImage& image, InterpreterOptions options, uint32_t seed, RunResult* result) {
  Model model;
  Interpreter net;
  options.poison = true;
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {}, &model).ok());
  Status status = net.create(model, options);
  if (status.ok()) status = net.allocate();
  ASSERT_TRUE(status.ok()) << status.message();
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < net.inputs(); ++i) {
      const size_t bytes = net.input(i).bytes;
      const auto real = random_elements<float>(bytes / 4, seed + static_cast<uint32_t>(i), -4, 4);
      const auto codes = random_elements<uint8_t>(bytes, seed + static_cast<uint32_t>(i), 0, 255);
      const void* data = real.data();
      if (net.input(i).type != Type::float32) data = codes.data();
      ASSERT_TRUE(net.write_input(i, data, bytes).ok());
    }
    status = net.invoke();
    ASSERT_TRUE(status.ok()) << status.message();
  }
  for (int i = 0; i < net.outputs(); ++i) {
    Bytes bytes(net.output(i).bytes);
    ASSERT_TRUE(net.read_output(i, bytes.data(), bytes.size()).ok());
    result->outputs.push_back(std::move(bytes));
  }
  if (options.keep_tensors) result->tensors = tensor_values(net);
  result->steps = net.plan().steps.size();
}

// The number of steps when fused; expects the same results as when not.
size_t steps_when_fused(const TestImage& image, uint32_t seed = 1) {
  RunResult whole;
  run(image, {.keep_tensors = true, .fuse = false}, seed, &whole);
  size_t steps = 0;
  for (int threads : {1, 3})
    for (bool keep : {false, true}) {
      RunResult fused;
      run(image, {.threads = threads, .keep_tensors = keep}, seed, &fused);
      EXPECT_EQ(fused.outputs, whole.outputs) << "seed " << seed << ", threads " << threads;
      EXPECT_EQ(fused.tensors, keep ? whole.tensors : std::vector<Bytes>()) << "seed " << seed;
      steps = fused.steps;
    }
  return steps;
}

// Writes operators on tensors [1, h, w, c] of one type.
class Writer {
 public:
  explicit Writer(bool quantized, std::vector<int32_t> shape = {1, 19, 17, 13})
      : quantized_(quantized), shape_(std::move(shape)) {}

  ModelBuilder b;
  int channels() const { return shape_[3]; }
  int input() { return b.input(shape_, type(), scale()); }
  int result() { return b.add_tensor(shape_, type(), scale()); }
  int vector() {  // [1, 1, 1, c]
    const auto n = static_cast<size_t>(channels());
    if (quantized_)
      return b.constant({1, 1, 1, channels()}, random_elements<int8_t>(n, ++seed_, -128, 127),
                        scale());
    return b.constant({1, 1, 1, channels()}, random_elements<float>(n, ++seed_, -1, 1));
  }
  int conv(int x, int size = 1, Activation act = Activation::NONE) {
    const auto n = static_cast<size_t>(channels() * size * size * channels());
    const std::vector<int32_t> shape = {channels(), size, size, channels()};
    const int w = quantized_ ? b.constant(shape, random_elements<int8_t>(n, ++seed_, -127, 127),
                                          per_tensor(0.5f / static_cast<float>(127 * size * size)))
                             : b.constant(shape, random_elements<float>(n, ++seed_, -0.3, 0.3));
    const int y = result();
    b.op(Op::CONV_2D, {x, w}, {y},
         schema::CreateConv2DOptions(b.fbb(), schema::Padding::SAME, 1, 1, act));
    return y;
  }
  int depthwise(int x) {
    const auto n = static_cast<size_t>(9 * channels());
    const std::vector<int32_t> shape = {1, 3, 3, channels()};
    const int w = quantized_ ? b.constant(shape, random_elements<int8_t>(n, ++seed_, -127, 127),
                                          per_tensor(0.004f))
                             : b.constant(shape, random_elements<float>(n, ++seed_, -0.5, 0.5));
    const int y = result();
    b.op(Op::DEPTHWISE_CONV_2D, {x, w}, {y},
         schema::CreateDepthwiseConv2DOptions(b.fbb(), schema::Padding::SAME, 1, 1, 1));
    return y;
  }
  int unary(Op op, int x) {
    const int y = result();
    if (op == Op::HARD_SWISH)
      b.op(op, {x}, {y}, schema::CreateHardSwishOptions(b.fbb()));
    else
      b.op(op, {x}, {y});
    return y;
  }
  int binary(Op op, int x, int z, Activation act = Activation::NONE) {
    const int y = result();
    if (op == Op::ADD) b.op(op, {x, z}, {y}, schema::CreateAddOptions(b.fbb(), act));
    if (op == Op::SUB) b.op(op, {x, z}, {y}, schema::CreateSubOptions(b.fbb(), act));
    if (op == Op::MUL) b.op(op, {x, z}, {y}, schema::CreateMulOptions(b.fbb(), act));
    return y;
  }
  int swish(int x) { return binary(Op::MUL, x, unary(Op::LOGISTIC, x)); }
  /// [1, 1, 1, c], of each channel's mean.
  int gate(int x) {
    const int mean = b.add_tensor({1, 1, 1, channels()}, type(), scale());
    const int y = b.add_tensor({1, 1, 1, channels()}, type(), scale());
    b.op(Op::MEAN, {x, b.constant<int32_t>({2}, {1, 2})}, {mean},
         schema::CreateReducerOptions(b.fbb(), true));
    b.op(Op::LOGISTIC, {mean}, {y});
    return y;
  }
  TestImage finish(std::vector<int> outputs) {
    b.graph().outputs.assign(outputs.begin(), outputs.end());
    return b.finish();
  }

 private:
  Type type() const { return quantized_ ? Type::int8 : Type::float32; }
  std::optional<Quant> scale() const {
    if (!quantized_) return {};
    return per_tensor(0.05f, -7);
  }
  bool quantized_;
  std::vector<int32_t> shape_;
  uint32_t seed_ = 0;
};

class Fusion : public testing::TestWithParam<bool> {
 protected:
  // Whether a model has that many steps when fused; for 8 bits, which are not, only results count.
  static bool steps_are(const TestImage& image, size_t count) {
    return steps_when_fused(image) == count || GetParam();
  }
  Writer w{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(, Fusion, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "int8" : "float32");
});

TEST_P(Fusion, ResidualSum) {
  const int x = w.input(), a = w.conv(x), c = w.conv(a, 3);
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::ADD, c, a, Activation::RELU)})), 2u));
}

TEST_P(Fusion, ResidualSumWithTheConvolutionsOwnInput) {
  const int x = w.input(), a = w.depthwise(x), c = w.conv(a, 3);
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::ADD, a, c)})), 2u));
}

TEST_P(Fusion, ShortcutIsComputedLast) {
  const int x = w.input(), a = w.conv(x, 3), c = w.conv(x);
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::ADD, a, c)})), 2u));
}

TEST_P(Fusion, Activations) {
  int x = w.input();
  x = w.unary(Op::HARD_SWISH, w.conv(x));
  x = w.swish(w.depthwise(x));
  x = w.unary(Op::LOGISTIC, w.binary(Op::MUL, w.vector(), w.conv(x, 3)));
  EXPECT_TRUE(steps_are((w.finish({x})), 3u));
}

TEST_P(Fusion, ChainWithoutAProducer) {
  const int x = w.input();
  const int y = w.binary(Op::ADD, w.binary(Op::MUL, x, w.vector()), w.vector(), Activation::RELU);
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::SUB, y, x)})), 1u));
}

TEST_P(Fusion, GatesWaitForTheWholeTensor) {
  const int x = w.input(), a = w.conv(x);
  const int gate = w.gate(a);  // MEAN, LOGISTIC
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::MUL, a, gate)})), 4u))
      << "the product reads the gate, which reads all of a";
}

TEST_P(Fusion, ResultsOfTheGraphAreKept) {
  const int x = w.input(), a = w.conv(x), c = w.unary(Op::LOGISTIC, a);
  EXPECT_TRUE(steps_are((w.finish({a, c, w.binary(Op::ADD, c, a)})), 1u));
}

TEST_P(Fusion, ReadersAfterTheGroup) {
  const int x = w.input(), a = w.conv(x), c = w.unary(Op::LOGISTIC, a);
  const int d = w.conv(a, 3);
  EXPECT_TRUE(steps_are((w.finish({w.binary(Op::ADD, c, d)})), 2u));
}

TEST_P(Fusion, FarReadersKeepTheirPlace) {
  const int x = w.input(), a = w.conv(x), c = w.conv(a, 3);
  // Following the first convolution it would hold its output longer, while a is needed anyway.
  const int late = w.unary(Op::LOGISTIC, a);
  const int d = w.conv(a, 3);
  EXPECT_TRUE(steps_are((w.finish({c, late, d})), 4u));
}

TEST(Leaders, GateBeforeAPointwiseConvolution) {
  Writer w(false);
  const int x = w.input(), a = w.conv(x, 3);
  const int c = w.conv(w.binary(Op::MUL, a, w.gate(a)));
  EXPECT_EQ(steps_when_fused(w.finish({w.binary(Op::ADD, c, x)})), 4u) << "conv, mean, gate, conv";
}

TEST(Leaders, NormalizationBeforeAPointwiseConvolution) {
  Writer w(false, {2, 20, 20, 40});
  const int x = w.input();
  const int n = w.binary(Op::ADD, w.binary(Op::MUL, x, w.vector()), w.vector(), Activation::RELU);
  EXPECT_EQ(steps_when_fused(w.finish({w.unary(Op::HARD_SWISH, w.conv(n))})), 1u);
}

TEST(Leaders, OthersReadIt) {
  Writer w(false);
  const int x = w.input(), a = w.unary(Op::LOGISTIC, x);
  EXPECT_EQ(steps_when_fused(w.finish({w.binary(Op::ADD, w.conv(a), a)})), 2u);
  Writer v(false);
  const int y = v.input(), c = v.unary(Op::LOGISTIC, y);
  EXPECT_EQ(steps_when_fused(v.finish({c, v.conv(c)})), 2u);
}

TEST(Leaders, WindowsReadTheWholeTensor) {
  Writer w(false);
  const int x = w.input();
  EXPECT_EQ(steps_when_fused(w.finish({w.conv(w.unary(Op::LOGISTIC, x), 3)})), 2u);
}

TEST(Leaders, StepsWithoutAResult) {
  Writer w(false);
  const int x = w.input(), variable = w.b.add_tensor({}, Type::resource);
  w.b.op(Op::VAR_HANDLE, {}, {variable}, schema::CreateVarHandleOptionsDirect(w.b.fbb(), "", "x"));
  w.b.op(Op::ASSIGN_VARIABLE, {variable, x}, {}, schema::CreateAssignVariableOptions(w.b.fbb()));
  EXPECT_EQ(steps_when_fused(w.finish({w.conv(x)})), 3u);
}

TEST(FusionRules, OtherShapesAreNotParts) {
  Writer w(false, {1, 1, 1, 12});
  const int x = w.input(), a = w.conv(x);
  const int big = w.b.input({1, 5, 6, 12});
  const int y = w.b.output({1, 5, 6, 12});
  w.b.op(Op::ADD, {a, big}, {y}, schema::CreateAddOptions(w.b.fbb()));
  EXPECT_EQ(steps_when_fused(w.b.finish()), 2u);
}

TEST(FusionRules, ReferenceRunsAreNotFused) {
  Writer w(false);
  const int x = w.input();
  RunResult plain;
  run(w.finish({w.unary(Op::LOGISTIC, w.conv(x))}), {.reference = true}, 1, &plain);
  EXPECT_EQ(plain.steps, 2u);
}

TEST(FusionRules, BatchesAndManyPieces) {
  Writer w(false, {3, 20, 20, 40});
  const int x = w.input();
  int y = w.swish(w.conv(x, 3));
  y = w.binary(Op::ADD, w.depthwise(y), y);
  y = w.binary(Op::MUL, w.vector(), w.binary(Op::ADD, y, w.vector()));
  EXPECT_EQ(steps_when_fused(w.finish({y})), 2u);
}

// What only followers read has room for a part; two threads have one each.
TEST_P(Fusion, PartsOfLargeTensors) {
  Writer g(GetParam(), {2, 40, 30, 24});
  const int x = g.input(), a = g.swish(g.conv(x)), c = g.swish(a);
  const int y = g.binary(Op::ADD, g.unary(Op::TANH, c), g.binary(Op::MUL, c, g.vector()));
  EXPECT_TRUE(steps_are((g.finish({y})), 1u));
  Writer h(GetParam(), {2, 40, 30, 24});
  RunResult whole, fused;
  const TestImage image = h.finish({h.swish(h.swish(h.input()))});
  run(image, {.fuse = false}, 5, &whole);
  run(image, {.threads = 2}, 5, &fused);
  EXPECT_EQ(fused.outputs, whole.outputs);
}

TEST(FusionRules, FullyConnected) {
  for (int rows : {1, 5}) {
    ModelBuilder b;
    const int x = b.input({rows, 64}), y = b.add_tensor({rows, 100}, Type::float32);
    const int weights = b.constant({100, 64}, random_elements<float>(6400, 3, -1, 1));
    b.op(Op::FULLY_CONNECTED, {x, weights}, {y}, schema::CreateFullyConnectedOptions(b.fbb()));
    b.op(Op::HARD_SWISH, {y}, {b.output({rows, 100})}, schema::CreateHardSwishOptions(b.fbb()));
    EXPECT_EQ(steps_when_fused(b.finish()), 1u);
  }
}

// Graphs of random operators on random earlier results.
TEST_P(Fusion, RandomGraphs) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    Writer g(GetParam(), {1 + static_cast<int32_t>(below(2)), 7 + static_cast<int32_t>(below(9)),
                          5 + static_cast<int32_t>(below(9)), 1 + static_cast<int32_t>(below(24))});
    std::vector<int> made = {g.input()};
    if (below(2) == 0) made.push_back(g.input());
    for (size_t k = 4 + below(12); k > 0; --k) {
      // Late results are read more often.
      const auto any = [&] {
        return made[made.size() - 1 - std::min(below(made.size()), below(made.size()))];
      };
      constexpr Op kUnary[] = {Op::LOGISTIC, Op::HARD_SWISH, Op::RELU, Op::TANH};
      constexpr Op kBinary[] = {Op::ADD, Op::MUL, Op::SUB};
      const Activation act = below(3) == 0 ? Activation::RELU : Activation::NONE;
      switch (below(8)) {
        case 0:
          made.push_back(g.conv(any(), 1, act));
          break;
        case 1:
          made.push_back(g.conv(any(), 3, act));
          break;
        case 2:
          made.push_back(g.depthwise(any()));
          break;
        case 3:
          made.push_back(g.unary(kUnary[below(4)], any()));
          break;
        case 4:
          made.push_back(g.binary(kBinary[below(3)], any(), g.vector(), act));
          break;
        case 5:
          made.push_back(g.binary(Op::MUL, any(), g.gate(any()), act));
          break;
        default:
          made.push_back(g.binary(kBinary[below(3)], any(), any(), act));
      }
    }
    std::vector<int> outputs = {made.back()};
    for (size_t k = below(3); k > 0; --k) {
      const int t = made[below(made.size())];
      if (std::find(outputs.begin(), outputs.end(), t) == outputs.end()) outputs.push_back(t);
    }
    steps_when_fused(g.finish(outputs), seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace cygnet::test
