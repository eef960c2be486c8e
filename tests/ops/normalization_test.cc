// SPDX-License-Identifier: Apache-2.0
// LOG_SOFTMAX, L2_NORMALIZATION, LOCAL_RESPONSE_NORMALIZATION, CUMSUM.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;
using Row = std::vector<double>;
using Add = std::function<void(ModelBuilder&, int x, int y)>;

/// y = f(x) for each row along the last dimension.
OpCase rows(const char* name, const Index& shape, double reach, Add add, Row (*f)(const Row&)) {
  const std::vector<float> x = random_elements<float>(count(shape), 4, -reach, reach);
  std::vector<float> y;
  const auto n = static_cast<size_t>(shape.back());
  for (size_t at = 0; at < x.size(); at += n)
    for (double value :
         f(Row(x.begin() + static_cast<long>(at), x.begin() + static_cast<long>(at + n))))
      y.push_back(static_cast<float>(value));
  return {.name = name,
          .model =
              [=](ModelBuilder& m) {
                const int in = m.input(shape);
                add(m, in, m.output(shape));
              },
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {shape},
          .tolerance = 1e-5};
}

Row log_softmax(const Row& x) {
  const double most = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double v : x) sum += std::exp(v - most);
  Row y;
  for (double v : x) y.push_back(v - most - std::log(sum));
  return y;
}

Row l2(const Row& x) {
  double sum = 0;
  for (double v : x) sum += v * v;
  Row y;
  for (double v : x) y.push_back(v / std::max(std::sqrt(sum), 1e-6));
  return y;
}

/// radius 2, bias 1.5, alpha 0.3, beta 0.75
Row local_response(const Row& x) {
  Row y;
  const int n = static_cast<int>(x.size());
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int j = std::max(0, i - 2); j < std::min(n, i + 3); ++j)
      sum += x[static_cast<size_t>(j)] * x[static_cast<size_t>(j)];
    y.push_back(x[static_cast<size_t>(i)] / std::pow(1.5 + 0.3 * sum, 0.75));
  }
  return y;
}

Add plain(Op code) {
  return [=](ModelBuilder& m, int x, int y) { m.op(code, {x}, {y}); };
}
Add lrn(int radius, float bias, float alpha = 0.3f, float beta = 0.75f) {
  return [=](ModelBuilder& m, int x, int y) {
    m.op(Op::LOCAL_RESPONSE_NORMALIZATION, {x}, {y},
         schema::CreateLocalResponseNormalizationOptions(m.fbb(), radius, bias, alpha, beta));
  };
}

TEST(Normalization, Rows) {
  run_op_cases({
      rows("log softmax", {3, 4, 17}, 5, plain(Op::LOG_SOFTMAX), log_softmax),
      rows("log softmax of large numbers", {1000}, 200, plain(Op::LOG_SOFTMAX), log_softmax),
      rows("log softmax of one", {3, 1}, 5, plain(Op::LOG_SOFTMAX), log_softmax),
      rows("log softmax of nothing", {0, 3}, 5, plain(Op::LOG_SOFTMAX), log_softmax),
      rows("l2", {2, 3, 5, 9}, 5, plain(Op::L2_NORMALIZATION), l2),
      rows("l2 of a vector", {33}, 5, plain(Op::L2_NORMALIZATION), l2),
      rows("l2 of zeros", {2, 3}, 0, plain(Op::L2_NORMALIZATION), l2),
      rows("local response", {2, 3, 2, 9}, 4, lrn(2, 1.5f), local_response),
      rows("local response of few", {1, 1, 5, 2}, 4, lrn(2, 1.5f), local_response),
  });
}

TEST(Normalization, WideRadius) {
  run_op_cases({{.name = "wide",
                 .model =
                     [](ModelBuilder& m) {
                       const int x = m.input({1, 1, 1, 2});
                       lrn(std::numeric_limits<int>::max(), 1)(m, x, m.output({1, 1, 1, 2}));
                     },
                 .inputs = {values<float>({0, 0})},
                 .outputs = {values<float>({0, 0})}}});
}

template <class T>
OpCase cumsum(const Index& shape, int32_t axis, bool exclusive, bool reverse, bool known = true) {
  const std::vector<T> x = random_elements<T>(count(shape), 4, -100, 100);
  const size_t a = static_cast<size_t>(axis < 0 ? axis + static_cast<int32_t>(shape.size()) : axis);
  const std::vector<T> y = tabulate<T>(shape, [&](Index index) {
    T sum{0};
    const int32_t own = index[a];
    for (int32_t i = 0; i < shape[a]; ++i) {
      if ((reverse ? i < own : i > own) || (exclusive && i == own)) continue;
      index[a] = i;
      sum = static_cast<T>(sum + x[flat(shape, index)]);
    }
    return sum;
  });
  OpCase c{.name = std::string("cumsum of ") + type_name(type_of<T>()),
           .model =
               [=](ModelBuilder& m) {
                 const int in = m.input(shape, type_of<T>());
                 const int at = known ? m.constant<int32_t>({}, {axis}) : m.input({}, Type::int32);
                 m.op(Op::CUMSUM, {in, at}, {m.output(shape, type_of<T>())},
                      schema::CreateCumsumOptions(m.fbb(), exclusive, reverse));
               },
           .inputs = {values(x)},
           .outputs = {values(y)},
           .shapes = {shape},
           .tolerance = 1e-4,
           .kernel_steps = 0};
  if (!known) c.inputs.push_back(values<int32_t>({axis}));
  return c;
}

template <class T>
void run_cumsums() {
  run_op_cases({cumsum<T>({3, 4, 5}, 1, false, false), cumsum<T>({3, 4, 5}, -1, true, false),
                cumsum<T>({3, 4, 5}, 0, false, true), cumsum<T>({3, 4, 5}, 2, true, true),
                cumsum<T>({40}, 0, false, false), cumsum<T>({3, 4}, -2, true, true, false),
                cumsum<T>({0, 3}, 0, false, false), cumsum<T>({3, 0}, 0, false, false)});
}

TEST(Cumsum, Cases) {
  run_cumsums<float>();
  run_cumsums<int32_t>();
  run_cumsums<int64_t>();
}

// Rows of 3, and one of all codes.
template <class T>
void run_rows_q8() {
  const Quant x_quant = quant_for<T>({-4, 3});
  const int32_t least = std::numeric_limits<T>::lowest();
  const Quant log_quant = per_tensor(0.0625f, least + 255),
              l2_quant = per_tensor(0x1p-7f, least + 128);
  const Index shape = {40, 3};
  const std::vector<T> x = random_elements<T>(120, 5, least, least + 255);
  std::vector<T> logs, l2s;
  for (size_t row = 0; row < 40; ++row) {
    double exps = 0, squares = 0;
    const auto real = [&](size_t i) { return real_of(x[3 * row + i], x_quant); };
    for (size_t i = 0; i < 3; ++i) exps += std::exp(real(i)), squares += real(i) * real(i);
    for (size_t i = 0; i < 3; ++i) {
      logs.push_back(code_of<T>(real(i) - std::log(exps), log_quant));
      l2s.push_back(code_of<T>(real(i) / std::sqrt(squares), l2_quant));
    }
  }
  const Type type = type_of<T>();
  run_op_cases(
      {{.name = std::string("LOG_SOFTMAX of ") + type_name(type),
        .model = bare_model(Op::LOG_SOFTMAX, {{shape, type, x_quant}}, {shape, type, log_quant}, 2),
        .inputs = {values(x)},
        .outputs = {values(logs)},
        .plain_steps = 1,
        .kernel_steps = 1},
       {.name = std::string("L2_NORMALIZATION of ") + type_name(type),
        .model =
            bare_model(Op::L2_NORMALIZATION, {{shape, type, x_quant}}, {shape, type, l2_quant}, 2),
        .inputs = {values(x)},
        .outputs = {values(l2s)},
        .plain_steps = 1,
        .kernel_steps = 1}});
}

TEST(Normalization, EightBits) {
  run_rows_q8<int8_t>();
  run_rows_q8<uint8_t>();
}

TEST(Normalization, Refuses) {
  const Bare q = {{2}, Type::int8, per_tensor(0.5f)}, i = {{}, Type::int32};
  const auto with = [](Add add) {
    return [=](ModelBuilder& m) {
      const int x = m.input({1, 1, 1, 2});
      add(m, x, m.output({1, 1, 1, 2}));
    };
  };
  refuse_op_cases({
      {.name = "result of LOG_SOFTMAX",
       .model = bare_model(Op::LOG_SOFTMAX, {q}, q),
       .message = "output 0: expected scale 1/16 and zero point 127, got 0.5 and 0"},
      {.name = "no scale",
       .model = bare_model(Op::LOG_SOFTMAX, {{{2}, Type::int8}}, q),
       .message = "input 0: expected quantization"},
      {.name = "tiny scale",
       .model = bare_model(Op::LOG_SOFTMAX, {{{2}, Type::int8, per_tensor(1e-12f)}},
                           {{2}, Type::int8, per_tensor(0.0625f, 127)}),
       .message = "T9: input 0: scale 1e-12 is too small"},
      {.name = "type of LOG_SOFTMAX",
       .model = bare_model(Op::LOG_SOFTMAX, {{{2}, Type::int16}}, {{2}, Type::int16}),
       .message = "input 0: type INT16 is not supported"},
      {.name = "result of L2_NORMALIZATION",
       .model = bare_model(Op::L2_NORMALIZATION, {q}, q),
       .message = "output 0: expected scale 1/128 and zero point 0, got 0.5 and 0"},
      {.name = "scalar",
       .model = bare_model(Op::L2_NORMALIZATION, {{{}}}, {{}}),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "activation",
       .model = with([](ModelBuilder& m, int x, int y) {
         m.op(Op::L2_NORMALIZATION, {x}, {y},
              schema::CreateL2NormOptions(m.fbb(), schema::ActivationFunctionType::RELU));
       }),
       .message = "fused activation 1 is not supported"},
      {.name = "rank",
       .model = bare_model(Op::LOCAL_RESPONSE_NORMALIZATION, {{}}, {}),
       .message = "input 0: expected rank 4, got 1"},
      {.name = "radius", .model = with(lrn(-1, 1)), .message = "radius: expected a number >= 0"},
      {.name = "bias",
       .model = with(lrn(1, std::numeric_limits<float>::infinity())),
       .message = "expected finite numbers"},
      {.name = "alpha", .model = with(lrn(1, 1, NAN)), .message = "expected finite numbers"},
      {.name = "beta",
       .model = with(lrn(1, 1, 1, -INFINITY)),
       .message = "expected finite numbers"},
      {.name = "scalar of LOG_SOFTMAX",
       .model = bare_model(Op::LOG_SOFTMAX, {{{}}}, {{}}),
       .message = "input 0: expected rank 1 to 8, got 0"},
      {.name = "empty rows of LOG_SOFTMAX",
       .model = bare_model(Op::LOG_SOFTMAX, {{{2, 0}}}, {{2, 0}}),
       .message = "input 0: expected a last dimension >= 1, got [2,0]"},
      {.name = "empty rows of L2_NORMALIZATION",
       .model = bare_model(Op::L2_NORMALIZATION, {{{2, 0}}}, {{2, 0}}),
       .message = "input 0: expected a last dimension >= 1, got [2,0]"},
      {.name = "type of CUMSUM",
       .model = bare_model(Op::CUMSUM, {q, i}, q),
       .message = "input 0: type INT8 is not supported"},
      {.name = "scalar of CUMSUM",
       .model = bare_model(Op::CUMSUM, {{{}}, i}, {{}}),
       .message = "input 0: expected rank 1"},
      {.name = "axis of CUMSUM",
       .model = bare_model(Op::CUMSUM, {{}, i}, {}),
       .message = "input 1: axis: expected -1 to 0, got 1",
       .inputs = {values<float>({1, 2}), values<int32_t>({1})}},
      {.name = "axes of CUMSUM",
       .model = bare_model(Op::CUMSUM, {{}, {{2}, Type::int32}}, {}),
       .message = "input 1: expected 1 elements"},
  });
}

}  // namespace
}  // namespace cygnet::test
