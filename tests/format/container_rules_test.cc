// SPDX-License-Identifier: Apache-2.0
// Every rule C of the loader: a model that breaks just this rule is refused with the rule's id, the
// same model unbroken is accepted.
#include "format/rule_checks.h"
#include "graph/budget.h"
#include "runtime/interpreter.h"

namespace cygnet::test {
namespace {

TEST(RuleC1, SizeAndIdentifier) {
  ModelBuilder b;
  base_model(b);
  const TestImage good = b.finish();
  EXPECT_TRUE(load(good).ok());
  EXPECT_NE(std::string(load(TestImage(std::vector<uint8_t>(7))).message())
                .find("C1: expected at least 8 bytes, got 7"),
            std::string::npos);
  std::vector<uint8_t> bytes = good.bytes();
  bytes[4] = 'X';
  EXPECT_NE(std::string(load(TestImage(bytes)).message()).find("C1: not a TensorFlow Lite model"),
            std::string::npos);
}

TEST(RuleC1, ImageThatIsNotAligned) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  std::vector<uint8_t> moved(bytes.size() + 64);
  for (size_t shift : {1, 4, 8, 13}) {
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<ptrdiff_t>(shift));
    Model model;
    const Status status =
        Model::from_memory({moved.data() + shift, bytes.size()}, "m", builtin_ops(), {}, &model);
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST(RuleC2, Structure) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> bytes = b.finish().bytes();
  for (size_t size : {bytes.size() / 2, bytes.size() - 8, size_t{64}}) {
    const Status status =
        load(TestImage({bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size)}));
    ASSERT_FALSE(status.ok());
    EXPECT_NE(std::string(status.message()).find("C2: "), std::string::npos) << status.message();
  }
}

TEST(RuleC3, VersionAndSubgraphs) {
  refused([](ModelBuilder& b) { b.schema_version = 4; }, {"C3: expected schema version 3, got 4"});
  refused(
      [](ModelBuilder& b) {
        b.graphs.clear();
        b.signatures.clear();
      },
      {"C3", "subgraph"});
}

TEST(RuleC4, Buffers) {
  refused([](ModelBuilder& b) { b.tensor(1).buffer = 99; },
          {"C4: subgraph 0 tensor 1 \"t1\"", "expected a buffer index below", "got 99"});
  refused(
      [](ModelBuilder& b) {
        b.buffers[1].data = {};
        b.buffers[1].offset = 1000;
        b.buffers[1].size = uint64_t{1} << 60;
      },
      {"C4", "buffer 1"});
}

TEST(RuleC4, DataLiesInOnePlace) {
  refused([](ModelBuilder& b) { b.buffers[0].data = std::vector<uint8_t>{1}; },
          {"C4: expected no data in buffer 0"});
  refused(
      [](ModelBuilder& b) {
        b.buffers[1].offset = 64;
        b.buffers[1].size = 8;
      },
      {"C4: buffer 1: expected data or an offset to data, got both"});
}

// Constants that are not aligned to their elements are copied, each buffer once.
TEST(RuleC4, UnalignedData) {
  ModelBuilder b;
  base_model(b);
  b.buffers[1].tail = b.buffers[1].data;
  b.buffers[1].data = {};
  b.buffers[1].tail_alignment = 3;
  const int second = b.add_tensor({2}, Type::float32);
  b.tensor(second).buffer = 1;
  const TestImage image = b.finish();
  Model model;
  const Status status =
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model);
  ASSERT_TRUE(status.ok()) << status.message();
  const auto& tensors = model.graph().subgraphs[0].tensors;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensors[1].data) % 4, 0u);
  EXPECT_EQ(tensors[1].as<float>()[1], 2.0f);
  EXPECT_EQ(tensors[second].data, tensors[1].data);
}

// Overlapping buffers would make a small file a large model.
TEST(RuleC4, UnalignedDataThatOverlaps) {
  ModelBuilder b;
  base_model(b);
  const std::vector<uint8_t> zeros(40000);
  b.buffers[1].tail = zeros;
  b.buffers[1].data = {};
  b.buffers[1].tail_alignment = 2;
  b.tensor(1).shape = {10000};
  b.tensor(0).shape = b.tensor(2).shape = {10000};
  const TestImage first = b.finish();
  ASSERT_TRUE(load(first).ok());
  const auto* buffers = schema::GetModel(first.data())->buffers();
  const uint64_t offset = buffers->Get(1)->offset();
  ModelBuilder twice;
  base_model(twice);
  twice.buffers[1].tail = zeros;
  twice.buffers[1].data = {};
  twice.buffers[1].tail_alignment = 2;
  twice.tensor(0).shape = twice.tensor(1).shape = twice.tensor(2).shape = {10000};
  // The FlatBuffer grows by less than 1024 bytes, so that this still lies behind it.
  const int other = twice.add_tensor({9000}, Type::float32);
  twice.buffers.emplace_back();
  twice.buffers.back().offset = offset + 1024;
  twice.buffers.back().size = 36000;
  twice.tensor(other).buffer = 2;
  const Status status = load(twice.finish());
  EXPECT_NE(std::string(status.message())
                .find("C4: subgraph 0 tensor 3 \"t3\": expected buffers of their own bytes"),
            std::string::npos)
      << status.message();
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
  b.custom_op("Convolution2DTransposeBias", {x, w}, {b.output({1, 4, 4, 1})},
              {1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0});
}

TEST(RuleC6, LargeCustomOptions) {
  expect_refused(custom_model,
                 [](ModelBuilder& b) {
                   b.last_op().large_offset = 64;
                   b.last_op().large_size = uint64_t{1} << 40;
                 },
                 {"C6"});
  expect_refused(custom_model,
                 [](ModelBuilder& b) {
                   b.last_op().large_offset = UINT64_MAX;
                   b.last_op().large_size = 12;
                 },
                 {"C6"});
}

TEST(RuleC7, OperatorCodes) {
  refused([](ModelBuilder& b) { b.last_op().opcode = 7; },
          {"C7: subgraph 0 operator 0", "expected an operator code index below 1, got 7"});
  refused([](ModelBuilder& b) { b.last_opcode().builtin = 5000; }, {"C7", "got 5000"});
  refused([](ModelBuilder& b) { b.last_opcode().version = 99; },
          {"C7: subgraph 0 operator 0 ADD", "expected version 1 to 6, got 99"});
  refused([](ModelBuilder& b) { b.last_opcode().version = 0; }, {"C7", "got 0"});
  expect_refused(custom_model, [](ModelBuilder& b) { b.last_opcode().custom_code = ""; },
                 {"C7", "expected a name of the custom operator, got none"});
}

TEST(RuleC7, PlaceholderIsNoOperator) {
  refused([](ModelBuilder& b) { b.last_opcode().builtin = b.last_opcode().deprecated = 127; },
          {"C7", "but not 127, got 127"});
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
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  const Status status = interpreter.allocate();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_NE(std::string(status.message())
                .find("C7: this build does not have these operators: my_op, your_op"),
            std::string::npos)
      << status.message();
}

TEST(RuleC7, OperatorsThatRunNowhereAreNamedAsSuch) {
  ModelBuilder b;
  base_model(b);
  const int x = 0;
  b.custom_op("my_op", {x}, {b.add_tensor({1}, Type::float32)});
  b.op(schema::BuiltinOperator::STABLEHLO_DOT_GENERAL, {x}, {b.add_tensor({1}, Type::float32)});
  b.op(schema::BuiltinOperator::CONCAT_EMBEDDINGS, {x}, {b.add_tensor({1}, Type::float32)});
  Model model;
  const TestImage image = b.finish();
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m.tflite", builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {}).ok());
  const Status status = interpreter.allocate();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_NE(std::string(status.message())
                .find("operators: my_op, STABLEHLO_DOT_GENERAL, CONCAT_EMBEDDINGS; no CPU runtime "
                      "of this format runs STABLEHLO_DOT_GENERAL, CONCAT_EMBEDDINGS: convert"),
            std::string::npos)
      << status.message();
}

TEST(RuleC2, UnionsHaveATableExactlyWhenTheyNameOne) {
  refused([](ModelBuilder& b) { b.last_op().options = {}; },
          {"C2: subgraph 0 operator 0 ADD: builtin_options:", "got type 11 without a table"});
  refused([](ModelBuilder& b) { b.last_op().options_type = schema::BuiltinOptions::NONE; },
          {"C2", "builtin_options:", "got type 0 with a table"});
  refused(
      [](ModelBuilder& b) { b.last_op().options_2_type = schema::BuiltinOptions2::DilateOptions; },
      {"C2", "builtin_options_2:"});
}

TEST(RuleC8, OptionTables) {
  refused([](ModelBuilder& b) { b.last_op().options_type = schema::BuiltinOptions::MulOptions; },
          {"C8: subgraph 0 operator 0 ADD", "MulOptions"});
}

// Conv2DOptions with every enumeration open to the test.
void conv_model(ModelBuilder& b) {
  const int x = b.input({1, 2, 2, 1});
  const int w = b.constant<float>({1, 1, 1, 1}, {2});
  b.op(Op::CONV_2D, {x, w}, {b.output({1, 2, 2, 1})},
       schema::CreateConv2DOptions(b.fbb(), schema::Padding::SAME, 1, 1));
}

Edit conv_options(int padding, int activation, int bias_type) {
  return [=](ModelBuilder& b) {
    b.last_op().options =
        schema::CreateConv2DOptions(b.fbb(), static_cast<schema::Padding>(padding), 1, 1,
                                    static_cast<schema::ActivationFunctionType>(activation), 1, 1,
                                    static_cast<schema::TensorType>(bias_type))
            .Union();
  };
}

TEST(RuleC9, Enumerations) {
  const std::string where = "C9: subgraph 0 operator 0 CONV_2D: ";
  expect_refused(conv_model, conv_options(2, 0, 0), {where + "padding: expected 0 to 1, got 2"});
  expect_refused(conv_model, conv_options(-1, 0, 0), {where + "padding: expected 0 to 1, got -1"});
  expect_refused(conv_model, conv_options(0, 6, 0),
                 {where + "fused_activation_function: expected 0 to 5, got 6"});
  expect_refused(conv_model, conv_options(0, 0, 99),
                 {where + "quantized_bias_type: expected 0 to 22, got 99"});
}

TEST(RuleC9, FormatOfCustomOptions) {
  refused(
      [](ModelBuilder& b) {
        b.last_op().custom_options_format = static_cast<schema::CustomOptionsFormat>(1);
      },
      {"C9: subgraph 0 operator 0 ADD", "custom_options_format: expected 0, got 1"});
}

// An operator that this build does not have; its table is checked all the same.
void compare_model(ModelBuilder& b, uint32_t direction) {
  const auto options = schema::CreateStablehloCompareOptions(
      b.fbb(), static_cast<schema::StablehloComparisonDirection>(direction));
  const int x = b.input({2});
  b.op(Op::STABLEHLO_COMPARE, {x, x}, {b.output({2}, Type::boolean)}, options);
}

TEST(RuleC9, OperatorsThatThisBuildLacks) {
  expect_refused([](ModelBuilder& b) { compare_model(b, 5); },
                 [](ModelBuilder& b) {
                   b.graph().ops.clear();
                   b.graph().outputs.clear();
                   compare_model(b, 6);
                 },
                 {"C9", "STABLEHLO_COMPARE", "comparison_direction: expected 0 to 5, got 6"});
  expect_refused(
      [](ModelBuilder& b) { compare_model(b, 0); },
      [](ModelBuilder& b) { b.last_op().options_2_type = schema::BuiltinOptions2::DilateOptions; },
      {"C8", "expected option table StablehloCompareOptions, got DilateOptions"});
}

TEST(RuleC11, Metadata) {
  refused(
      [](ModelBuilder& b) {
        b.add_metadata("note", {1});
        b.metadata.back().buffer = 1000;
      },
      {"C11: metadata \"note\"", "got 1000"});
  refused(
      [](ModelBuilder& b) {
        b.add_metadata("min_runtime_version", {'1', '.', '5'});
      },
      {"C11", "zero-terminated text, got 3 bytes"});
}

TEST(RuleC11, BuffersOfMetadata) {
  refused([](ModelBuilder& b) { b.metadata_buffer = {1, 2}; }, {"C11: metadata_buffer", "got 2"});
  refused([](ModelBuilder& b) { b.metadata_buffer = {-1}; }, {"C11: metadata_buffer", "got -1"});
}

// Two operators, and that the first runs before the second: version 1, one subgraph, one edge 0 → 1
// (zigzag-encoded).
void ordered_model(ModelBuilder& b) {
  base_model(b);
  b.op(Op::ADD, {0, 1}, {b.add_tensor({1, 2}, Type::float32)}, schema::CreateAddOptions(b.fbb()));
  b.add_metadata("model_control_dependencies", {1, 1, 1, 0, 2});
}

TEST(RuleC11, ControlDependencies) {
  const auto bytes = [](std::vector<uint8_t> list) {
    return [=](ModelBuilder& b) { b.buffers.back().data = list; };
  };
  expect_refused(ordered_model, bytes({1, 1, 1, 2, 0}), {"C11", "edge 0", "got 1 and 0"});
  expect_refused(ordered_model, bytes({1, 1, 1, 2, 2}), {"C11", "edge 0", "got 1 and 1"});
  expect_refused(ordered_model, bytes({1, 1, 1, 0, 4}), {"C11", "got 0 and 2"});
  expect_refused(ordered_model, bytes({1, 1, 1, 1, 2}), {"C11", "got -1 and 1"});
  expect_refused(ordered_model, bytes({2, 1, 1, 0, 2}), {"C11", "expected version 1, got 2"});
  expect_refused(ordered_model, bytes({1, 2, 1, 0, 2, 0}), {"C11", "expected at most 1 subgraphs"});
  const std::vector<std::vector<uint8_t>> damaged = {{},
                                                     {1},
                                                     {1, 1},
                                                     {1, 1, 1, 0},
                                                     {1, 1, 1, 0, 2, 9},
                                                     {1, 1, 0x80},
                                                     {1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0},
                                                     {1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 2}};
  for (const auto& list : damaged)
    expect_refused(ordered_model, bytes(list), {"C11", "end early or do not decode"});
}

TEST(RuleC12, Signatures) {
  refused([](ModelBuilder& b) { b.signatures[0].subgraph = 5; },
          {"C12: signature \"main\"", "expected a subgraph index below 1, got 5"});
  refused([](ModelBuilder& b) { b.signatures[0].key = ""; }, {"C12", "expected a key, got none"});
  refused([](ModelBuilder& b) { b.signatures.push_back(b.signatures[0]); },
          {"C12: expected each signature key once, got \"main\" twice"});
  refused([](ModelBuilder& b) { b.signatures[0].inputs[0].second = 2; },
          {"C12: signature \"main\"", "input \"x\"",
           "expected a tensor that is an input of the subgraph, got tensor 2"});
  refused([](ModelBuilder& b) { b.signatures[0].outputs[0].second = 4'000'000'000u; }, {"C12"});
  refused([](ModelBuilder& b) { b.signatures[0].outputs[0].first = ""; },
          {"C12", "expected a name, got none"});
  refused([](ModelBuilder& b) { b.signatures[0].inputs.push_back(b.signatures[0].inputs[0]); },
          {"C12", "expected each input name once, got \"x\" twice"});
}

TEST(RuleC13, AbsentNamesAreEmpty) {
  ModelBuilder b;
  base_model(b);
  b.tensor(0).name = {};
  b.graph().name = {};
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  EXPECT_EQ(model.graph().subgraphs[0].tensors[0].name, "");
}

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
  expect_refused(base_model, none, {"limit flatbuffer_bytes (100)"},
                 with(&Limits::flatbuffer_bytes, 100));
}

// Tables may share one long list; checking them all is bounded all the same.
TEST(RuleC2, EntriesToCheckAreBounded) {
  Budget budget(5);
  EXPECT_TRUE(budget.spend(3).ok());
  const Status status = budget.spend(3);
  EXPECT_EQ(status.code(), Code::limit);
  EXPECT_NE(std::string(status.message()).find("C2: more than 5 list entries"), std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace cygnet::test
