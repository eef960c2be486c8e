// SPDX-License-Identifier: Apache-2.0
// Models from files, and what happens when somebody changes the file.
#include "format/model.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "format/rule_checks.h"
#include "runtime/interpreter.h"
#include "support/temporary_file.h"
#include "test_paths.h"

namespace cygnet::test {
namespace {

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

const std::string kConvnet = std::string(kDataDir) + "/int8_convnet.tflite";

TEST(Model, KeepsItsPathAndSize) {
  Model model;
  ASSERT_TRUE(Model::load(kConvnet.c_str(), builtin_ops(), {}, &model).ok());
  EXPECT_EQ(model.path(), kConvnet);
  EXPECT_EQ(model.bytes(), read_all(kConvnet).size());
  const Model moved(std::move(model));
  EXPECT_EQ(moved.path(), kConvnet);
  EXPECT_TRUE(moved.check_intact().ok());
}

// Weights are used where the file has them.
TEST(Model, DoesNotCopyWeights) {
  ModelBuilder b;
  base_model(b);
  const TestImage image = b.finish();
  Model model;
  ASSERT_TRUE(
      Model::from_memory({image.data(), image.size()}, "m", builtin_ops(), {}, &model).ok());
  const auto* data = model.graph().subgraphs[0].tensors[1].as<uint8_t>();
  EXPECT_GE(data, image.data());
  EXPECT_LT(data, image.data() + image.size());
}

TEST(Model, AFailedLoadLeavesTheOldModel) {
  Model model;
  ASSERT_TRUE(Model::load(kConvnet.c_str(), builtin_ops(), {}, &model).ok());
  const TemporaryFile broken("no model at all");
  const Status status = Model::load(broken.path(), builtin_ops(), {}, &model);
  EXPECT_EQ(std::string(status.message()).find(std::string(broken.path()) + ": C1: "), 0u)
      << status.message();
  EXPECT_EQ(model.path(), kConvnet);
}

TEST(Model, ThatShrinksWhileItRuns) {
  const TemporaryFile file(read_all(kConvnet));
  Model model;
  ASSERT_TRUE(Model::load(file.path(), builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {.reference = true}).ok());
  ASSERT_TRUE(interpreter.allocate().ok());
  ASSERT_TRUE(interpreter.invoke().ok());
  file.shrink_to(0);
  const Status status = interpreter.invoke();
  EXPECT_EQ(status.code(), Code::io);
  EXPECT_NE(std::string(status.message()).find("C1: the file was truncated while it was in use"),
            std::string::npos)
      << status.message();
}

TEST(Model, ACopyDoesNotDependOnTheFile) {
  const TemporaryFile file(read_all(kConvnet));
  Model model;
  ASSERT_TRUE(Model::load(file.path(), builtin_ops(), {.copy = true}, &model).ok());
  file.shrink_to(0);
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {.reference = true}).ok());
  ASSERT_TRUE(interpreter.allocate().ok());
  EXPECT_TRUE(interpreter.invoke().ok());
}

// A file that shrinks between its opening and any later moment of loading, planning and running
// ends in an error or in nothing, whatever was read before.
TEST(Model, ThatShrinksAtAnyMoment) {
  const std::string bytes = read_all(kConvnet);
  for (const size_t left : {size_t{0}, size_t{100}, size_t{4096}, size_t{8192}}) {
    if (left >= bytes.size()) continue;
    for (int stage = 0; stage < 2; ++stage) {
      const TemporaryFile file(bytes);
      Model model;
      ASSERT_TRUE(Model::load(file.path(), builtin_ops(), {}, &model).ok());
      Interpreter interpreter;
      if (stage == 0) file.shrink_to(left);
      ASSERT_TRUE(interpreter.create(model, {}).ok());
      if (!interpreter.allocate().ok()) continue;
      if (stage == 1) file.shrink_to(left);
      static_cast<void>(interpreter.invoke().ok());
    }
  }
}

}  // namespace
}  // namespace cygnet::test
