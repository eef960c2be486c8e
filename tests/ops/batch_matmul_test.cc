// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// The index of `shape` that broadcasting reads for an index of the leading dimensions.
Index aligned(const Index& shape, const Index& batch) {
  const size_t rank = shape.size() - 2;
  Index at(batch.end() - static_cast<std::ptrdiff_t>(rank), batch.end());
  for (size_t d = 0; d < rank; ++d)
    if (shape[d] == 1) at[d] = 0;
  return at;
}

float element(const std::vector<float>& data, const Index& shape, Index at, bool turned, int row,
              int column) {
  at.push_back(turned ? column : row);
  at.push_back(turned ? row : column);
  return data[flat(shape, at)];
}

// `batch`: the output's leading dimensions.
OpCase product(const Index& xs, const Index& ys, const Index& batch, bool adj_x = false,
               bool adj_y = false, bool constant_y = false) {
  const std::vector<float> x = random_elements<float>(count(xs), 1, -2, 2);
  const std::vector<float> y = random_elements<float>(count(ys), 2, -2, 2);
  const int32_t k = xs[xs.size() - (adj_x ? 2 : 1)];
  Index out = batch;
  out.push_back(xs[xs.size() - (adj_x ? 1 : 2)]);
  out.push_back(ys[ys.size() - (adj_y ? 2 : 1)]);
  const std::vector<float> expected = tabulate<float>(out, [&](const Index& index) {
    const int32_t i = index[index.size() - 2], j = index[index.size() - 1];
    const Index at(index.begin(), index.end() - 2);
    double sum = 0;
    for (int32_t d = 0; d < k; ++d)
      sum += double{element(x, xs, aligned(xs, at), adj_x, i, d)} *
             double{element(y, ys, aligned(ys, at), adj_y, d, j)};
    return static_cast<float>(sum);
  });
  OpCase c{.name = "product",
           .model =
               [=](ModelBuilder& b) {
                 const int a = b.input(xs);
                 const int w = constant_y ? b.constant<float>(ys, y) : b.input(ys);
                 b.op(Op::BATCH_MATMUL, {a, w}, {b.output(out)},
                      schema::CreateBatchMatMulOptions(b.fbb(), adj_x, adj_y));
               },
           .inputs = {values(x)},
           .outputs = {values(expected)},
           .shapes = {out},
           .tolerance = 2e-5};
  if (!constant_y) c.inputs.push_back(values(y));
  return c;
}

TEST(BatchMatmul, Cases) {
  std::vector<OpCase> cases;
  for (bool adj_x : {false, true})
    for (bool adj_y : {false, true}) {
      const auto x = [&](Index shape, int32_t m, int32_t k) {
        shape.insert(shape.end(), {adj_x ? k : m, adj_x ? m : k});
        return shape;
      };
      const auto y = [&](Index shape, int32_t k, int32_t n) {
        shape.insert(shape.end(), {adj_y ? n : k, adj_y ? k : n});
        return shape;
      };
      cases.push_back(product(x({}, 2, 3), y({}, 3, 4), {}, adj_x, adj_y));
      cases.push_back(product(x({2}, 5, 7), y({2}, 7, 3), {2}, adj_x, adj_y));
      cases.push_back(product(x({3}, 4, 6), y({}, 6, 5), {3}, adj_x, adj_y, true));
      cases.push_back(product(x({}, 4, 6), y({3}, 6, 5), {3}, adj_x, adj_y));
      cases.push_back(product(x({2, 1}, 3, 4), y({1, 3}, 4, 2), {2, 3}, adj_x, adj_y));
      cases.push_back(product(x({2, 1, 2}, 1, 4), y({3, 1}, 4, 1), {2, 3, 2}, adj_x, adj_y));
      cases.push_back(product(x({2}, 17, 33), y({2}, 33, 70), {2}, adj_x, adj_y));
    }
  cases.push_back(product({2, 3, 0}, {2, 0, 4}, {2}));
  cases.push_back(product({2, 0, 3}, {2, 3, 4}, {2}));
  cases.push_back(product({0, 2, 3}, {1, 3, 4}, {0}));
  cases.push_back(product({1, 1, 1, 1, 1, 1, 2, 3}, {1, 1, 1, 1, 1, 2, 3, 2}, {1, 1, 1, 1, 1, 2}));
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> model(const Index& x, const Index& y, bool adj_y = false,
                                         Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int a = b.input(x, type), w = b.input(y, type);
    b.op(Op::BATCH_MATMUL, {a, w}, {b.output({1, 1}, type)},
         schema::CreateBatchMatMulOptions(b.fbb(), false, adj_y));
  };
}

TEST(BatchMatmul, Refuses) {
  refuse_op_cases({
      {.name = "depth",
       .model = model({2, 3}, {4, 2}),
       .message = "matrices of [2,3] and [4,2] do not multiply (adj_x 0, adj_y 0)"},
      {.name = "depth of the turned",
       .model = model({2, 3}, {3, 2}, true),
       .message = "do not multiply (adj_x 0, adj_y 1)"},
      {.name = "batches",
       .model = model({2, 2, 3}, {3, 3, 2}),
       .message = "inputs: shapes [2] and [3] do not broadcast"},
      {.name = "rank",
       .model = model({3}, {3, 2}),
       .message = "input 0: expected rank 2 to 8, got 1"},
      {.name = "type",
       .model = model({2, 2}, {2, 2}, false, Type::int32),
       .message = "input 0: type INT32 is not supported"},
  });
}

}  // namespace
}  // namespace cygnet::test
