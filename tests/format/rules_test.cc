// SPDX-License-Identifier: Apache-2.0
// Every rule of the loader: a model that breaks just this rule is refused with the rule's id, the
// same model unbroken is accepted.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "format/model.h"
#include "graph/budget.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/model_builder.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Edit = std::function<void(ModelBuilder&)>;

Status load(const TestImage& image, const Limits& limits = Limits::standard()) {
  Model model;
  return Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {.limits = limits}, &model);
}

// x [1,2] (tensor 0) + constant (1) → y (2), a signature, metadata.
void base_model(ModelBuilder& b) {
  const int x = b.input({1, 2});
  const int c = b.constant<float>({1, 2}, {1, 2});
  const int y = b.output({1, 2});
  b.op(Op::ADD, {x, c}, {y}, schema::CreateAddOptions(b.fbb()));
  b.signature("main", {{"x", static_cast<uint32_t>(x)}}, {{"y", static_cast<uint32_t>(y)}});
}

Status load_edited(const std::function<void(ModelBuilder&)>& base, const Edit& edit, const Limits& limits = Limits::standard()) {
  ModelBuilder b;
  base(b);
  edit(b);
  return load(b.finish(), limits);
}

// The base is accepted, the edited model refused with all the words.
void expect_refused(const std::function<void(ModelBuilder&)>& base, const Edit& edit, const std::vector<std::string>& words,
                    const Limits& limits = Limits::standard()) {
  const Status good = load_edited(base, [](ModelBuilder&) {}, Limits::standard());
  EXPECT_TRUE(good.ok()) << good.message();
  const Status bad = load_edited(base, edit, limits);
  ASSERT_FALSE(bad.ok()) << "expected to be refused: " << words[0];
  const std::string message = bad.message();
  EXPECT_EQ(message.rfind("m.tflite: ", 0), 0u) << message;
  for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
}

void refused(const Edit& edit, const std::vector<std::string>& words) { expect_refused(base_model, edit, words); }

// ---- C: the container

TEST(RuleC1, SizeAndIdentifier) {
  ModelBuilder b;
  base_model(b);
  const TestImage good = b.finish();
  EXPECT_TRUE(load(good).ok());
  EXPECT_NE(std::string(load(TestImage(std::vector<uint8_t>(7))).message()).find("C1: expected at least 8 bytes, got 7"), std::string::npos);
  std::vector<uint8_t> bytes = good.bytes();
  bytes[4] = 'X';
  EXPECT_NE(std::string(load(TestImage(bytes)).message()).find("C1: not a TensorFlow Lite model"), std::string::npos);
}

TEST(RuleC1, ImageThatIsNotAligned) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  std::vector<uint8_t> moved(bytes.size() + 64);
  for (size_t shift : {1, 4, 8, 13}) {
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<ptrdiff_t>(shift));
    Model model;
    const Status status = Model::from_memory({moved.data() + shift, bytes.size()}, "m", builtin_ops(), {}, &model);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST(RuleC2, Structure) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t size : {bytes.size() / 2, bytes.size() - 8, size_t{64}}) {
    const Status status = load(TestImage({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)}));
    ASSERT_FALSE(status.ok());
    EXPECT_NE(std::string(status.message()).find("C2: "), std::string::npos) << status.message();
  }
}

TEST(RuleC3, VersionAndSubgraphs) {
  refused([](ModelBuilder& b) { b.schema_version = 4; }, {"C3: expected schema version 3, got 4"});
  refused([](ModelBuilder& b) { b.graphs.clear(); b.signatures.clear(); }, {"C3", "subgraph"});
}

TEST(RuleC4, Buffers) {
  refused([](ModelBuilder& b) { b.tensor(1).buffer = 99; }, {"C4: subgraph 0 tensor 1 \"t1\"", "expected a buffer index below", "got 99"});
  refused([](ModelBuilder& b) { b.buffers[1].data = {}; b.buffers[1].offset = 1000; b.buffers[1].size = uint64_t{1} << 60; }, {"C4", "buffer 1"});
}

TEST(RuleC4, DataBehindTheFlatBuffer) {
  ModelBuilder b;
  base_model(b);
  b.buffers[1].tail = b.buffers[1].data;
  b.buffers[1].data = {};
  const Status status = load(b.finish());
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(RuleC5, ExternalBuffers) {
  refused([](ModelBuilder& b) { b.tensor(1).external_buffer = 3; }, {"C5"});
}

void custom_model(ModelBuilder& b) {
  const int x = b.input({1, 2, 2, 1});
  const int w = b.constant<float>({1, 2, 2, 1}, {1, 2, 3, 4});
  b.custom_op("Convolution2DTransposeBias", {x, w}, {b.output({1, 4, 4, 1})}, {1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0});
}

TEST(RuleC6, LargeCustomOptions) {
  expect_refused(custom_model, [](ModelBuilder& b) { b.last_op().large_offset = 64; b.last_op().large_size = uint64_t{1} << 40; }, {"C6"});
  expect_refused(custom_model, [](ModelBuilder& b) { b.last_op().large_offset = UINT64_MAX; b.last_op().large_size = 12; }, {"C6"});
}

TEST(RuleC7, OperatorCodes) {
  refused([](ModelBuilder& b) { b.last_op().opcode = 7; }, {"C7: subgraph 0 operator 0", "expected an operator code index below 1, got 7"});
  refused([](ModelBuilder& b) { b.last_opcode().builtin = 5000; }, {"C7", "got 5000"});
  refused([](ModelBuilder& b) { b.last_opcode().version = 99; }, {"C7: subgraph 0 operator 0 ADD", "expected version 1 to 6, got 99"});
  refused([](ModelBuilder& b) { b.last_opcode().version = 0; }, {"C7", "got 0"});
  expect_refused(custom_model, [](ModelBuilder& b) { b.last_opcode().custom_code = ""; }, {"C7", "custom operator without a name"});
}

TEST(RuleC7, OperatorsThatThisBuildLacksAreListedOnce) {
  ModelBuilder b;
  base_model(b);
  const int x = 0;
  b.custom_op("my_op", {x}, {b.add_tensor({1}, Type::float32)});
  b.custom_op("my_op", {x}, {b.add_tensor({1}, Type::float32)});
  b.custom_op("your_op", {x}, {b.add_tensor({1}, Type::float32)});
  Model model;
  const TestImage image = b.finish();
  ASSERT_TRUE(Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  const Status status = interpreter.allocate();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_NE(std::string(status.message()).find("C7: this build does not have these operators: my_op, your_op"), std::string::npos) << status.message();
}

TEST(RuleC8, OptionTables) {
  refused([](ModelBuilder& b) { b.last_op().options_type = schema::BuiltinOptions::MulOptions; }, {"C8: subgraph 0 operator 0 ADD", "MulOptions"});
}

TEST(RuleC9, Enumerations) {
  ModelBuilder b;
  base_model(b);
  b.last_op().options = schema::CreateAddOptions(b.fbb(), static_cast<schema::ActivationFunctionType>(77)).Union();
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  EXPECT_NE(std::string(interpreter.allocate().message()).find("activation 77"), std::string::npos);
}

TEST(RuleC11, Metadata) {
  refused([](ModelBuilder& b) { b.add_metadata("note", {1}); b.metadata.back().buffer = 1000; }, {"C11: metadata \"note\"", "got 1000"});
  refused([](ModelBuilder& b) { b.add_metadata("min_runtime_version", {'1', '.', '5'}); }, {"C11", "zero-terminated"});
}

TEST(RuleC12, Signatures) {
  refused([](ModelBuilder& b) { b.signatures[0].subgraph = 5; }, {"C12: signature \"main\"", "expected a subgraph index below 1, got 5"});
  refused([](ModelBuilder& b) { b.signatures[0].key = ""; }, {"C12", "expected a key, got none"});
  refused([](ModelBuilder& b) { b.signatures.push_back(b.signatures[0]); }, {"C12: signature key \"main\" is used twice"});
  refused([](ModelBuilder& b) { b.signatures[0].inputs[0].second = 2; }, {"C12", "input 0 \"x\"", "not among those of the subgraph"});
  refused([](ModelBuilder& b) { b.signatures[0].outputs[0].second = 4'000'000'000u; }, {"C12"});
  refused([](ModelBuilder& b) { b.signatures[0].outputs[0].first = ""; }, {"C12", "expected a name, got none"});
  refused([](ModelBuilder& b) { b.signatures[0].inputs.push_back(b.signatures[0].inputs[0]); }, {"C12", "the name is used twice"});
}

TEST(RuleC13, AbsentNamesAreEmpty) {
  ModelBuilder b;
  base_model(b);
  b.tensor(0).name = {};
  b.graph().name = {};
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  EXPECT_EQ(model.graph().subgraphs[0].tensors[0].name, "");
}

// ---- G: the graph

TEST(RuleG1, TensorIndices) {
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = 50; }, {"G1: subgraph 0 operator 0 ADD: input 1: expected a tensor index of 0 to 2, got 50"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = -2; }, {"G1", "got -2"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = -1; }, {"G1", "input 1", "not optional"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = -1; }, {"G1", "output 0"});
  refused([](ModelBuilder& b) { b.last_op().intermediates = {9}; }, {"G1", "intermediate 0"});
  refused([](ModelBuilder& b) { b.graph().inputs[0] = 9; b.signatures.clear(); }, {"G1: subgraph 0: input 0", "got 9"});
  refused([](ModelBuilder& b) { b.graph().outputs[0] = -5; b.signatures.clear(); }, {"G1: subgraph 0: output 0", "got -5"});
}

TEST(RuleG2, OperandCounts) {
  refused([](ModelBuilder& b) { b.last_op().inputs.pop_back(); }, {"G2", "expected 2 inputs, got 1"});
  refused([](ModelBuilder& b) { b.last_op().inputs.push_back(0); }, {"G2", "expected 2 inputs, got 3"});
  refused([](ModelBuilder& b) { b.last_op().outputs.clear(); b.graph().outputs.clear(); b.signatures.clear(); }, {"G2", "expected 1 outputs, got 0"});
}

TEST(RuleG3, Producers) {
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = b.add_tensor({1, 2}, Type::float32); }, {"G3", "has no value yet"});
  refused([](ModelBuilder& b) { b.last_op().inputs[1] = 2; }, {"G3", "has no value yet"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = 1; }, {"G3", "a constant"});
  refused([](ModelBuilder& b) { b.last_op().outputs[0] = 0; }, {"G3", "an input of the subgraph"});
  refused([](ModelBuilder& b) { b.op(Op::ADD, {0, 1}, {2}, schema::CreateAddOptions(b.fbb())); }, {"G3", "operator 1", "already the result"});
}

TEST(RuleG4, SubgraphInputsAndOutputs) {
  refused([](ModelBuilder& b) { b.graph().inputs.push_back(1); }, {"G4", "tensor 1", "non-constant"});
  refused([](ModelBuilder& b) { b.graph().inputs.push_back(0); }, {"G4", "each tensor once"});
  refused([](ModelBuilder& b) { b.graph().outputs.push_back(b.add_tensor({1}, Type::float32)); }, {"G4", "nothing produces"});
}

void lstm_like_model(ModelBuilder& b) {
  // MUL reads no state; a variable that nothing reads is legal.
  base_model(b);
  b.variable({1, 2});
}

TEST(RuleG5, Variables) {
  expect_refused(lstm_like_model, [](ModelBuilder& b) { b.last_op().inputs[1] = 3; }, {"G5", "expected a non-variable tensor"});
  expect_refused(lstm_like_model, [](ModelBuilder& b) { b.tensor(3).buffer = b.add_buffer(std::vector<uint8_t>(8)); }, {"G5", "constant data"});
}

// Subgraph 1: identity-like callee of one float; the main one calls it by CALL_ONCE (no operands).
void call_model(ModelBuilder& b) {
  base_model(b);
  b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), 1));
  b.add_subgraph("callee");
  b.use_subgraph(0);
}

TEST(RuleG6, Calls) {
  // CALL_ONCE is not an operator of this build, so its table is read only when it is registered.
  static const OpDef call_once = {.name = "CALL_ONCE", .builtin = static_cast<int32_t>(Op::CALL_ONCE), .options_type = static_cast<uint8_t>(schema::BuiltinOptions::CallOnceOptions), .pure = false, .min_inputs = 0, .max_inputs = 0, .min_outputs = 0, .max_outputs = 0};
  static const OpDef* const with_calls[] = {&call_once};
  OpRegistry registry = builtin_ops();
  std::vector<const OpDef*> all(registry.builtin.begin(), registry.builtin.end());
  all.insert(all.end(), std::begin(with_calls), std::end(with_calls));
  registry.builtin = all;
  const auto load_calls = [&](const Edit& edit, const Limits& limits) {
    ModelBuilder b;
    call_model(b);
    edit(b);
    const TestImage image = b.finish();
    Model model;
    return Model::from_memory({image.data(), image.size()}, "m", registry, {.limits = limits}, &model);
  };
  const auto words = [&](const Edit& edit) { return std::string(load_calls(edit, Limits::standard()).message()); };
  EXPECT_TRUE(load_calls([](ModelBuilder&) {}, Limits::standard()).ok());
  const auto callee_of = [](int callee) {
    return [=](ModelBuilder& b) { b.last_op().options = schema::CreateCallOnceOptions(b.fbb(), callee).Union(); };
  };
  EXPECT_NE(words(callee_of(7)).find("G6"), std::string::npos);
  EXPECT_NE(words(callee_of(-1)).find("G6"), std::string::npos);
  EXPECT_NE(words(callee_of(0)).find("calls itself"), std::string::npos);
  EXPECT_NE(words([](ModelBuilder& b) {
              b.use_subgraph(1);
              b.op(Op::CALL_ONCE, {}, {}, schema::CreateCallOnceOptions(b.fbb(), 0));
            }).find("calls itself"), std::string::npos);
  EXPECT_NE(words([](ModelBuilder& b) {
              b.use_subgraph(1);
              b.input({1});
            }).find("G6"), std::string::npos) << "a callee with inputs";
  Limits shallow = Limits::standard();
  shallow.call_depth = 0;
  EXPECT_EQ(load_calls([](ModelBuilder&) {}, shallow).code(), Code::limit);
}

// ---- T: tensors

TEST(RuleT1, Types) {
  refused([](ModelBuilder& b) { b.tensor(0).type = static_cast<Type>(40); }, {"T1: subgraph 0 tensor 0 \"t0\": expected a type of 0 to 22, got 40"});
}

TEST(RuleT2, Shapes) {
  refused([](ModelBuilder& b) { b.tensor(0).shape = {1, 1, 1, 1, 1, 1, 1, 1, 2}; }, {"T2", "rank at most 8, got 9"});
  refused([](ModelBuilder& b) { b.tensor(0).shape = {1, -2}; }, {"T2", "[1,-2]"});
  refused([](ModelBuilder& b) { b.tensor(0).signature = {-1}; }, {"T2", "shape signature"});
  refused([](ModelBuilder& b) { b.tensor(0).signature = {-1, 3}; }, {"T2", "shape signature", "[-1,3]"});
  refused([](ModelBuilder& b) { b.tensor(0).signature = {-7, 2}; }, {"T2", "shape signature"});
  ModelBuilder b;
  base_model(b);
  b.tensor(0).signature = {-1, 2};
  EXPECT_TRUE(load(b.finish()).ok());
}

TEST(RuleT3, Elements) {
  refused([](ModelBuilder& b) { b.tensor(0).shape = {65536, 65536}; }, {"T3", "2147483647"});
  refused([](ModelBuilder& b) { b.tensor(0).shape = {0, 2147483647, 2147483647, 2147483647, 2147483647}; }, {"T3"});
  Limits small = Limits::standard();
  small.tensor_elements = 1;
  expect_refused(base_model, [](ModelBuilder&) {}, {"limit tensor_elements (1)"}, small);
}

TEST(RuleT4, ConstantBytes) {
  refused([](ModelBuilder& b) { b.tensor(1).shape = {1, 3}; }, {"T4", "tensor 1", "expected 12 bytes", "got 8"});
  refused([](ModelBuilder& b) { b.tensor(1).shape = {1, 1}; }, {"T4", "expected 4 bytes", "got 8"});
  refused([](ModelBuilder& b) { b.buffers[1].data = std::vector<uint8_t>(); }, {"T4", "expected 8 bytes", "got 0"});
}

TEST(RuleT5, EmptyTensors) {
  ModelBuilder b;
  const int x = b.input({0, 2});
  const int c = b.constant<float>({0, 2}, {});
  b.op(Op::ADD, {x, c}, {b.output({0, 2})}, schema::CreateAddOptions(b.fbb()));
  const TestImage image = b.finish();
  Model model;
  const Status status = Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model);
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
    const auto list = [&](const std::vector<int32_t>& v) { return schema::CreateInt32Vector(f, f.CreateVector(v)).Union(); };
    const auto segments = list(s.segments);
    const auto indices = list(s.indices);
    const auto rows = schema::CreateDimensionMetadata(f, schema::DimensionType::DENSE, s.rows);
    const auto columns = schema::CreateDimensionMetadata(f, schema::DimensionType::SPARSE_CSR, 0, schema::SparseIndexVector::Int32Vector, segments,
                                                         s.with_indices ? schema::SparseIndexVector::Int32Vector : schema::SparseIndexVector::NONE, s.with_indices ? indices : 0);
    const auto order = f.CreateVector(s.order), map = f.CreateVector(s.block_map);
    b.tensor(t).sparsity = schema::CreateSparsityParameters(f, order, map, f.CreateVector(std::vector{rows, columns}));
  };
}

TEST(RuleT7, Sparsity) {
  const auto sparse = [](const Sparse& s, const std::string& word) {
    EXPECT_TRUE(load_edited(sparse_model({}), [](ModelBuilder&) {}).ok()) << load_edited(sparse_model({}), [](ModelBuilder&) {}).message();
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
  b.op(Op::ADD, {x, c}, {b.output({1, 2}, Type::int8, per_tensor(1.0f))}, schema::CreateAddOptions(b.fbb()));
}

TEST(RuleT8, Quantization) {
  const auto quant = [](Quant q) { return [=](ModelBuilder& b) { b.tensor(0).quantization = q; }; };
  expect_refused(quantized_model, quant({{0.5f, 0.5f, 0.5f}, {}, 1}), {"T8", "expected 1 scale or 2"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {}, 2}), {"T8", "quantized dimension of 0 to 1, got 2"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {}, -1}), {"T8", "got -1"});
  expect_refused(quantized_model, quant({{0.5f, 0.5f}, {0, 0, 0}, 1}), {"T8", "zero points"});
  expect_refused(quantized_model, quant({{0.0f}, {0}, 0}), {"T8: subgraph 0 tensor 0 \"t0\": scale 0: expected a finite number > 0, got 0"});
  expect_refused(quantized_model, quant({{-1.0f}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{NAN}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{INFINITY}, {0}, 0}), {"T8", "scale 0"});
  expect_refused(quantized_model, quant({{0.5f}, {128}, 0}), {"T8", "zero point 0: expected -128 to 127, got 128"});
  expect_refused(quantized_model, quant({{0.5f}, {int64_t{1} << 40}, 0}), {"T8", "zero point 0"});
}

TEST(RuleT9, ScaleRatios) {
  ModelBuilder b;
  quantized_model(b);
  b.tensor(2).quantization = per_tensor(1e-12f);
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
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
      if (mixed) b.op(Op::HASHTABLE_SIZE, {handle}, {b.add_tensor({1}, Type::int64)});
      else b.op(Op::READ_VARIABLE, {handle}, {b.add_tensor({1, 2}, Type::float32)});
    };
  };
  EXPECT_TRUE(load_edited(model(false), [](ModelBuilder&) {}).ok());
  EXPECT_NE(std::string(load_edited(model(true), [](ModelBuilder&) {}).message()).find("T10"), std::string::npos);
}

// ---- Limits of the whole model

TEST(Limits, CountsAreBounded) {
  const auto with = [](int64_t Limits::*field, int64_t value) {
    Limits limits = Limits::standard();
    limits.*field = value;
    return limits;
  };
  const Edit none = [](ModelBuilder&) {};
  expect_refused(base_model, none, {"limit tensors (2)"}, with(&Limits::tensors, 2));
  expect_refused(base_model, none, {"limit operators (0)"}, with(&Limits::operators, 0));
  expect_refused(base_model, none, {"limit buffers (1)"}, with(&Limits::buffers, 1));
  expect_refused(base_model, none, {"limit subgraphs (0)"}, with(&Limits::subgraphs, 0));
  expect_refused(base_model, none, {"limit operands (1)"}, with(&Limits::operands, 1));
  expect_refused(base_model, none, {"limit file_bytes (100)"}, with(&Limits::file_bytes, 100));
  expect_refused(base_model, none, {"limit flatbuffer_bytes (100)"}, with(&Limits::flatbuffer_bytes, 100));
}

// Tables may share one long list; checking them all is bounded all the same.
TEST(RuleC2, EntriesToCheckAreBounded) {
  Budget budget(5);
  EXPECT_TRUE(budget.spend(3).ok());
  const Status status = budget.spend(3);
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_NE(std::string(status.message()).find("C2: more than 5 list entries"), std::string::npos) << status.message();
}

// ---- Damaged files never do more than fail

TEST(Damage, Truncation) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(load(TestImage({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)})).ok() && size + 16 < bytes.size()) << size;
}

TEST(Damage, EveryByteFlipped) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int value : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> copy = bytes;
      copy[at] = static_cast<uint8_t>(copy[at] ^ value);
      const TestImage image(copy);
      Model model;
      if (!Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {.limits = Limits::untrusted()}, &model).ok()) continue;
      Interpreter interpreter;
      if (!interpreter.create(model, {}).ok() || !interpreter.allocate().ok()) continue;
      static_cast<void>(interpreter.invoke().ok());
    }
}

}  // namespace
}  // namespace cygnet::test
