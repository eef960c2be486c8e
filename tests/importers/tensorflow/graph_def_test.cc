// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/graph_def.h"

#include <gtest/gtest.h>

#include "importers/tensorflow/wire_bytes.h"

namespace cygnet::tensorflow {
namespace {

using namespace cygnet::test;

std::string graph(std::initializer_list<std::string> nodes) {
  std::string out;
  for (const std::string& n : nodes) out += bytes(1, n);
  return out;
}

/// FunctionDef in a graph's library.
std::string library(std::initializer_list<std::string> functions) {
  std::string out;
  for (const std::string& f : functions) out += bytes(1, f);
  return bytes(2, out);
}

TEST(GraphDef, ReadsEveryKindOfAttribute) {
  const std::string list = bytes(3, varint(1) + varint(300)) + number(3, -1) + bytes(4, raw(0.5f)) +
                           bytes(6, varint(3)) + bytes(2, "x");
  const std::string function = bytes(1, "f") + bytes(2, bytes(1, "T") + bytes(2, number(6, 1)));
  const std::string file = graph({node(
      "n", "Op", {},
      attr("z_s", bytes(2, "text")) + attr("i", number(3, -7)) + attr("f", fixed(4, 1.5f)) +
          attr("b", number(5, 1)) + attr("type", number(6, 101)) +
          attr("shape", bytes(7, shape({-1, 3}))) + attr("open", bytes(7, number(3, 1))) +
          attr("tensor", bytes(8, number(1, 3) + bytes(4, "abcd"))) + attr("list", bytes(1, list)) +
          attr("func", bytes(10, function)) + attr("hole", bytes(9, "T")) + attr("none", ""))});
  const GraphDef read = read_graph_def(file);
  const NodeDef& n = read.nodes.at(0);
  EXPECT_EQ(n.name, "n");
  EXPECT_EQ(n.op, "Op");
  EXPECT_EQ(n.string("z_s"), "text");
  EXPECT_EQ(n.integer("i"), -7);
  EXPECT_EQ(n.real("f"), 1.5f);
  EXPECT_TRUE(n.boolean("b"));
  EXPECT_EQ(base_type(n.type("type")), DataType::float32);
  EXPECT_EQ(n.shape("shape").dims, (std::vector<int64_t>{-1, 3}));
  EXPECT_EQ(n.shape("shape").text(), "[?,3]");
  EXPECT_TRUE(n.shape("open").unknown_rank);
  EXPECT_EQ(n.tensor("tensor").content, "abcd");
  EXPECT_EQ(n.list("list").ints, (std::vector<int64_t>{1, 300, -1}));
  EXPECT_EQ(n.list("list").floats, std::vector<float>{0.5f});
  EXPECT_EQ(n.list("list").types, std::vector<DataType>{DataType::int32});
  EXPECT_EQ(n.list("list").strings, std::vector<std::string_view>{"x"});
  EXPECT_EQ(n.function("func").name, "f");
  EXPECT_EQ(std::get<DataType>(n.function("func").attrs.at(0).value), DataType::float32);
  EXPECT_EQ(std::get<Placeholder>(*n.find("hole")).name, "T");
  EXPECT_EQ(n.find("none")->index(), 0u);
  EXPECT_EQ(n.integer("absent", 5), 5);
  EXPECT_TRUE(n.list_or_empty("absent").ints.empty());
  EXPECT_PRED2(contains, failure_of([&] { n.integer("absent"); }),
               "I2: node 'n' (Op): attribute 'absent' is missing");
  EXPECT_PRED2(contains, failure_of([&] { n.integer("f"); }), "attribute 'f' is not an integer");
}

TEST(GraphDef, ReadsFunctions) {
  const std::string signature = bytes(1, "f") + bytes(2, bytes(1, "a") + number(3, 1)) +
                                bytes(2, bytes(1, "l") + bytes(4, "T") + bytes(5, "N")) +
                                bytes(3, bytes(1, "out") + bytes(6, "Ts"));
  const std::string function = bytes(1, signature) + bytes(3, node("m", "Mul", {"a", "l:1"})) +
                               bytes(3, node("p", "Pack", {"m:z:0", "^m"})) +
                               bytes(4, bytes(1, "out") + bytes(2, "p:output:0")) +
                               bytes(6, bytes(1, "done") + bytes(2, "p"));
  const std::string file = library({function});
  const GraphDef read = read_graph_def(file);
  const FunctionDef& f = read.functions.at(0);
  EXPECT_EQ(f.name, "f");
  EXPECT_EQ(f.inputs.at(0).type, DataType::float32);
  EXPECT_EQ(f.inputs.at(1).number_attr, "N");
  EXPECT_EQ(f.outputs.at(0).type_list_attr, "Ts");
  EXPECT_EQ(f.nodes.size(), 2u);
  EXPECT_EQ(f.returned("out"), "p:output:0");
  EXPECT_EQ(f.returned("other"), "");
  EXPECT_EQ(f.control_ret.at(0).second, "p");
}

TEST(GraphDef, InputNames) {
  EXPECT_EQ(parse_input("a/b").node, "a/b");
  EXPECT_EQ(parse_input("a:12").index, 12);
  EXPECT_TRUE(parse_input("^a").control);
  const InputName full = parse_input("a:out:3");
  EXPECT_EQ(full.node, "a");
  EXPECT_EQ(full.output, "out");
  EXPECT_EQ(full.index, 3);
  for (const char* bad : {"", ":0", "a:", "a:x", "a:-1", "a:0:", "a::1", "a:b:c:1", "^", "^a:0",
                          "a:99999999999", "a:1 "}) {
    EXPECT_PRED2(contains, failure_of([&] { parse_input(bad); }), "is no name of") << bad;
  }
}

TEST(GraphDef, RefusesGraphsThatDoNotHang) {
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(graph({node("a", "A"), node("a", "B")}));
               }),
               "I2: two nodes are called 'a'");
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(graph({node("a", "A", {"b:0"})})); }),
               "I2: node 'a' (A): input 'b:0' does not exist");
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(graph({node("", "A")})); }),
               "I2: a node has no name");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(graph({node("a", "A", {"b"}), node("b", "B", {"^a"})}));
               }),
               "waits for its own result");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(graph(
                     {node("a", "A", {}, attr("k", number(3, 1)) + attr("k", number(3, 2)))}));
               }),
               "'a' has attribute 'k' twice");
  EXPECT_PRED2(
      contains, failure_of([&] {
        read_graph_def(graph({node("a", "A", {}, attr("k", number(3, 1) + number(5, 1)))}));
      }),
      "an attribute has two values");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(graph({node("a", "A", {}, attr("k", bytes(7, shape({-2}))))}));
               }),
               "a shape has a dimension of -2");
}

TEST(GraphDef, LoopsPassThroughNextIteration) {
  const auto loop = [](std::string_view back) {
    return graph({node("enter", "Enter"), node("merge", "Merge", {"enter", "next"}),
                  node("next", back, {"merge"})});
  };
  EXPECT_EQ(read_graph_def(loop("NextIteration")).nodes.size(), 3u);
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(loop("Identity")); }),
               "waits for its own result");
}

TEST(GraphDef, RefusesFunctionsThatCallThemselves) {
  const auto function = [](std::string_view name, std::string_view callee) {
    return bytes(1, bytes(1, name)) +
           bytes(3, node("c", "PartitionedCall", {}, attr("f", bytes(10, bytes(1, callee)))));
  };
  EXPECT_EQ(read_graph_def(library({function("f", "g"), function("g", "h")})).functions.size(), 2u);
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(library({function("f", "g"), function("g", "f")}));
               }),
               "calls itself");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(library({function("f", "g"), function("f", "g")}));
               }),
               "two functions are called 'f'");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(library(
                     {bytes(1, bytes(1, "f")) + bytes(4, bytes(1, "out") + bytes(2, "x:y:0"))}));
               }),
               "function 'f': result 'x:y:0' does not exist");
}

TEST(GraphDef, RefusesMalformedMessages) {
  const std::string good = graph({node("a", "A")});
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(good.substr(0, good.size() - 1)); }),
               "I1: malformed protobuf message");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10));
               }),
               "length beyond the end");
  // A length and a tag whose low 32 bits alone would be good.
  EXPECT_PRED2(contains,
               failure_of([&] { read_graph_def(std::string("\x0a\x80\x80\x80\x80\x10", 6)); }),
               "length beyond the end");
  EXPECT_PRED2(contains,
               failure_of([&] { read_graph_def(varint((uint64_t{1} << 32) | 0x0a) + varint(0)); }),
               "field number above");
  EXPECT_PRED2(contains, failure_of([&] {
                 read_graph_def(std::string("\x20") + std::string(10, '\xff') + '\0');
               }),
               "I1");
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(std::string("\x02\x00", 2)); }), "I1");
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(std::string("\x0b\x0c", 2)); }), "I1");
  EXPECT_PRED2(contains, failure_of([&] { read_graph_def(number(1, 5)); }),
               "field 1 has wire type 0, expected 2");
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    deep = bytes(10, bytes(2, bytes(1, "k") + bytes(2, deep)));  // a function in an attribute
  }
  EXPECT_PRED2(contains,
               failure_of([&] { read_graph_def(graph({node("a", "A", {}, attr("k", deep))})); }),
               "nested too deep");
}

TEST(GraphDef, UnknownFieldsAreSkipped) {
  const std::string file =
      graph({node("a", "A", {},
                  bytes(6, "debug") + number(99, 3) + fixed(98, 1.0) + fixed(97, 1.0f))}) +
      bytes(4, number(1, 2000)) + number(3, 24);
  EXPECT_EQ(read_graph_def(file).nodes.size(), 1u);
}

TEST(MetaGraph, ReadsTagsSignaturesAndSaver) {
  const std::string info = bytes(1, "x:0") + number(2, 1) + bytes(3, shape({-1, 2}));
  const auto entry = [](std::string_view key, std::string_view value) {
    return bytes(1, key) + bytes(2, value);
  };
  const std::string signature = bytes(1, entry("in", info)) + bytes(2, entry("b", info)) +
                                bytes(2, entry("a", info)) + bytes(3, "predict");
  const std::string meta = bytes(1, bytes(4, "serve") + bytes(4, "gpu")) +
                           bytes(2, graph({node("x", "Placeholder")})) +
                           bytes(3, bytes(1, "f:0") + bytes(2, "s") + bytes(3, "r")) +
                           bytes(5, entry("serving_default", signature));
  const std::string file = number(1, 1) + bytes(2, meta);
  const SavedModel model = read_saved_model(file);
  const MetaGraphDef& read = model.meta_graphs.at(0);
  EXPECT_EQ(read.tags, (std::vector<std::string_view>{"serve", "gpu"}));
  EXPECT_EQ(read.saver.restore_op_name, "r");
  const SignatureDef& found = read.signatures.at(0);
  EXPECT_EQ(found.key, "serving_default");
  EXPECT_EQ(found.inputs.at(0).name, "x:0");
  EXPECT_EQ(found.outputs.at(0).key, "a");
  EXPECT_EQ(found.outputs.at(1).key, "b");
  EXPECT_EQ(found.outputs.at(0).shape.dims, (std::vector<int64_t>{-1, 2}));
  const std::string twice = bytes(5, entry("s", signature)) + bytes(5, entry("s", signature));
  EXPECT_PRED2(contains, failure_of([&] { read_meta_graph(twice); }),
               "two signatures are called 's'");
}

}  // namespace
}  // namespace cygnet::tensorflow
