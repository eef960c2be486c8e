// SPDX-License-Identifier: Apache-2.0
// Models that Keras saved, against what TensorFlow computed with them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "cli/npz.h"
#include "format/model.h"
#include "importers/keras/keras.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "schema/tflite_generated.h"
#include "test_paths.h"

namespace cygnet {
namespace {

void expect_recorded(const std::string& name, bool unroll) {
  const std::string file = std::string(test::kDataDir) + "/convert/" + name;
  const cli::ArchiveReader archive(file.substr(0, file.rfind('.')) + ".npz", 1 << 26);
  std::vector<cli::Array> inputs, outputs;
  for (size_t i = 0; i < archive.names().size(); ++i)
    (archive.names()[i].rfind("in:", 0) == 0 ? inputs : outputs)
        .push_back(archive.read(static_cast<int>(i)));
  ASSERT_TRUE(keras::kImporter.sniff(file));
  ImportOptions options;
  options.registry = &builtin_ops();
  options.unroll = unroll;
  Draft draft;
  keras::kImporter.import(file, options, draft);
  Model model;
  Status status =
      Model::from_graph(std::move(draft.graph), file.c_str(), Limits::standard(), &model);
  ASSERT_TRUE(status.ok()) << status.message();
  Interpreter interpreter;
  status = interpreter.create(model, {});
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(interpreter.inputs(), static_cast<int>(inputs.size()));
  ASSERT_EQ(interpreter.outputs(), static_cast<int>(outputs.size()));
  for (int i = 0; i < interpreter.inputs(); ++i) {
    Shape shape;
    for (int64_t d : inputs[static_cast<size_t>(i)].shape) shape.push(static_cast<int32_t>(d));
    status = interpreter.resize_input(i, shape);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  status = interpreter.allocate();
  ASSERT_TRUE(status.ok()) << status.message();
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const std::vector<uint8_t>& data = inputs[static_cast<size_t>(i)].data;
    status = interpreter.write_input(i, data.data(), data.size());
    ASSERT_TRUE(status.ok()) << status.message();
  }
  status = interpreter.invoke();
  ASSERT_TRUE(status.ok()) << status.message();
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const std::vector<uint8_t>& wanted = outputs[static_cast<size_t>(i)].data;
    const Tensor& t = interpreter.output(i);
    ASSERT_EQ(t.type, Type::float32);
    ASSERT_EQ(t.bytes, wanted.size()) << t.name;
    std::vector<float> expected(wanted.size() / sizeof(float));
    std::memcpy(expected.data(), wanted.data(), wanted.size());
    float low = 0, high = 0, error = 0;
    for (size_t k = 0; k < expected.size(); ++k) {
      low = std::min(low, expected[k]);
      high = std::max(high, expected[k]);
      error = std::max(error, std::abs(expected[k] - t.as<float>()[k]));
    }
    EXPECT_LE(error, 1e-5f * (high - low)) << t.name;
  }
}

class Recorded : public testing::TestWithParam<const char*> {};

TEST_P(Recorded, SameResults) {
  expect_recorded(GetParam(), false);
}

INSTANTIATE_TEST_SUITE_P(, Recorded,
                         testing::Values("activations.keras", "attention.keras", "convolutions.h5",
                                         "deeplab.keras", "keras2.h5", "keras2.keras", "lstm.keras",
                                         "merging.keras", "nested.h5", "nested.keras",
                                         "normalization.keras", "operations.h5", "pooling.h5",
                                         "resizing.keras", "sequential.h5", "sequential.keras",
                                         "unet.h5", "volumes.keras"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

// Recurrent layers as loops, and one step behind the other.
class RecordedRecurrent : public testing::TestWithParam<const char*> {};

TEST_P(RecordedRecurrent, Loops) {
  if (builtin_ops().find(static_cast<int32_t>(schema::BuiltinOperator::WHILE)) == nullptr)
    GTEST_SKIP() << "this build lacks WHILE";
  expect_recorded(GetParam(), false);
}

TEST_P(RecordedRecurrent, Unrolled) {
  expect_recorded(GetParam(), true);
}

INSTANTIATE_TEST_SUITE_P(, RecordedRecurrent,
                         testing::Values("bidirectional.h5", "gru.h5", "simple_rnn.keras",
                                         "stacked.keras"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           name[name.find('.')] = '_';
                           return name;
                         });

}  // namespace
}  // namespace cygnet
