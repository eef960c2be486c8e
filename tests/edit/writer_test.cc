// SPDX-License-Identifier: Apache-2.0
#include "edit/writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>

#include "edit/editor.h"
#include "edit/versions.h"
#include "format/model.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "test_paths.h"

namespace cygnet {
namespace {

// Outputs of a model on inputs that count up, as bytes.
std::vector<std::vector<uint8_t>> run(const Model& model) {
  Interpreter interpreter;
  check(interpreter.create(model, {}));
  check(interpreter.allocate());
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const Tensor& t = interpreter.input(i);
    auto* bytes = static_cast<uint8_t*>(interpreter.input_data(i));
    for (size_t k = 0; k < t.bytes; ++k) bytes[k] = static_cast<uint8_t>(k * 7 % 61);
    if (t.type == Type::float32)
      for (size_t k = 0; k < t.bytes / 4; ++k)
        reinterpret_cast<float*>(bytes)[k] = static_cast<float>(k % 17) / 17;
  }
  check(interpreter.invoke());
  std::vector<std::vector<uint8_t>> outputs;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Tensor& t = interpreter.output(i);
    outputs.emplace_back(t.as<uint8_t>(), t.as<uint8_t>() + t.bytes);
  }
  return outputs;
}

std::vector<std::string> model_files() {
  std::vector<std::string> files;
  for (const std::string& folder :
       {std::string(test::kDataDir), std::string(test::kSharedDir) + "/models"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".tflite" &&
          entry.path().filename() != "model_invoking_error.tflite")
        files.push_back(entry.path());
  }
  return files;
}

class RoundTrip : public testing::TestWithParam<std::string> {};

TEST_P(RoundTrip, GivesTheSameBits) {
  Model before;
  check(Model::load(GetParam().c_str(), builtin_ops(), {}, &before));
  for (const uint64_t inline_bytes : {uint64_t{1} << 40, uint64_t{0}}) {
    const TfliteFile file = write_tflite(before.graph(), {.inline_bytes = inline_bytes});
    const std::vector<uint8_t> bytes = file.joined();
    Model after;
    check(Model::from_memory(bytes, "written", builtin_ops(), {}, &after));
    EXPECT_EQ(run(after), run(before)) << "inline_bytes " << inline_bytes;
    EXPECT_EQ(after.graph().signatures.size(), before.graph().signatures.size());
    for (size_t n = 0; n < before.graph().subgraphs[0].nodes.size(); ++n)
      EXPECT_GE(after.graph().subgraphs[0].nodes[n].version,
                before.graph().subgraphs[0].nodes[n].version);
    // Written once more, nothing changes.
    const std::vector<uint8_t> again =
        write_tflite(after.graph(), {.inline_bytes = inline_bytes}).joined();
    ASSERT_EQ(again.size(), bytes.size());
    for (size_t i = 0; i < bytes.size(); ++i)
      ASSERT_EQ(again[i], bytes[i]) << "at byte " << i << " of " << bytes.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Models, RoundTrip, testing::ValuesIn(model_files()), [](const auto& file) {
  std::string name = std::filesystem::path(file.param).stem();
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

// A graph with two equal constants, a signature and a free batch.
Draft make_draft() {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 2});
  const int32_t a = e.constant<float>({2}, std::vector<float>{1, 2}, "a");
  const int32_t b = e.constant<float>({2}, std::vector<float>{1, 2}, "b");
  const int32_t s = e.add(Builtin::ADD, {x, a}, schema::AddOptionsT(), "s");
  e.set_outputs({e.add(Builtin::MUL, {s, b}, schema::MulOptionsT(), "y")});
  Signature& signature = draft.graph.signatures.emplace_back();
  signature.key = "serving_default";
  signature.inputs.push_back({"in", x});
  signature.outputs.push_back({"out", e.subgraph().outputs[0]});
  return draft;
}

TEST(Writer, EqualConstantsAreStoredOnceAndAligned) {
  const Draft draft = make_draft();
  const std::vector<uint8_t> bytes = write_tflite(draft.graph).joined();
  const schema::Model* model = schema::GetModel(bytes.data());
  const auto& tensors = *model->subgraphs()->Get(0)->tensors();
  EXPECT_EQ(tensors.Get(1)->buffer(), tensors.Get(2)->buffer());
  const auto* data = model->buffers()->Get(tensors.Get(1)->buffer())->data();
  EXPECT_EQ((data->data() - bytes.data()) % 16, 0);
  EXPECT_EQ(model->buffers()->Get(0)->data(), nullptr);
}

TEST(Writer, SignatureBatchAndMinimumRuntimeAreInTheFile) {
  const Draft draft = make_draft();
  const std::vector<uint8_t> bytes = write_tflite(draft.graph).joined();
  const schema::Model* model = schema::GetModel(bytes.data());
  EXPECT_EQ(model->signature_defs()->Get(0)->signature_key()->str(), "serving_default");
  EXPECT_EQ(model->subgraphs()->Get(0)->tensors()->Get(0)->shape_signature()->Get(0), -1);
  const auto& metadata = *model->metadata()->Get(0);
  EXPECT_EQ(metadata.name()->str(), "min_runtime_version");
  const auto* version = model->buffers()->Get(metadata.buffer())->data();
  EXPECT_STREQ(reinterpret_cast<const char*>(version->data()), "1.14.0");
}

TEST(Versions, FollowTypesAndOptions) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {1, 4, 4, 2});
  const int32_t flat = e.input("flat", Type::float32, {2, 3, 4});
  const int32_t w = e.constant<float>({5, 4}, std::vector<float>(20));
  schema::FullyConnectedOptionsT fc;
  fc.keep_num_dims = true;
  e.add(Builtin::FULLY_CONNECTED, {flat, w, e.constant<float>({5}, std::vector<float>(5))}, fc);
  e.add(Builtin::FULLY_CONNECTED, {flat, w, kAbsent}, schema::FullyConnectedOptionsT());
  schema::ResizeBilinearOptionsT resize;
  e.add(Builtin::RESIZE_BILINEAR, {x, e.list({8, 8})}, resize);
  resize.half_pixel_centers = true;
  e.add(Builtin::RESIZE_BILINEAR, {x, e.list({8, 8})}, resize);
  std::vector<int> versions;
  for (const Node& n : e.subgraph().nodes) versions.push_back(operator_version(e.subgraph(), n));
  EXPECT_EQ(versions, (std::vector<int>{5, 6, 1, 3}));
  EXPECT_EQ(minimum_runtime(draft.graph), "2.2.0");
}

TEST(Versions, OfMovesFollowTypes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t small = e.input("small", Type::int4, {4, 4});
  const int32_t text = e.input("text", Type::string, {4, 4});
  const int32_t bytes = e.input("bytes", Type::int8, {4, 4});
  const int32_t begin = e.list({0, 0}), size = e.list({2, 2}), one = e.list({1, 1});
  for (int32_t x : {small, text, bytes})
    e.add(Builtin::SLICE, {x, begin, size}, schema::SliceOptionsT());
  schema::StridedSliceOptionsT strided;
  e.add(Builtin::STRIDED_SLICE, {text, begin, size, one}, strided);
  strided.offset = true;
  e.add(Builtin::STRIDED_SLICE, {bytes, begin, size, one}, strided);
  std::vector<int> versions;
  for (const Node& n : e.subgraph().nodes) versions.push_back(operator_version(e.subgraph(), n));
  EXPECT_EQ(versions, (std::vector<int>{7, 3, 2, 5, 8}));
}

TEST(Versions, OfUnaryOperatorsFollowTypes) {
  static constexpr float kScales[] = {1, 2};
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t half = e.input("half", Type::float16, {2}),
                whole = e.input("whole", Type::int32, {2}),
                plain = e.input("plain", Type::int16, {2}),
                small = e.input("small", Type::int4, {2}), rows = e.input("rows", Type::int8, {2}),
                scaled = e.input("scaled", Type::int16, {2});
  e.tensor(small).quantization = {.scales = kScales, .count = 1};
  e.tensor(rows).quantization = {.scales = kScales, .count = 2};
  for (int32_t x : {whole, plain, scaled}) e.add(Builtin::ABS, {x}, schema::AbsOptionsT());
  for (int32_t x : {half, small, rows})
    e.add(Builtin::DEQUANTIZE, {x}, schema::DequantizeOptionsT(), {"", Type::float32});
  e.add(Builtin::GELU, {half}, schema::GeluOptionsT());
  e.tensor(scaled).quantization = {.scales = kScales, .count = 1};
  std::vector<int> versions;
  for (const Node& n : e.subgraph().nodes) versions.push_back(operator_version(e.subgraph(), n));
  EXPECT_EQ(versions, (std::vector<int>{5, 4, 3, 3, 6, 5, 3}));
}

TEST(Versions, OfWeights) {
  static constexpr float kScales[] = {1, 2, 3};
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {1, 4});
  const int32_t one = e.constant<int8_t>({3, 4}, std::vector<int8_t>(12)),
                each = e.constant<int8_t>({3, 4}, std::vector<int8_t>(12)),
                small = e.copied_constant(Type::int4, {3, 4}, std::vector<uint8_t>(6)),
                b = e.constant<float>({3}, std::vector<float>(3));
  e.tensor(one).quantization = e.tensor(small).quantization = {.scales = kScales, .count = 1};
  e.tensor(each).quantization = {.scales = kScales, .count = 3};
  schema::FullyConnectedOptionsT options;
  for (int32_t w : {one, each, small}) e.add(Builtin::FULLY_CONNECTED, {x, w, b}, options);
  options.asymmetric_quantize_inputs = true;
  e.add(Builtin::FULLY_CONNECTED, {x, one, b}, options);
  schema::BatchMatMulOptionsT product;
  product.adj_y = product.asymmetric_quantize_inputs = true;
  e.add(Builtin::BATCH_MATMUL, {x, one}, product);
  std::vector<int> versions;
  for (const Node& n : e.subgraph().nodes) versions.push_back(operator_version(e.subgraph(), n));
  EXPECT_EQ(versions, (std::vector<int>{3, 12, 10, 9, 4}));
  EXPECT_EQ(minimum_runtime(draft.graph), "2.17.0");
}
TEST(Versions, OfHybridNetworks) {
  static constexpr float kOne = 1;
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {1, 4});
  const int32_t w = e.constant<int8_t>({3, 4}, std::vector<int8_t>(12)),
                r = e.constant<int8_t>({3, 3}, std::vector<int8_t>(9)),
                b = e.constant<float>({3}, std::vector<float>(3)),
                f = e.constant<float>({3, 3}, std::vector<float>(9)),
                h = e.variable(Type::float32, {1, 3}, "h"), y = e.input("y", Type::float32, {1, 3});
  e.tensor(w).quantization = e.tensor(r).quantization = Quantization{.scales = &kOne, .count = 1};
  schema::RNNOptionsT options;
  e.add(Builtin::RNN, {x, w, r, b, h}, options);
  options.asymmetric_quantize_inputs = true;
  e.add(Builtin::RNN, {x, w, r, b, h}, options);
  e.add(Builtin::RNN, {y, f, f, b, h}, options);
  std::vector<int> versions;
  for (const Node& n : e.subgraph().nodes) versions.push_back(operator_version(e.subgraph(), n));
  EXPECT_EQ(versions, (std::vector<int>{2, 3, 1}));
  EXPECT_EQ(minimum_runtime(draft.graph), "2.3.0");
}

}  // namespace
}  // namespace cygnet
