// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "base/number.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

struct Spec {
  std::string name;
  std::vector<int32_t> shape;
  int h, w;
  bool fed = false;
};

std::vector<int32_t> result_shape(const Spec& s) {
  std::vector<int32_t> y = s.shape;
  y[y.size() - 2] = s.h;
  y[y.size() - 1] = s.w / 2 + 1;
  return y;
}

void add_operator(ModelBuilder& b, const Spec& s) {
  const int x = b.input(s.shape);
  const int lengths = s.fed ? b.input({2}, Type::int32) : b.constant<int32_t>({2}, {s.h, s.w});
  b.op(Op::RFFT2D, {x, lengths}, {b.output(result_shape(s), Type::complex64)},
       schema::CreateRfft2dOptions(b.fbb()));
}

// By the definition.
OpCase transform_case(const Spec& s) {
  const int rows = s.shape[s.shape.size() - 2], columns = s.shape.back();
  int matrices = 1;
  for (size_t i = 0; i + 2 < s.shape.size(); ++i) matrices *= s.shape[i];
  const auto x = random_elements<float>(static_cast<size_t>(matrices * rows * columns), 5, -1, 1);
  std::vector<Complex64> y;
  for (int m = 0; m < matrices; ++m)
    for (int u = 0; u < s.h; ++u)
      for (int v = 0; v <= s.w / 2; ++v) {
        double re = 0, im = 0;
        for (int j = 0; j < std::min(rows, s.h); ++j)
          for (int k = 0; k < std::min(columns, s.w); ++k) {
            const double angle =
                -2 * M_PI * (static_cast<double>(u * j) / s.h + static_cast<double>(v * k) / s.w);
            const auto value =
                static_cast<double>(x[static_cast<size_t>((m * rows + j) * columns + k)]);
            re += value * std::cos(angle);
            im += value * std::sin(angle);
          }
        y.push_back({static_cast<float>(re), static_cast<float>(im)});
      }
  OpCase result{.name = s.name,
                .model = [=](ModelBuilder& b) { add_operator(b, s); },
                .inputs = {values(x)},
                .outputs = {values(y)},
                .shapes = {result_shape(s)},
                .tolerance = 1e-5};
  if (s.fed) result.inputs.push_back(values<int32_t>({s.h, s.w}));
  return result;
}

TEST(Rfft2d, Cases) {
  run_op_cases({
      transform_case({"4x4", {4, 4}, 4, 4}),
      transform_case({"one", {1, 1}, 1, 1}),
      transform_case({"row", {1, 8}, 1, 8}),
      transform_case({"column", {8, 1}, 8, 1}),
      transform_case({"cut and filled", {2, 3, 7}, 8, 4}),
      transform_case({"no rows", {2, 0, 3}, 2, 2}),
      transform_case({"lengths while running", {2, 4, 4}, 4, 8, true}),
  });
}

TEST(Rfft2d, Refuses) {
  const auto lengths = [](int h, int w, bool fed) {
    return [=](ModelBuilder& b) {
      add_operator(b, {"", {4, 4}, 4, 4, fed});
      if (!fed) b.last_op().inputs[1] = b.constant<int32_t>({2}, {h, w});
    };
  };
  const Values x = values(std::vector<float>(16));
  refuse_op_cases({
      {.name = "length 3",
       .model = lengths(3, 4, false),
       .message = "expected powers of two, got 3"},
      {.name = "length 0",
       .model = lengths(4, 0, false),
       .message = "expected powers of two, got 0"},
      {.name = "length −4",
       .model = lengths(-4, 4, false),
       .message = "expected powers of two, got -4"},
      {.name = "length 6 while running",
       .model = lengths(4, 6, true),
       .message = "expected powers of two, got 6",
       .inputs = {x, values<int32_t>({4, 6})}},
      {.name = "lengths that overflow", .model = lengths(1 << 30, 1 << 30, false), .message = "T3"},
      {.name = "vector",
       .model =
           [](ModelBuilder& b) {
             add_operator(b, {"", {4, 4}, 4, 4});
             b.tensor(b.last_op().inputs[0]).shape = {16};
           },
       .message = "input 0: expected rank 2"},
      {.name = "real result",
       .model =
           [](ModelBuilder& b) {
             add_operator(b, {"", {4, 4}, 4, 4});
             b.tensor(b.last_op().outputs[0]).type = Type::float32;
           },
       .message = "output 0: expected type COMPLEX64"},
  });
}

}  // namespace
}  // namespace cygnet::test
