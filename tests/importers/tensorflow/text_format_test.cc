// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/text_format.h"

#include <gtest/gtest.h>

#include <cmath>

#include "importers/tensorflow/tensor_value.h"
#include "importers/tensorflow/wire_bytes.h"

namespace cygnet::tensorflow {
namespace {

using namespace cygnet::test;

std::string failure(std::string_view text) {
  return failure_of([&] { read_graph_def(text_to_wire(text, TextMessage::graph)); });
}

TEST(TextFormat, ReadsAGraph) {
  const std::string wire = text_to_wire(R"pb(
                                          # A comment
                                          node { name: "a" op: 'Pl'
                                                               "ace"
                                                               'holder'
                                                 attr {
                                                   key: "shape"
                                                   value {
                                                     shape: {
                                                       dim { size: -1 }
                                                       dim < size: 0x10 >
                                                     }
                                                   }
                                                 }
                                                 attr {
                                                   key: "dtype"
                                                   value { type: DT_FLOAT }
                                                 }
                                          ;
      attr { key: "ref", value: { type: DT_HALF_REF } }
      experimental_debug_info { original_node_names: ["x", "y"] more { deep: -1.5 } }
    }
    node {
      name: "b\n\t\"\\\x41\101\u00e9" op: "Op" input: ["a", "^a"]
      attr { key: "f" value { f: -1.5e2 } }
      attr { key: "g" value { f: 3f } }
      attr { key: "inf" value { f: -inf } }
      attr { key: "nan" value { f: nan } }
      attr { key: "b" value { b: true } }
      attr { key: "l" value { list { i: [1, -2, 010] i: 3 type: [DT_INT32, 9] f: [] } } }
      attr { key: "t" value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 2 } }
                                       int_val: 5 int_val: -6 } } }
    }
    versions { producer: 1 min_consumer: 2 }
    [some.extension/of.others] { x: 1 }
  )pb",
                                        TextMessage::graph);
  const GraphDef graph = read_graph_def(wire);
  const NodeDef& a = graph.nodes.at(0);
  EXPECT_EQ(a.op, "Placeholder");
  EXPECT_EQ(a.shape("shape").dims, (std::vector<int64_t>{-1, 16}));
  EXPECT_EQ(a.type("dtype"), DataType::float32);
  EXPECT_EQ(base_type(a.type("ref")), DataType::float16);
  const NodeDef& b = graph.nodes.at(1);
  EXPECT_EQ(b.name, "b\n\t\"\\AA\xc3\xa9");
  EXPECT_EQ(b.inputs, (std::vector<std::string_view>{"a", "^a"}));
  EXPECT_EQ(b.real("f"), -150.f);
  EXPECT_EQ(b.real("g"), 3.f);
  EXPECT_EQ(b.real("inf"), -HUGE_VALF);
  EXPECT_TRUE(std::isnan(b.real("nan")));
  EXPECT_TRUE(b.boolean("b"));
  EXPECT_EQ(b.list("l").ints, (std::vector<int64_t>{1, -2, 8, 3}));
  EXPECT_EQ(b.list("l").types, (std::vector<DataType>{DataType::int32, DataType::int64}));
  EXPECT_EQ(decode_tensor(b.tensor("t")).bytes, raw(int32_t{5}) + raw(int32_t{-6}));
}

TEST(TextFormat, RefusesWithTheLine) {
  EXPECT_EQ(failure("node {\n  name \"a\"\n}"), "I1: line 2: expected ':', found '\"'");
  EXPECT_EQ(failure("node {"), "I1: line 1: expected a field's name, found the end");
  EXPECT_PRED2(contains, failure("node { name: \"a }\n"), "expected a closing quote");
  EXPECT_PRED2(contains, failure("node { name: \"\\q\" }"), "an escape sequence");
  EXPECT_PRED2(contains, failure("node { name: 5 }"), "expected a string");
  EXPECT_PRED2(contains, failure("node: 5"), "expected '{'");
  EXPECT_PRED2(contains, failure("node } "), "expected ':'");
  EXPECT_PRED2(contains, failure("node { @ }"), "expected a field");
  EXPECT_PRED2(contains, failure("node { input: [\"a\" \"b\" }"), "',' or ']'");
  const std::string i = "node { attr { key: 'k' value { ";
  EXPECT_PRED2(contains, failure(i + "i: 99999999999999999999 }}}"), "64 bits");
  EXPECT_PRED2(contains, failure(i + "i: 1.5 }}}"), "64 bits");
  EXPECT_PRED2(contains, failure(i + "f: 1.5.5 }}}"), "a number");
  EXPECT_PRED2(contains, failure(i + "type: DT_NONE }}}"), "a type such as");
  std::string deep;
  for (int k = 0; k < 100000; ++k) deep += "x {";
  EXPECT_PRED2(contains, failure(deep), "less nesting");
  deep.assign("x: ");
  deep.append(100000, '[');
  EXPECT_PRED2(contains, failure(deep), "less nesting");
}

TEST(TextFormat, EveryTruncationEnds) {
  const std::string text =
      "node { name: \"a\\101\" op: 'b' input: [\"c\"] attr { key: \"k\" value "
      "{ list { f: [1.5e-3, -inf] } } } unknown: { [x.y/z]: [1, <>] } }";
  EXPECT_PRED2(contains, failure(text), "input 'c' does not exist");
  for (size_t n = 1; n < text.size(); ++n) {
    EXPECT_NE(failure(text.substr(0, n)), "no failure") << n;
  }
}

}  // namespace
}  // namespace cygnet::tensorflow
