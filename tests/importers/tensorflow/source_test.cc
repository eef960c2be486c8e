// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "importers/tensorflow/wire_bytes.h"
#include "test_paths.h"

namespace cygnet::tensorflow {
namespace {

using namespace cygnet::test;
namespace fs = std::filesystem;

// A network trained on scikit-learn's digits; tools/train_digits.py wrote the files.
const std::string kDigits = std::string(kExamplesDir) + "/digits_training/";

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A file in a folder of its own.
class SourceFile : public ::testing::Test {
 protected:
  SourceFile() {
    std::string folder = (fs::temp_directory_path() / "cygnet_XXXXXX").string();
    folder_ = mkdtemp(folder.data());
  }
  ~SourceFile() override {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  std::string write(const std::string& name, const std::string& contents) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

  std::string folder_;
};

size_t variables_in(const Source& source) {
  size_t count = 0;
  for (const auto& [name, entry] : source.variables) {
    source.checkpoint.read(entry);
    ++count;
  }
  return count;
}

TEST(Source, SavedModel) {
  const std::string path = kDigits + "digits.saved_model";
  ASSERT_TRUE(sniff_source(path));
  const Source source = load_source(path);
  EXPECT_EQ(source.kind, Source::Kind::saved_model);
  EXPECT_EQ(source.signature, "serving_default");
  ASSERT_EQ(source.inputs.size(), 1u);
  EXPECT_EQ(source.inputs[0].dtype, DataType::float32);
  EXPECT_FALSE(source.inputs[0].shape.unknown_rank);
  ASSERT_EQ(source.outputs.size(), 1u);
  // Every variable that the signature's function is called with has a value of its shape.
  const std::string_view call = parse_input(source.outputs[0].tensor).node;
  size_t resources = 0;
  for (const NodeDef& node : source.graph.nodes) {
    if (node.name != call) continue;
    for (std::string_view input : node.inputs) {
      const auto variable = source.variables.find(parse_input(input).node);
      resources += variable != source.variables.end();
    }
    EXPECT_EQ(resources + source.inputs.size(), node.inputs.size());
  }
  EXPECT_GT(resources, 0u);
  EXPECT_GE(variables_in(source), resources);
  for (const NodeDef& node : source.graph.nodes) {
    const auto variable = source.variables.find(node.name);
    if (variable == source.variables.end()) continue;
    EXPECT_EQ(variable->second.dims, node.shape("shape").dims) << node.name;
    EXPECT_EQ(variable->second.dtype, node.type("dtype")) << node.name;
  }
}

TEST(Source, FrozenGraph) {
  const Source source = load_source(kDigits + "digits.pb");
  EXPECT_EQ(source.kind, Source::Kind::graph);
  ASSERT_EQ(source.inputs.size(), 1u);
  EXPECT_EQ(source.outputs.size(), 1u);
  EXPECT_TRUE(source.variables.empty());
}

TEST(Source, MetaGraphWithTheCheckpointBesideIt) {
  const Source source = load_source(kDigits + "digits_unfrozen.meta");
  EXPECT_EQ(source.kind, Source::Kind::meta_graph);
  EXPECT_EQ(source.inputs.size(), 1u);
  EXPECT_EQ(source.outputs.size(), 1u);
  EXPECT_GT(variables_in(source), 0u);
  EXPECT_EQ(source.checkpoint.prefix(), kDigits + "digits_unfrozen");
}

constexpr char kTextGraph[] = R"pb(
  node {
    name: "x"
    op: "Placeholder"
    attr {
      key: "dtype"
      value { type: DT_FLOAT }
    }
    attr {
      key: "shape"
      value {
        shape {
          dim { size: -1 }
          dim { size: 3 }
        }
      }
    }
  }
  node {
    name: "file"
    op: "PlaceholderWithDefault"
    input: "c"
    attr {
      key: "dtype"
      value { type: DT_STRING }
    }
  }
  node { name: "c" op: "Const" }
  node { name: "r" op: "Relu" input: "x" }
  node { name: "y" op: "Softmax" input: "r" }
  node { name: "z" op: "Neg" input: "c" }
)pb";

TEST_F(SourceFile, TextGraphAndChosenPorts) {
  const std::string path = write("graph.pbtxt", kTextGraph);
  const Source whole = load_source(path);
  ASSERT_EQ(whole.inputs.size(), 1u);
  EXPECT_EQ(whole.inputs[0].tensor, "x:0");
  EXPECT_EQ(whole.inputs[0].shape.dims, (std::vector<int64_t>{-1, 3}));
  ASSERT_EQ(whole.outputs.size(), 1u);
  EXPECT_EQ(whole.outputs[0].name, "y");

  SourceOptions options;
  options.inputs = {"r:0"};
  options.outputs = {"z", "y"};
  const Source part = load_source(path, options);
  EXPECT_EQ(part.inputs.at(0).tensor, "r:0");
  EXPECT_EQ(part.outputs.at(0).tensor, "z:0");
  EXPECT_EQ(part.outputs.at(1).name, "y");
  options.outputs = {"w"};
  EXPECT_PRED2(contains, failure_of([&] { load_source(path, options); }),
               "graph.pbtxt: there is no node 'w'");
}

TEST_F(SourceFile, TagsAndSignaturesAreNamed) {
  const std::string port = "{ key: 'k' value { name: 'x:0' dtype: DT_FLOAT } }";
  const std::string meta =
      "graph_def { node { name: 'x' op: 'Placeholder' } } signature_def { key: 'one' value { "
      "inputs " +
      port + " outputs " + port + " } } signature_def { key: 'two' value { outputs " + port +
      " } }";
  write("saved_model.pbtxt",
        "saved_model_schema_version: 1 meta_graphs { meta_info_def { tags: "
        "'serve' tags: 'gpu' } " +
            meta + " } meta_graphs { }");
  const auto load = [&](SourceOptions options) { return load_source(folder_, options); };
  EXPECT_PRED2(contains, failure_of([&] { load({}); }), "there are: 'serve,gpu', ''");
  SourceOptions options;
  options.tags = {"gpu", "serve"};
  EXPECT_PRED2(contains, failure_of([&] { load(options); }),
               "a signature must be chosen; there are: 'one', 'two'");
  options.signature = "two";
  EXPECT_EQ(load(options).outputs.at(0).name, "k");
  EXPECT_TRUE(load(options).inputs.empty());
  options.signature = "three";
  EXPECT_PRED2(contains, failure_of([&] { load(options); }), "no such signature");
}

TEST_F(SourceFile, FailuresNameTheFile) {
  EXPECT_PRED2(contains, failure_of([&] { load_source(folder_); }), "holds no saved_model.pb");
  const std::string path = write("broken.pb", "\x0a\xff");
  EXPECT_EQ(failure_of([&] { load_source(path); }).find(path), 0u);
  EXPECT_FALSE(sniff_source(folder_));
  EXPECT_FALSE(sniff_source(folder_ + "/absent.pb"));
}

/// Loads it; whatever is wrong must be a Failure.
void survive(const std::string& path) {
  failure_of([&] {
    const Source source = load_source(path);
    for (const auto& [name, entry] : source.variables) {
      failure_of([&] { source.checkpoint.read(entry); });
    }
  });
}

TEST_F(SourceFile, DamagedGraphsEnd) {
  std::mt19937 random(7);
  for (const char* name : {"digits.saved_model/saved_model.pb", "digits_unfrozen.meta"}) {
    const std::string good = read_file(kDigits + name);
    ASSERT_FALSE(good.empty());
    const std::string file = fs::path(name).filename().string();
    for (int round = 0; round < 150; ++round) {
      std::string bad = good;
      if (round % 3 == 0) bad.resize(random() % bad.size());
      for (unsigned k = 0; k < 1 + random() % 8 && !bad.empty(); ++k) {
        bad[random() % bad.size()] = static_cast<char>(random());
      }
      survive(write(file, bad));
    }
  }
}

}  // namespace
}  // namespace cygnet::tensorflow
