// SPDX-License-Identifier: Apache-2.0
#include "passes/loops.h"

namespace cygnet::test {
namespace {

// The arguments that the WHILE of a draft carries; the operators of condition and body.
struct Shapes {
  size_t arguments = 0;
  Names cond, body;
};

Names names_of(const Subgraph& s) {
  Names names;
  for (const Node& n : s.nodes) names.emplace_back(n.name);
  return names;
}

Shapes shapes_of(const Draft& draft) {
  Shapes s;
  for (const Node& n : draft.graph.subgraphs[0].nodes)
    if (n.name == "WHILE") s.arguments = n.inputs.size();
  s.cond = names_of(draft.graph.subgraphs[1]);
  s.body = names_of(draft.graph.subgraphs[2]);
  return s;
}

TEST(SimplifyLoops, CountersThatAgreeBecomeOne) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3});
  LoopBuilder loop(e, 4);
  Editor body = loop.body();
  const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t j = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t v = loop.argument(body, x);
  const int32_t one = body.scalar<int32_t>(1);
  const auto results =
      loop.finish(body, {add(body, i, one), add(body, j, one), add(body, v, number(body, 0.5))});
  e.set_outputs({e.add(Builtin::TANH, {results[2]}, NoOptions(), "y")});
  EXPECT_GT(optimize_loops(draft, {"simplify-loops", "merge-duplicates"}), 0);
  const Shapes after = shapes_of(draft);
  EXPECT_EQ(after.arguments, 2u);
  EXPECT_EQ(after.cond, Names{"LESS"});
  EXPECT_EQ(after.body, (Names{"ADD", "ADD"}));
}

TEST(SimplifyLoops, OtherCountersStay) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3});
  LoopBuilder loop(e, 9);
  Editor body = loop.body();
  const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t j = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t v = loop.argument(body, x);
  const auto results =
      loop.finish(body, {add(body, i, body.scalar<int32_t>(1)),
                         add(body, j, body.scalar<int32_t>(2)), add(body, v, number(body, 0.5))});
  e.set_outputs({e.add(Builtin::TANH, {results[2]}, NoOptions(), "y")});
  EXPECT_EQ(optimize_loops(draft, {"simplify-loops"}), 0);
}

TEST(SimplifyLoops, WhatNobodyReadsGoes) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3});
  LoopBuilder loop(e, 4);
  Editor body = loop.body();
  const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t j = loop.argument(body, e.scalar<int32_t>(1));
  const int32_t v = loop.argument(body, x);
  const int32_t unread = loop.argument(body, x);
  const int32_t fixed = loop.argument(body, x);
  const int32_t one = body.scalar<int32_t>(1);
  const auto results = loop.finish(body, {add(body, i, one), add(body, j, one), add(body, v, fixed),
                                          body.add(Builtin::TANH, {unread}), fixed});
  e.set_outputs({add(e, results[2], results[4], "y")});
  EXPECT_GT(optimize_loops(draft, {"simplify-loops"}), 0);
  const Shapes after = shapes_of(draft);
  EXPECT_EQ(after.arguments, 4u);
  EXPECT_EQ(after.body, (Names{"ADD", "ADD", "ADD"}));
  // What does not change is read in front of the loop.
  EXPECT_EQ(draft.graph.subgraphs[0].nodes.back().inputs[1], draft.graph.subgraphs[0].inputs[0]);
}

TEST(SimplifyLoops, UnreadLoopsGo) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3});
  LoopBuilder loop(e, 4);
  Editor body = loop.body();
  const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t j = loop.argument(body, e.scalar<int32_t>(1));
  const int32_t one = body.scalar<int32_t>(1);
  loop.finish(body, {add(body, i, one), add(body, j, one)});
  e.set_outputs({e.add(Builtin::TANH, {x}, NoOptions(), "y")});
  EXPECT_EQ(optimize_loops(draft, {"simplify-loops"}), 1);
  EXPECT_EQ(operators(draft), Names{"TANH"});
  EXPECT_EQ(draft.graph.subgraphs.size(), 1u);
}

TEST(SimplifyLoops, ReshapedLastValue) {
  for (const int32_t turns : {3, 0}) {
    Draft draft;
    Editor e(draft, builtin_ops());
    const int32_t x = e.input("x", Type::float32, {-1, 3});
    LoopBuilder loop(e, turns);
    Editor body = loop.body();
    const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
    const int32_t j = loop.argument(body, e.scalar<int32_t>(0));
    const int32_t v = loop.argument(body, x);
    loop.argument(body, reshape(e, x, {1, -1, 3}));
    const int32_t one = body.scalar<int32_t>(1);
    const int32_t next = body.add(Builtin::TANH, {v});
    const auto results = loop.finish(
        body, {add(body, i, one), add(body, j, one), next, reshape(body, next, {1, -1, 3})});
    e.set_outputs({e.add(Builtin::TANH, {results[3]}, NoOptions(), "y")});
    optimize_loops(draft, {"simplify-loops"});
    // A loop that takes no turn leaves the list as it was.
    EXPECT_EQ(shapes_of(draft).arguments, turns > 0 ? 2u : 3u) << turns;
  }
}

TEST(Subgraphs, UnusedOnesGo) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 3});
  for (int k = 0; k < 2; ++k) {
    LoopBuilder loop(e, 4);
    Editor body = loop.body();
    const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
    const int32_t j = loop.argument(body, e.scalar<int32_t>(1));
    const int32_t v = loop.argument(body, x);
    const int32_t one = body.scalar<int32_t>(1);
    const auto results =
        loop.finish(body, {add(body, i, one), add(body, j, one), add(body, v, number(body, k))});
    if (k == 1) e.set_outputs({e.add(Builtin::TANH, {results[2]}, NoOptions(), "y")});
  }
  ASSERT_EQ(draft.graph.subgraphs.size(), 5u);
  draft.graph.subgraphs[0].nodes.erase(draft.graph.subgraphs[0].nodes.begin());
  optimize_loops(draft, {"remove-dead"});
  ASSERT_EQ(draft.graph.subgraphs.size(), 3u);
  EXPECT_EQ(draft.facts.size(), 3u);
  const Node& loop = draft.graph.subgraphs[0].nodes[0];
  const auto* options = static_cast<const schema::WhileOptions*>(loop.options);
  EXPECT_EQ(options->cond_subgraph_index(), 1);
  EXPECT_EQ(options->body_subgraph_index(), 2);
}

}  // namespace
}  // namespace cygnet::test
