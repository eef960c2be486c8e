// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/movement_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

// Sorts each row by value, places of equal values in their order.
template <class T, class I = int32_t>
OpCase top(const Index& in, const std::vector<T>& x, int32_t k, bool known) {
  const auto n = static_cast<size_t>(in.back());
  Index out = in;
  out.back() = k;
  std::vector<T> largest;
  std::vector<I> places;
  for (size_t row = 0; row * n < x.size(); ++row) {
    std::vector<I> order(n);
    std::iota(order.begin(), order.end(), I{0});
    std::stable_sort(order.begin(), order.end(), [&](I a, I b) {
      return x[row * n + static_cast<size_t>(a)] > x[row * n + static_cast<size_t>(b)];
    });
    for (int32_t i = 0; i < k; ++i) {
      places.push_back(order[static_cast<size_t>(i)]);
      largest.push_back(x[row * n + static_cast<size_t>(places.back())]);
    }
  }
  OpCase c{.name = "topk",
           .model =
               [=](ModelBuilder& b) {
                 const int a = b.input(in, type_of<T>());
                 const int count = known ? b.constant<int32_t>({}, {k}) : b.input({}, Type::int32);
                 const int y = b.output(out, type_of<T>()), z = b.output(out, type_of<I>());
                 b.op(Op::TOPK_V2, {a, count}, {y, z}, schema::CreateTopKV2Options(b.fbb()), 3);
               },
           .inputs = {values(x)},
           .outputs = {values(largest), values(places)},
           .shapes = {out, out},
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values<int32_t>({k}));
  return c;
}

TEST(TopkV2, Cases) {
  std::vector<OpCase> cases;
  for (bool known : {true, false}) {
    cases.push_back(top<float>({4}, {1, 4, -2, 3}, 2, known));
    cases.push_back(top<float>({2, 3}, {1, 1, 1, -INFINITY, INFINITY, 0}, 3, known));
    cases.push_back(top<int8_t>({2, 4}, {-128, 127, 5, 5, 0, -1, 0, -1}, 3, known));
    cases.push_back(top<uint8_t>({4}, {0, 255, 128, 127}, 4, known));
    cases.push_back(top<int16_t, int16_t>({4}, {-5, 300, -32768, 300}, 4, known));
    cases.push_back(top<int32_t>({1, 2, 3}, {INT32_MIN, INT32_MAX, 0, 3, 2, 1}, 1, known));
    cases.push_back(top<int64_t>({3}, {INT64_MIN, INT64_MAX, 0}, 2, known));
    cases.push_back(top<float>({2, 3}, {1, 2, 3, 4, 5, 6}, 0, known));
    cases.push_back(top<float>({0, 3}, {}, 2, known));
    cases.push_back(
        top<int32_t>({20, 500}, random_elements<int32_t>(10000, 5, -90, 90), 40, known));
  }
  run_op_cases(cases);
}

TEST(TopkV2, NanComesLast) {
  run_op_cases({{.name = "nan",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({5}), k = b.constant<int32_t>({}, {5});
                       const int y = b.output({5}), z = b.output({5}, Type::int32);
                       b.op(Op::TOPK_V2, {x, k}, {y, z});
                     },
                 .inputs = {values<float>({NAN, 1, NAN, -INFINITY, 2})},
                 .outputs = {values<float>({2, 1, -INFINITY, NAN, NAN}),
                             values<int32_t>({4, 1, 3, 0, 2})}}});
}

std::function<void(ModelBuilder&)> model(const Index& in, int32_t k, Type type = Type::float32,
                                         Type places = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in, type), count = b.constant<int32_t>({}, {k});
    const int y = b.output({1}, type), z = b.output({1}, places);
    b.op(Op::TOPK_V2, {x, count}, {y, z});
  };
}

TEST(TopkV2, Refuses) {
  refuse_op_cases({
      {.name = "k", .model = model({2, 3}, 4), .message = "k: expected 0 to 3, got 4"},
      {.name = "negative", .model = model({2, 3}, -1), .message = "k: expected 0 to 3, got -1"},
      {.name = "scalar", .model = model({}, 1), .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "type",
       .model = model({3}, 1, Type::boolean),
       .message = "input 0: type BOOL is not supported"},
      {.name = "places",
       .model = model({3}, 1, Type::float32, Type::int64),
       .message = "output 1: type INT64 is not supported"},
      {.name = "narrow",
       .model = model({40000}, 1, Type::float32, Type::int16),
       .message = "row length for int16 indices: expected 0 to 32767, got 40000"},
  });
}

}  // namespace
}  // namespace cygnet::test
