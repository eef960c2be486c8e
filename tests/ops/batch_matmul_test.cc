// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

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

// Whole numbers (x − x_zero) · (y − y_zero) summed, of matrices of m × k and k × n elements.
template <class X, class Y>
std::vector<double> sums(const std::vector<X>& x, const std::vector<Y>& y, int m, int k, int n,
                         int x_zero, int y_zero) {
  std::vector<double> out;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int d = 0; d < k; ++d)
        sum += (static_cast<double>(x[static_cast<size_t>(i * k + d)]) - x_zero) *
               (static_cast<double>(y[static_cast<size_t>(d * n + j)]) - y_zero);
      out.push_back(sum);
    }
  return out;
}

// x [m, k] · y [k, n]; Out int32: the sums of the elements themselves.
template <class X, class Y, class Out>
OpCase integers(int m, int k, int n) {
  constexpr bool kSums = std::is_same_v<Out, int32_t>, kWide = std::is_same_v<X, int16_t>;
  const int x_zero = kWide ? 0 : 5, y_zero = kWide ? 0 : -9, out_zero = kWide ? 0 : 3;
  const auto x = random_elements<X>(static_cast<size_t>(m * k), 1, -120, 120);
  const auto y = random_elements<Y>(static_cast<size_t>(k * n), 2, -120, 120);
  std::vector<Out> expected;
  for (double sum : sums(x, y, m, k, n, kSums ? 0 : x_zero, kSums ? 0 : y_zero))
    expected.push_back(static_cast<Out>(
        kSums ? sum : std::clamp(std::round(sum * 0.05 * 0.02 / 0.3) + out_zero, -128.0, 127.0)));
  if (kWide) {
    expected.clear();
    for (double sum : sums(x, y, m, k, n, 0, 0))
      expected.push_back(static_cast<Out>(std::round(sum * 0.05 * 0.02 / 0.3)));
  }
  return {.name = type_name(type_of<Out>()),
          .model =
              [=](ModelBuilder& b) {
                const int a = b.input({m, k}, type_of<X>(), per_tensor(0.05f, x_zero));
                const int w = b.input({k, n}, type_of<Y>(), per_tensor(0.02f, y_zero));
                const int out = kSums
                                    ? b.output({m, n}, Type::int32)
                                    : b.output({m, n}, type_of<Out>(), per_tensor(0.3f, out_zero));
                b.op(Op::BATCH_MATMUL, {a, w}, {out}, schema::CreateBatchMatMulOptions(b.fbb()));
              },
          .inputs = {values(x), values(y)},
          .outputs = {values(expected)},
          .plain_steps = kSums ? 0 : 1,
          .kernel_steps = kSums ? 0 : 1};
}

// The rows of x are whole numbers whose quantization has scale 1 and is exact.
OpCase hybrid(int m, int k, int n, bool asymmetric, bool per_column) {
  const float low = asymmetric ? -28 : -127, high = low + (asymmetric ? 255 : 254);
  std::vector<float> x;
  for (int i : random_elements<int>(static_cast<size_t>(m * k), 1, static_cast<double>(low),
                                    static_cast<double>(high)))
    x.push_back(static_cast<float>(i));
  for (int i = 0; i < m; ++i) {
    x[static_cast<size_t>(i * k)] = low;
    x[static_cast<size_t>(i * k + 1)] = high;
  }
  const auto y = random_elements<int8_t>(static_cast<size_t>(k * n), 2, -127, 127);
  std::vector<float> scales, expected;
  for (int j = 0; j < (per_column ? n : 1); ++j)
    scales.push_back(0.01f + 0.001f * static_cast<float>(j));
  const auto whole = sums(x, y, m, k, n, 0, 0);
  for (size_t i = 0; i < whole.size(); ++i)
    expected.push_back(static_cast<float>(
        whole[i] * static_cast<double>(scales[per_column ? i % static_cast<size_t>(n) : 0])));
  return {.name = "hybrid",
          .model =
              [=](ModelBuilder& b) {
                const int a = b.input({m, k});
                const int w = b.constant<int8_t>(
                    {k, n}, y, per_column ? per_channel(scales, 1) : per_tensor(scales[0]));
                b.op(Op::BATCH_MATMUL, {a, w}, {b.output({m, n})},
                     schema::CreateBatchMatMulOptions(b.fbb(), false, false, asymmetric));
              },
          .inputs = {values(x)},
          .outputs = {values(expected)},
          .tolerance = 1e-5};
}

TEST(BatchMatmul, Types) {
  std::vector<OpCase> cases;
  for (int n : {1, 7, 70}) {
    cases.push_back(integers<int8_t, int8_t, int8_t>(5, 33, n));
    cases.push_back(integers<int8_t, int8_t, int32_t>(5, 33, n));
    cases.push_back(integers<int16_t, int16_t, int16_t>(5, 33, n));
    cases.push_back(integers<int16_t, int8_t, int16_t>(5, 33, n));
    for (bool asymmetric : {false, true})
      for (bool per_column : {false, true})
        cases.push_back(hybrid(3, 17, n, asymmetric, per_column));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> quantized(std::function<void(ModelBuilder&)> edit) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}, Type::int8, per_tensor(0.1f));
    const int y = b.input({3, 2}, Type::int8, per_tensor(0.1f));
    b.op(Op::BATCH_MATMUL, {x, y}, {b.output({2, 2}, Type::int8, per_tensor(0.1f))},
         schema::CreateBatchMatMulOptions(b.fbb()));
    edit(b);
  };
}

TEST(BatchMatmul, RefusesQuantizations) {
  refuse_op_cases({
      {.name = "none",
       .model = quantized([](ModelBuilder& b) { b.tensor(1).quantization = {}; }),
       .message = "input 1: expected quantization parameters, got none"},
      {.name = "columns of int8",
       .model = quantized([](ModelBuilder& b) {
         b.tensor(1).quantization = per_channel({0.1f, 0.2f}, 1);
       }),
       .message = "input 1: expected one scale for the tensor, got 2"},
      {.name = "rows of a hybrid",
       .model = quantized([](ModelBuilder& b) {
         b.tensor(0).type = b.tensor(2).type = Type::float32;
         b.tensor(1).quantization = per_channel({0.1f, 0.2f, 0.3f}, 0);
       }),
       .message = "expected one scale or 2 along dimension 1, got 3 along 0"},
      {.name = "zero point of a hybrid",
       .model = quantized([](ModelBuilder& b) {
         b.tensor(0).type = b.tensor(2).type = Type::float32;
         b.tensor(1).quantization = per_tensor(0.1f, 4);
       }),
       .message = "input 1: expected zero point 0, got 4"},
      {.name = "zero point of int16",
       .model = quantized([](ModelBuilder& b) {
         for (int i : {0, 1, 2}) b.tensor(i).type = Type::int16;
         b.tensor(0).quantization = per_tensor(0.1f, 4);
       }),
       .message = "INT16: expected zero points 0, got 4, 0 and 0"},
      {.name = "types",
       .model = quantized([](ModelBuilder& b) { b.tensor(1).type = Type::float32; }),
       .message = "input 1: expected type INT8, got FLOAT32"},
      {.name = "type of the output",
       .model = quantized([](ModelBuilder& b) { b.tensor(2).type = Type::int16; }),
       .message = "output 0: type INT16 is not supported"},
  });
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
