// SPDX-License-Identifier: Apache-2.0
// The builder of test models writes what the reader reads.
#include "support/model_builder.h"

#include <gtest/gtest.h>

#include "format/model.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

TEST(ModelBuilder, WritesWhatTheReaderReads) {
  ModelBuilder b;
  const int x = b.input({1, 4}, Type::int8, per_tensor(0.5f, 3));
  const int w = b.constant<int8_t>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}, per_channel({0.1f, 0.2f}, 0));
  const int y = b.output({1, 2}, Type::int8, per_tensor(0.25f, -1));
  b.op(Op::FULLY_CONNECTED, {x, w, -1}, {y},
       schema::CreateFullyConnectedOptions(b.fbb(), schema::ActivationFunctionType::RELU), 4);
  b.custom_op("mine", {y}, {b.output({1, 2})}, {1, 2, 3});
  b.signature("serve", {{"features", 0}}, {{"scores", 2}});
  b.add_metadata("note", {'h', 'i'});
  const TestImage image = b.finish();

  Model model;
  const Status status =
      Model::from_memory({image.data(), image.size()}, "test", OpRegistry{}, {}, &model);
  ASSERT_TRUE(status.ok()) << status.message();
  const Subgraph& graph = model.graph().subgraphs[0];
  ASSERT_EQ(graph.tensors.size(), 4u);
  EXPECT_EQ(graph.tensors[1].name, "t1");
  EXPECT_TRUE(graph.tensors[1].constant);
  EXPECT_EQ(graph.tensors[1].as<int8_t>()[7], 8);
  EXPECT_EQ(graph.tensors[1].quantization.count, 2);
  EXPECT_EQ(graph.tensors[0].quantization.zero_point(), 3);
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[0].name, "FULLY_CONNECTED");
  EXPECT_EQ(graph.nodes[0].version, 4);
  EXPECT_EQ(graph.nodes[0].inputs[2], kAbsent);
  EXPECT_EQ(graph.nodes[1].name, "mine");
  EXPECT_EQ(graph.nodes[1].custom_options.size(), 3u);
  EXPECT_EQ(model.graph().signatures[0].outputs[0].name, "scores");
  EXPECT_EQ(model.graph().metadata[0].data.size(), 2u);
}

TEST(ModelBuilder, PutsTailsBehindTheFlatBuffer) {
  ModelBuilder b;
  const int c = b.constant<float>({2}, {0, 0});
  const std::vector<float> values{1.5f, 2.5f};
  std::vector<uint8_t> bytes(8);
  std::memcpy(bytes.data(), values.data(), 8);
  b.buffers[1] = {.tail = bytes};
  b.op(Op::ADD, {b.input({2}), c}, {b.output({2})});
  const TestImage image = b.finish();
  Model model;
  const Status status =
      Model::from_memory({image.data(), image.size()}, "test", OpRegistry{}, {}, &model);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(model.graph().subgraphs[0].tensors[c].as<float>()[1], 2.5f);
}

}  // namespace
}  // namespace cygnet::test
