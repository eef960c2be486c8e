// SPDX-License-Identifier: Apache-2.0
#include "passes/loops.h"

namespace cygnet::test {
namespace {

constexpr int32_t kSteps = 4, kChannels = 5, kUnits = 3;

struct Variant {
  const char* name;
  bool all_steps = true;  // else only the last
  bool split = true;      // one product for all gates; else one for each
  bool backwards = false;
  bool state_read = false;  // h behind the loop too
  float first_state = 0;
  Builtin gate = Builtin::LOGISTIC;
  int32_t turns = kSteps;
};

int32_t dense(Editor& e, int32_t x, int32_t weights, int32_t bias = kAbsent) {
  return e.add(Builtin::FULLY_CONNECTED, {x, weights, bias}, schema::FullyConnectedOptionsT());
}

// (h, c) behind one step.
std::pair<int32_t, int32_t> step(Editor& e, const Variant& v, int32_t x, int32_t h, int32_t c) {
  std::vector<int32_t> z;
  if (v.split) {
    const int32_t sum = add(e,
                            add(e, dense(e, x, random_constant(e, {4 * kUnits, kChannels}, 1)),
                                dense(e, h, random_constant(e, {4 * kUnits, kUnits}, 2))),
                            random_constant(e, {4 * kUnits}, 3));
    schema::SplitOptionsT options;
    options.num_splits = 4;
    const int32_t first = e.add(Builtin::SPLIT, {e.scalar<int32_t>(1), sum}, options,
                                Results("gates", std::vector<Type>(4, Type::float32)));
    for (int32_t g = 0; g < 4; ++g) z.push_back(first + g);
  } else {
    for (uint32_t g = 0; g < 4; ++g)
      z.push_back(add(e,
                      dense(e, x, random_constant(e, {kUnits, kChannels}, 10 + g),
                            random_constant(e, {kUnits}, 20 + g)),
                      dense(e, h, random_constant(e, {kUnits, kUnits}, 30 + g))));
  }
  const auto gate = [&](size_t g) { return e.add(v.gate, {z[g]}); };
  const auto tanh = [&](int32_t t) { return e.add(Builtin::TANH, {t}); };
  const int32_t next = add(e, mul(e, gate(1), c), mul(e, gate(0), tanh(z[2])), "c");
  return {mul(e, gate(3), tanh(next), "h"), next};
}

int32_t steps_of(Editor& e, const Variant& v) {
  const int32_t x = e.input("x", Type::float32, {-1, kSteps, kChannels});
  const int32_t steps = transpose(e, x, {1, 0, 2});
  return v.backwards ? e.add(Builtin::REVERSE_V2, {steps, e.list({0})}, schema::ReverseV2OptionsT())
                     : steps;
}

int32_t row(Editor& e, int32_t x, int32_t at) {
  return e.add(Builtin::GATHER, {x, at}, schema::GatherOptionsT(), "row");
}

void build_loop(Editor& e, const Variant& v) {
  const int32_t x = steps_of(e, v);
  const int32_t input = e.subgraph().inputs[0];
  LoopBuilder loop(e, v.turns);
  Editor body = loop.body();
  const int32_t one = body.scalar<int32_t>(1);
  const int32_t i = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t t = loop.argument(body, e.scalar<int32_t>(0));
  const int32_t zeros = fill_like(e, input, {-1, kUnits}, v.first_state);
  const int32_t list =
      loop.argument(body, fill_like(e, input, {v.all_steps ? kSteps : 1, -1, kUnits}, 0));
  const int32_t h = loop.argument(body, zeros), c = loop.argument(body, zeros);
  const int32_t all = loop.argument(body, x);
  const auto [h2, c2] = step(body, v, row(body, all, t), h, c);
  const int32_t written = write_row(body, list, h2, v.all_steps ? t : body.scalar<int32_t>(0));
  const auto results =
      loop.finish(body, {add(body, i, one), add(body, t, one), written, h2, c2, all});
  const int32_t y = v.all_steps ? transpose(e, results[2], {1, 0, 2}, "y")
                                : reshape(e, results[2], {-1, kUnits}, "y");
  if (v.state_read)
    e.set_outputs({y, e.add(Builtin::TANH, {results[3]}, NoOptions(), "state")});
  else
    e.set_outputs({y});
}

// The same without a loop, to compare with.
void build_unrolled(Editor& e, const Variant& v) {
  const int32_t x = steps_of(e, v);
  int32_t h = fill_like(e, e.subgraph().inputs[0], {-1, kUnits}, v.first_state), c = h;
  std::vector<int32_t> list;
  for (int32_t t = 0; t < v.turns; ++t) {
    std::tie(h, c) = step(e, v, row(e, x, e.scalar<int32_t>(t)), h, c);
    list.push_back(h);
  }
  schema::PackOptionsT pack;
  pack.values_count = v.turns;
  pack.axis = 1;
  const int32_t y =
      v.all_steps ? e.add(Builtin::PACK, list, pack, "y") : reshape(e, h, {-1, kUnits}, "y");
  if (v.state_read)
    e.set_outputs({y, e.add(Builtin::TANH, {h}, NoOptions(), "state")});
  else
    e.set_outputs({y});
}

const std::set<std::string> kPasses = {"recognize-lstm", "sink-transposes",   "merge-reshapes",
                                       "fill-batch",     "remove-identities", "merge-duplicates",
                                       "simplify-loops"};

Names left(const Variant& v) {
  Draft draft;
  Editor e(draft, builtin_ops());
  build_loop(e, v);
  optimize_loops(draft, kPasses);
  Names names = operators(draft);
  if (std::count(names.begin(), names.end(), "WHILE") == 0) {
    EXPECT_EQ(draft.graph.subgraphs.size(), 1u);
    Draft plain;
    Editor other(plain, builtin_ops());
    build_unrolled(other, v);
    for (const int32_t batch : {1, 3})
      expect_same(run_draft(plain, batch), run_draft(draft, batch), 1e-5);
  }
  std::erase(names, "SELECT_V2");
  std::sort(names.begin(), names.end());
  return names;
}

TEST(RecognizeLstm, Loops) {
  EXPECT_EQ(left({"all steps"}), (Names{"STRIDED_SLICE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
  EXPECT_EQ(left({.name = "last", .all_steps = false}),
            (Names{"STRIDED_SLICE", "STRIDED_SLICE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
  EXPECT_EQ(left({.name = "gate by gate", .split = false}),
            (Names{"STRIDED_SLICE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
  EXPECT_EQ(left({.name = "backwards", .backwards = true}),
            (Names{"REVERSE_V2", "STRIDED_SLICE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
  EXPECT_EQ(left({.name = "state", .state_read = true}),
            (Names{"STRIDED_SLICE", "STRIDED_SLICE", "TANH", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
  EXPECT_EQ(left({.name = "from a state", .first_state = 0.5f}),
            (Names{"STRIDED_SLICE", "UNIDIRECTIONAL_SEQUENCE_LSTM"}));
}

TEST(RecognizeLstm, OtherLoopsStay) {
  for (const Variant& v : std::vector<Variant>{
           {.name = "other gates", .gate = Builtin::RELU6},
           {.name = "not all steps", .turns = kSteps - 1},
       }) {
    const Names names = left(v);
    EXPECT_EQ(std::count(names.begin(), names.end(), "WHILE"), 1) << v.name;
  }
}

}  // namespace
}  // namespace cygnet::test
