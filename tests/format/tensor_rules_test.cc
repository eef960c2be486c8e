// SPDX-License-Identifier: Apache-2.0
// Every rule T of the loader: a model that breaks just this rule is refused with the rule's id, the
// same model unbroken is accepted.
#include <cmath>

#include "format/rule_checks.h"
#include "runtime/interpreter.h"

namespace cygnet::test {
namespace {

TEST(RuleT1, Types) {
  refused([](ModelBuilder& b) { b.tensor(0).type = static_cast<Type>(40); },
          {"T1: subgraph 0 tensor 0 \"t0\": expected a type of 0 to 22, got 40"});
}

TEST(RuleT2, Shapes) {
  refused([](ModelBuilder& b) { b.tensor(0).shape = {1, 1, 1, 1, 1, 1, 1, 1, 2}; },
          {"T2", "rank at most 8, got 9"});
  refused([](ModelBuilder& b) { b.tensor(0).shape = {1, -2}; }, {"T2", "[1,-2]"});
  refused([](ModelBuilder& b) { b.tensor(0).signature = {-1}; }, {"T2", "shape signature"});
  refused(
      [](ModelBuilder& b) {
        b.tensor(0).signature = {-1, 3};
      },
      {"T2", "shape signature", "[-1,3]"});
  refused([](ModelBuilder& b) { b.tensor(0).signature = {-7, 2}; }, {"T2", "shape signature"});
  ModelBuilder b;
  base_model(b);
  b.tensor(0).signature = {-1, 2};
  EXPECT_TRUE(load(b.finish()).ok());
}

TEST(RuleT3, Elements) {
  refused([](ModelBuilder& b) { b.tensor(0).shape = {65536, 65536}; }, {"T3", "2147483647"});
  refused(
      [](ModelBuilder& b) {
        b.tensor(0).shape = {0, 2147483647, 2147483647, 2147483647, 2147483647};
      },
      {"T3"});
  Limits small = Limits::standard();
  small.tensor_elements = 1;
  expect_refused(
      base_model, [](ModelBuilder&) {}, {"limit tensor_elements (1)"}, small);
}

TEST(RuleT4, ConstantBytes) {
  refused(
      [](ModelBuilder& b) {
        b.tensor(1).shape = {1, 3};
      },
      {"T4", "tensor 1", "expected 12 bytes", "got 8"});
  refused([](ModelBuilder& b) { b.tensor(1).shape = {1, 1}; }, {"T4", "expected 4 bytes", "got 8"});
  refused([](ModelBuilder& b) { b.buffers[1].data = std::vector<uint8_t>(); },
          {"T4", "expected 8 bytes", "got 0"});
}

TEST(RuleT5, EmptyTensors) {
  ModelBuilder b;
  const int x = b.input({0, 2});
  const int c = b.constant<float>({0, 2}, {});
  b.op(Op::ADD, {x, c}, {b.output({0, 2})}, schema::CreateAddOptions(b.fbb()));
  const TestImage image = b.finish();
  Model model;
  const Status status =
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model);
  ASSERT_TRUE(status.ok()) << status.message();
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  ASSERT_TRUE(interpreter.allocate().ok());
  EXPECT_TRUE(interpreter.invoke().ok());
  EXPECT_EQ(interpreter.output(0).bytes, 0u);
}

void string_model(ModelBuilder& b) {
  base_model(b);
  b.constant_strings({2}, {"ab", "c"});
}

TEST(RuleT6, Strings) {
  const auto word = [](size_t at, int32_t value) {
    return [=](ModelBuilder& b) { std::memcpy(b.buffers.back().data->data() + 4 * at, &value, 4); };
  };
  expect_refused(string_model, word(0, 3), {"T6", "expected 2 strings, got 3"});
  expect_refused(string_model, word(1, 8), {"T6", "string offset 0"});
  expect_refused(string_model, word(2, 5), {"T6", "string offset 1"});
  expect_refused(string_model, word(2, 1'000'000), {"T6", "string offset 1"});
  expect_refused(string_model, word(3, 16), {"T6"});
  expect_refused(string_model, [](ModelBuilder& b) { b.buffers.back().data->resize(6); }, {"T6"});
}

// Tensor 3: [2,2], rows dense, columns sparse, 2 values stored.
struct Sparse {
  std::vector<int32_t> order = {0, 1}, block_map = {}, segments = {0, 1, 2}, indices = {1, 0};
  int32_t rows = 2;
  bool with_indices = true;
};

std::function<void(ModelBuilder&)> sparse_model(const Sparse& s) {
  return [=](ModelBuilder& b) {
    base_model(b);
    const int t = b.constant<float>({2, 2}, {5, 6});
    b.tensor(t).shape = {2, 2};
    auto& f = b.fbb();
    const auto list = [&](const std::vector<int32_t>& v) {
      return schema::CreateInt32Vector(f, f.CreateVector(v)).Union();
    };
    const auto segments = list(s.segments);
    const auto indices = list(s.indices);
    const auto rows = schema::CreateDimensionMetadata(f, schema::DimensionType::DENSE, s.rows);
    const auto columns = schema::CreateDimensionMetadata(
        f, schema::DimensionType::SPARSE_CSR, 0, schema::SparseIndexVector::Int32Vector, segments,
        s.with_indices ? schema::SparseIndexVector::Int32Vector : schema::SparseIndexVector::NONE,
        s.with_indices ? indices : 0);
    const auto order = f.CreateVector(s.order), map = f.CreateVector(s.block_map);
    b.tensor(t).sparsity =
        schema::CreateSparsityParameters(f, order, map, f.CreateVector(std::vector{rows, columns}));
  };
}

TEST(RuleT7, Sparsity) {
  const auto sparse = [](const Sparse& s, const std::string& word) {
    EXPECT_TRUE(load_edited(sparse_model({}), [](ModelBuilder&) {}).ok())
        << load_edited(sparse_model({}), [](ModelBuilder&) {}).message();
    const Status status = load_edited(sparse_model(s), [](ModelBuilder&) {});
    EXPECT_NE(std::string(status.message()).find("T7"), std::string::npos) << status.message();
    EXPECT_NE(std::string(status.message()).find(word), std::string::npos) << status.message();
  };
  sparse({.order = {1, 1}}, "permutation");
  sparse({.order = {0, 2}}, "permutation");
  sparse({.order = {0}}, "levels");
  sparse({.block_map = {0}}, "block map");
  sparse({.segments = {0, 2}}, "expected 3 segments");
  sparse({.segments = {1, 1, 2}}, "first segment");
  sparse({.segments = {0, 3, 2}}, "begins before");
  sparse({.segments = {0, 1, 3}}, "expected 3 indices");
  sparse({.indices = {1, 2}}, "index 1");
  sparse({.indices = {-1, 0}}, "index 0");
  sparse({.rows = 3}, "dense size 2");
  sparse({.with_indices = false}, "without segments or indices");
}

void quantized_model(ModelBuilder& b) {
  const int x = b.input({1, 2}, Type::int8, per_tensor(0.5f, 3));
  const int c = b.constant<int8_t>({1, 2}, {1, 2}, per_tensor(0.5f));
  b.op(Op::ADD, {x, c}, {b.output({1, 2}, Type::int8, per_tensor(1.0f))},
       schema::CreateAddOptions(b.fbb()));
}

TEST(RuleT8, Quantization) {
  const auto quant = [](Quant q) { return [=](ModelBuilder& b) { b.tensor(0).quantization = q; }; };
  expect_refused(quantized_model, quant({{0.5f, 0.5f, 0.5f}, {}, 1}),
                 {"T8", "expected 1 scale or 2"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {}, 2}),
                 {"T8", "quantized dimension of 0 to 1, got 2"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {}, -1}), {"T8", "got -1"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {0, 0, 0}, 1}), {"T8", "zero points"});
  expect_refused(quantized_model, quant({{0.0f}, {0}, 0}),
                 {"T8: subgraph 0 tensor 0 \"t0\": scale 0: expected a finite number > 0, got 0"});
  expect_refused(quantized_model, quant({{-1.0f}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{NAN}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{INFINITY}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{0.5f}, {128}, 0}),
                 {"T8", "zero point 0: expected -128 to 127, got 128"});
  expect_refused(quantized_model, quant({{0.5f}, {int64_t{1} << 40}, 0}), {"T8", "zero point 0"});
}

TEST(RuleT8, WeightsWithAScaleForEachChannelAreSymmetric) {
  expect_refused(quantized_model,
                 [](ModelBuilder& b) {
                   b.tensor(1).quantization = Quant{{0.5f, 0.5f}, {0, 1}, 1};
                 },
                 {"T8: subgraph 0 tensor 1 \"t1\": zero point 1: expected 0 to 0, got 1"});
}

// Tensor 3: INT4 [2,4] with FLOAT16 scales [2,2] (tensor 4) for blocks of 2.
std::function<void(ModelBuilder&)> blockwise_model(int32_t scales, int32_t zero_points,
                                                   int32_t block) {
  return [=](ModelBuilder& b) {
    base_model(b);
    Quant quant;
    quant.details_type = schema::QuantizationDetails::BlockwiseQuantization;
    quant.details =
        schema::CreateBlockwiseQuantization(b.fbb(), scales, zero_points, block).Union();
    b.constant_bytes({2, 4}, Type::int4, std::vector<uint8_t>(4), quant);
    b.constant_bytes({2, 2}, Type::float16, std::vector<uint8_t>(8));
  };
}

TEST(RuleT8, Blocks) {
  const auto expect = [](const std::function<void(ModelBuilder&)>& broken,
                         const std::string& words) {
    EXPECT_TRUE(load_edited(blockwise_model(4, -1, 2), [](ModelBuilder&) {}).ok());
    const std::string message = load_edited(broken, [](ModelBuilder&) {}).message();
    EXPECT_NE(message.find("T8: subgraph 0 tensor 3 \"t3\": " + words), std::string::npos)
        << message;
  };
  expect(blockwise_model(5, -1, 2), "scales: expected a tensor index of 0 to 4, got 5");
  expect(blockwise_model(-1, -1, 2), "scales: expected a tensor index of 0 to 4, got -1");
  expect(blockwise_model(4, 5, 2), "zero points: expected a tensor index of -1 to 4, got 5");
  expect(blockwise_model(3, -1, 2), "scales: expected type FLOAT16 or FLOAT32, got INT4");
  expect(blockwise_model(4, -1, 3),
         "expected a block size that divides the last dimension 4, got 3");
  expect(blockwise_model(4, -1, 0),
         "expected a block size that divides the last dimension 4, got 0");
  expect(blockwise_model(4, -1, 4),
         "scales: expected shape [2,1] for blocks of 4 in [2,4], got [2,2]");
}

TEST(RuleT9, ScaleRatios) {
  ModelBuilder b;
  quantized_model(b);
  b.tensor(2).quantization = per_tensor(1e-12f);
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  const Status status = interpreter.allocate();
  EXPECT_NE(std::string(status.message()).find("T9: "), std::string::npos) << status.message();
}

TEST(RuleT10, Resources) {
  const auto model = [](bool mixed) {
    return [=](ModelBuilder& b) {
      base_model(b);
      const int handle = b.add_tensor({}, Type::resource);
      b.op(Op::VAR_HANDLE, {}, {handle});
      if (mixed)
        b.op(Op::HASHTABLE_SIZE, {handle}, {b.add_tensor({1}, Type::int64)});
      else
        b.op(Op::READ_VARIABLE, {handle}, {b.add_tensor({1, 2}, Type::float32)});
    };
  };
  EXPECT_TRUE(load_edited(model(false), [](ModelBuilder&) {}).ok());
  EXPECT_NE(std::string(load_edited(model(true), [](ModelBuilder&) {}).message()).find("T10"),
            std::string::npos);
}

}  // namespace
}  // namespace cygnet::test
