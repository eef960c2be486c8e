// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Combiner = schema::CombinerType;
using Shape = std::vector<int32_t>;

std::function<void(ModelBuilder&)> model(Combiner combiner, const Shape& indices = {3, 2},
                                         const Shape& table = {4, 2},
                                         const std::vector<int32_t>& dense = {3, 4}) {
  return [=](ModelBuilder& b) {
    const int ids = b.input({3}, Type::int32), i = b.input(indices, Type::int32),
              s = b.constant<int32_t>({static_cast<int32_t>(dense.size())}, dense),
              w = b.input({3}), t = b.input(table);
    b.op(schema::BuiltinOperator::EMBEDDING_LOOKUP_SPARSE, {ids, i, s, w, t}, {b.output({1})},
         schema::CreateEmbeddingLookupSparseOptions(b.fbb(), combiner));
  };
}

std::vector<Values> inputs(int32_t id, int32_t row, float second = 0.5f) {
  return {values<int32_t>({1, 3, id}), values<int32_t>({0, 0, 0, 1, row, 3}),
          values<float>({2, second, 3}), values<float>({1, 2, 3, 4, 5, 6, 7, 8})};
}

TEST(EmbeddingLookupSparse, Cases) {
  const auto expect = [](Combiner combiner, const std::vector<float>& y) {
    return OpCase{.name = schema::EnumNameCombinerType(combiner),
                  .model = model(combiner),
                  .inputs = inputs(1, 2),
                  .outputs = {values(y)},
                  .shapes = {{3, 2}}};
  };
  const float root = std::sqrt(4.25f);
  run_op_cases({
      expect(Combiner::SUM, {9.5, 12, 0, 0, 9, 12}),
      expect(Combiner::MEAN, {9.5f / 2.5f, 12 / 2.5f, 0, 0, 3, 4}),
      expect(Combiner::SQRTN, {9.5f / root, 12 / root, 0, 0, 3, 4}),
  });
}

TEST(EmbeddingLookupSparse, Refuses) {
  refuse_op_cases({
      {.name = "id",
       .model = model(Combiner::SUM),
       .message = "input 0: id 4 at position 2 is not in [0, 4)",
       .inputs = inputs(4, 2)},
      {.name = "negative",
       .model = model(Combiner::SUM),
       .message = "id -1",
       .inputs = inputs(-1, 2)},
      {.name = "index",
       .model = model(Combiner::SUM),
       .message = "input 1: index 3 at position 4 is not in [0, 3)",
       .inputs = inputs(1, 3)},
      {.name = "negative index",
       .model = model(Combiner::SUM),
       .message = "index -1 at position 4",
       .inputs = inputs(1, -1)},
      {.name = "count",
       .model = model(Combiner::SUM, {2, 2}),
       .message = "input 1: expected shape [3,2], got [2,2]"},
      {.name = "dense",
       .model = model(Combiner::SUM, {3, 2}, {4, 2}, {3}),
       .message = "input 2: expected shape [2], got [1]"},
      {.name = "size",
       .model = model(Combiner::SUM, {3, 2}, {4, 2}, {-3, 4}),
       .message = "dimension 0 is -3"},
      {.name = "combiner",
       .model = model(static_cast<Combiner>(3)),
       .message = "combiner: expected 0 to 2, got 3"},
      {.name = "mean of no weight",
       .model = model(Combiner::MEAN),
       .message = "input 3: the weights of a row add up to 0",
       .inputs = inputs(1, 2, -2)},
      {.name = "mean of no weight at the end",
       .model = model(Combiner::MEAN),
       .message = "input 3: the weights of a row add up to 0"},
      {.name = "root of no weight",
       .model = model(Combiner::SQRTN),
       .message = "input 3: the weights of a row add up to 0"},
      {.name = "table",
       .model = model(Combiner::SUM, {3, 2}, {4}),
       .message = "input 4: expected rank 2 to 8"},
  });
}

}  // namespace
}  // namespace cygnet::test
