// SPDX-License-Identifier: Apache-2.0
#include "edit/patch.h"

#include <gtest/gtest.h>

#include "ops/builtin_ops.h"

namespace cygnet {
namespace {

// x → relu a → relu b → output; relu c reads a and nobody reads c.
struct Chain {
  Draft draft;
  int32_t x, a, b, c;

  Chain() {
    Editor e(draft, builtin_ops());
    x = e.input("x", Type::float32, {1, 4});
    a = e.add(Builtin::RELU, {x}, NoOptions(), "a");
    b = e.add(Builtin::RELU, {a}, NoOptions(), "b");
    c = e.add(Builtin::RELU, {a}, NoOptions(), "c");
    e.set_outputs({b});
  }
};

TEST(Patch, KnowsMakersAndReaders) {
  Chain g;
  const Patch p(g.draft, builtin_ops(), 0);
  EXPECT_EQ(p.producer(g.x), -1);
  EXPECT_EQ(p.producer(g.b), 1);
  EXPECT_EQ(p.consumers(g.a), (std::vector<int32_t>{1, 2}));
  EXPECT_TRUE(p.is_output(g.b));
  EXPECT_FALSE(p.single_use(g.a));
  EXPECT_FALSE(p.single_use(g.b)) << "an output is used by the caller";
}

TEST(Patch, RemovesWhatNobodyNeeds) {
  Chain g;
  Patch p(g.draft, builtin_ops(), 0);
  EXPECT_EQ(p.remove_dead(), 1);
  p.finish();
  EXPECT_EQ(p.node_count(), 2);
  EXPECT_EQ(p.subgraph().tensors.size(), 3u);
}

TEST(Patch, ReplacedOutputKeepsItsName) {
  Chain g;
  Patch p(g.draft, builtin_ops(), 0);
  p.bypass(1);
  p.remove_dead();
  p.finish();
  ASSERT_EQ(p.node_count(), 1);
  EXPECT_EQ(p.tensor(p.subgraph().outputs[0]).name, "b");
}

TEST(Patch, NewNodesFindTheirPlace) {
  Chain g;
  Patch p(g.draft, builtin_ops(), 0);
  const int32_t fresh = p.add(Builtin::RELU6, {g.x}, NoOptions(), "fresh");
  p.replace(g.a, fresh);
  p.remove_dead();
  p.finish();
  ASSERT_EQ(p.node_count(), 2);
  EXPECT_EQ(p.node(0).name, "RELU6");
  EXPECT_EQ(p.node(1).name, "RELU");
}

TEST(Patch, CirclesAreRefused) {
  Chain g;
  Patch p(g.draft, builtin_ops(), 0);
  p.set_inputs_of(0, {g.b});
  EXPECT_THROW(p.finish(), Failure);
}

}  // namespace
}  // namespace cygnet
