// SPDX-License-Identifier: Apache-2.0
// What the importer says about files that it can't take.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "edit/failure.h"
#include "importers/keras/config.h"
#include "importers/keras/keras.h"
#include "importers/keras/model_file.h"
#include "importers/keras/network.h"
#include "ops/builtin_ops.h"
#include "support/temporary_file.h"
#include "test_paths.h"

namespace cygnet {
namespace {

std::string read(const char* name) {
  std::ifstream file(std::string(test::kDataDir) + "/convert/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string message(const std::string& bytes) {
  const test::TemporaryFile file(bytes);
  ImportOptions options;
  options.registry = &builtin_ops();
  Draft draft;
  try {
    keras::kImporter.import(file.path(), options, draft);
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

// The same number of bytes, so that the file stays whole.
std::string changed(std::string bytes, const std::string& from, const std::string& to) {
  EXPECT_EQ(from.size(), to.size());
  for (size_t at = bytes.find(from); at != std::string::npos; at = bytes.find(from, at + 1))
    bytes.replace(at, from.size(), to);
  return bytes;
}

TEST(KerasFiles, UnknownClassesAreAllNamed) {
  const std::string said = message(
      changed(read("sequential.h5"), "\"class_name\": \"Dense\"", "\"class_name\": \"Lambd\""));
  EXPECT_NE(said.find("I5: layers that can't be converted"), std::string::npos) << said;
  EXPECT_NE(said.find("(Lambd)"), std::string::npos) << said;
}

TEST(KerasFiles, ClassesOfOthersAreNotTakenForThoseOfKeras) {
  const auto named = [](const char* json) {
    return keras::class_of(keras::Config::parse(json, "x"));
  };
  EXPECT_EQ(named(R"({"class_name": "Dense"})"), "Dense");
  EXPECT_EQ(named(R"({"class_name": "Dense", "module": "keras.layers"})"), "Dense");
  EXPECT_EQ(named(R"({"class_name": "keras>Dense", "registered_name": null})"), "Dense");
  EXPECT_EQ(named(R"({"class_name": "mine>Dense"})"), "mine>Dense");
  EXPECT_EQ(named(R"({"class_name": "Dense", "registered_name": "mine>Dense"})"), "mine>Dense");
  EXPECT_EQ(named(R"({"class_name": "Dense", "module": "keras_nlp.layers"})"),
            "keras_nlp.layers.Dense");
}

TEST(KerasFiles, UnknownActivationsAreNamed) {
  const std::string said = message(
      changed(read("sequential.h5"), "\"activation\": \"relu\"", "\"activation\": \"rule\""));
  EXPECT_NE(said.find("with activation \"rule\")"), std::string::npos) << said;
}

TEST(KerasFiles, SettingsOfTheWrongTypeNameTheLayer) {
  const std::string said =
      message(changed(read("sequential.h5"), "\"use_bias\": true", "\"use_bias\": \"no\""));
  EXPECT_NE(said.find("].config.use_bias: expected true or false"), std::string::npos) << said;
}

TEST(KerasFiles, WeightsMustFitTheConfig) {
  const std::string bytes = read("sequential.h5");
  const size_t at = bytes.find("\"units\": ");
  ASSERT_NE(at, std::string::npos);
  std::string other = bytes;
  other[at + 9] = other[at + 9] == '7' ? '8' : '7';
  const std::string said = message(other);
  EXPECT_NE(said.find("I5: weight \"kernel\": expected"), std::string::npos) << said;
}

TEST(KerasFiles, TruncatedAndForeign) {
  for (const char* name : {"sequential.h5", "sequential.keras"}) {
    const std::string bytes = read(name);
    ASSERT_GT(bytes.size(), 1000u);
    for (size_t part = 0; part < 16; ++part)
      EXPECT_NE(message(bytes.substr(0, bytes.size() * part / 16)), "") << name << " " << part;
  }
  EXPECT_NE(message("not a model").find("I4"), std::string::npos);
  EXPECT_NE(message("PK but no archive").find("I5"), std::string::npos);
}

TEST(KerasFiles, ChecksumsOfAnArchive) {
  std::string bytes = read("sequential.keras");
  const size_t at = bytes.find("\"class_name\"");
  ASSERT_NE(at, std::string::npos);
  bytes[at + 1] = 'k';
  EXPECT_NE(message(bytes).find("I5"), std::string::npos);
}

TEST(KerasFiles, DeepJson) {
  EXPECT_NO_THROW(keras::Config::parse(std::string(100, '[') + std::string(100, ']'), "x"));
  EXPECT_THROW(keras::Config::parse(std::string(200, '[') + std::string(200, ']'), "x"), Failure);
  EXPECT_THROW(keras::Config::parse("{\"a\": ", "x"), Failure);
}

TEST(KerasFiles, ContainerNames) {
  keras::ContainerNames names;
  EXPECT_EQ(names.next("Conv2D"), "conv2d");
  EXPECT_EQ(names.next("DepthwiseConv2D"), "depthwise_conv2d");
  EXPECT_EQ(names.next("Conv2D"), "conv2d_1");
  EXPECT_EQ(names.next("ReLU"), "re_lu");
  EXPECT_EQ(names.next("Conv2DTranspose"), "conv2d_transpose");
  EXPECT_EQ(names.next("LSTM"), "lstm");
  EXPECT_EQ(names.next("PReLU"), "p_re_lu");
}

TEST(KerasFiles, OutputsAndShapesAsAsked) {
  const std::string file = std::string(test::kDataDir) + "/convert/unet.h5";
  ImportOptions options;
  options.registry = &builtin_ops();
  options.outputs = {"no such layer"};
  Draft draft;
  EXPECT_THROW(keras::kImporter.import(file, options, draft), Failure);
}

}  // namespace
}  // namespace cygnet
