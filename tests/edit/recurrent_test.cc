// SPDX-License-Identifier: Apache-2.0
#include "edit/recurrent.h"

#include <gtest/gtest.h>

#include "support/draft_runner.h"

namespace cygnet::test {
namespace {

LstmWeights random_weights(Editor& e, int32_t channels, int32_t units) {
  LstmWeights w;
  for (uint32_t g = 0; g < 4; ++g) {
    w.input[g] = random_constant(e, {units, channels}, 10 + g);
    w.recurrent[g] = random_constant(e, {units, units}, 20 + g);
    w.bias[g] = random_constant(e, {units}, 30 + g);
  }
  return w;
}

// An interpreter of a draft; batch 0 leaves the shapes of the file.
struct Running {
  Model model;
  Interpreter interpreter;

  explicit Running(const Draft& draft) {
    Graph copy = draft.graph;
    EXPECT_TRUE(Model::from_graph(std::move(copy), "d", Limits::standard(), &model).ok());
    EXPECT_TRUE(interpreter.create(model, {}).ok());
  }
  std::vector<double> run(const std::vector<float>& x, const Shape& shape) {
    Status status = interpreter.resize_input(0, shape);
    if (status.ok()) status = interpreter.allocate();
    if (status.ok()) status = interpreter.write_input(0, x.data(), x.size() * sizeof(float));
    if (status.ok()) status = interpreter.invoke();
    EXPECT_TRUE(status.ok()) << status.message();
    return status.ok() ? values_of(interpreter.output(0)) : std::vector<double>();
  }
  std::vector<double> again() {
    EXPECT_TRUE(interpreter.invoke().ok());
    return values_of(interpreter.output(0));
  }
};

void expect_state_follows_batch(std::initializer_list<int32_t> dims) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, dims);
  const int32_t y = add_sequence_lstm(e, x, random_weights(e, 4, 3), "y");
  ASSERT_NE(y, kAbsent);
  e.set_outputs({y});
  EXPECT_EQ(e.dim_free(y, 0), *dims.begin() < 0);
  Running net(draft);
  const int32_t batch = *dims.begin() < 0 ? 3 : *dims.begin();
  const std::vector<float> all = random_floats(batch * 20, 1);
  const std::vector<double> together = net.run(all, {batch, 5, 4});
  EXPECT_EQ(net.again(), together) << "a run begins where the one before ended";
  if (*dims.begin() > 0) return;
  for (size_t k = 0; k < 3; ++k) {
    const std::vector<float> one(all.begin() + static_cast<int64_t>(k) * 20,
                                 all.begin() + static_cast<int64_t>(k + 1) * 20);
    const std::vector<double> alone = net.run(one, {1, 5, 4});
    ASSERT_EQ(alone.size(), 15u);
    for (size_t i = 0; i < alone.size(); ++i)
      EXPECT_NEAR(alone[i], together[15 * k + i], 1e-6) << "example " << k << ", element " << i;
  }
}

TEST(SequenceLstm, StateFollowsTheBatch) {
  expect_state_follows_batch({-1, 5, 4});
}

TEST(SequenceLstm, FixedBatch) {
  expect_state_follows_batch({2, 5, 4});
}

TEST(FillBatch, PlacesOfTheBatch) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::float32, {-1, 6, 4});
  const int32_t wide = fill_batch(e, x, 0, {7, -1, 3}, 2.5f, "wide", {});
  const int32_t first = fill_batch(e, x, 0, {-1, 2, 3}, -1, "first", {});
  EXPECT_EQ(fill_batch(e, x, 0, {-1, 2, 3, 4}, 0, "more", {}), kAbsent);
  EXPECT_EQ(e.subgraph().nodes.size(), 4u);
  e.set_outputs({wide, first});
  const std::vector<DraftOutput> out = run_draft(draft, 3);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].shape, (Shape{7, 3, 3}));
  EXPECT_EQ(out[0].values, std::vector<double>(63, 2.5));
  EXPECT_EQ(out[1].shape, (Shape{3, 2, 3}));
  EXPECT_EQ(out[1].values, std::vector<double>(18, -1));
}

TEST(FillBatch, NeedsAFloatInput) {
  Draft draft;
  Editor e(draft, builtin_ops());
  const int32_t x = e.input("x", Type::int32, {-1, 6});
  EXPECT_EQ(fill_batch(e, x, 0, {-1, 3}, 0, "zeros", {}), kAbsent);
  schema::CastOptionsT cast;
  const int32_t y = e.add(Builtin::CAST, {x}, cast, Results("y", Type::float32));
  EXPECT_NE(fill_batch(e, x, 0, {-1, 3}, 0, "zeros", {y}), kAbsent);
}

}  // namespace
}  // namespace cygnet::test
