// SPDX-License-Identifier: Apache-2.0
// SOFTMAX.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

std::function<void(ModelBuilder&)> model(const Bare& x, const Bare& y, float beta) {
  return [=](ModelBuilder& b) {
    const int in = b.input(x.shape, x.type, x.quant);
    b.op(Op::SOFTMAX, {in}, {b.output(y.shape, y.type, y.quant)},
         schema::CreateSoftmaxOptions(b.fbb(), beta), 3);
  };
}

// Shares of real numbers along the last dimension.
std::vector<double> shares(const std::vector<double>& x, size_t n, double beta) {
  std::vector<double> y(x.size());
  for (size_t row = 0; row < x.size(); row += n) {
    const double most = *std::max_element(x.begin() + static_cast<long>(row),
                                          x.begin() + static_cast<long>(row + n));
    double sum = 0;
    for (size_t i = row; i < row + n; ++i) sum += y[i] = std::exp((x[i] - most) * beta);
    for (size_t i = row; i < row + n; ++i) y[i] /= sum;
  }
  return y;
}

Quant result_quant(Type type) {
  return type == Type::int16 ? per_tensor(0x1p-15f)
                             : per_tensor(0x1p-8f, type == Type::int8 ? -128 : 0);
}

template <class T>
OpCase softmax(const Index& shape, float beta, double reach) {
  constexpr bool kReal = std::is_same_v<T, float>;
  const Quant x_quant = quant_for<T>({-reach, reach});
  const Quant y_quant = result_quant(type_of<T>());
  const double low = kReal ? -reach : std::numeric_limits<T>::lowest(),
               high = kReal ? reach : std::numeric_limits<T>::max();
  const std::vector<T> x = random_elements<T>(count(shape), 5, low, high);
  std::vector<double> real;
  for (T q : x) real.push_back(kReal ? static_cast<double>(q) : real_of(q, x_quant));
  std::vector<T> y;
  for (double share : shares(real, static_cast<size_t>(shape.back()), static_cast<double>(beta)))
    y.push_back(kReal ? static_cast<T>(share) : code_of<T>(share, y_quant));
  const auto quant = [&](const Quant& q) { return kReal ? std::optional<Quant>() : q; };
  const int steps = std::is_same_v<T, int16_t> ? 12 : 1;
  return {.name = std::string(type_name(type_of<T>())) + " " + std::to_string(shape.back()),
          .model = model({shape, type_of<T>(), quant(x_quant)},
                         {shape, type_of<T>(), quant(y_quant)}, beta),
          .inputs = {values(x)},
          .outputs = {values(y)},
          .shapes = {shape},
          .plain_steps = steps,
          .kernel_steps = steps};
}

template <class T>
std::vector<OpCase> all_shapes() {
  return {softmax<T>({1, 301}, 1, 6), softmax<T>({40, 21}, 1, 4), softmax<T>({2, 3, 4, 5}, 0.5f, 9),
          softmax<T>({7}, 2, 3), softmax<T>({3, 1}, 1, 5)};
}

TEST(Softmax, RealNumbers) {
  run_op_cases(all_shapes<float>());
  run_op_cases(all_shapes<int8_t>());
  run_op_cases(all_shapes<uint8_t>());
  run_op_cases(all_shapes<int16_t>());
}

// The largest element is subtracted first, so large numbers do not overflow.
TEST(Softmax, LargeNumbers) {
  run_op_cases({{.name = "floats",
                 .model = model({{3}}, {{3}}, 1),
                 .inputs = {values<float>({1e30f, 1e30f, -1e30f})},
                 .outputs = {values<float>({0.5f, 0.5f, 0})}},
                {.name = "scale",
                 .model = model({{3}, Type::int8, per_tensor(1e9f)},
                                {{3}, Type::int8, per_tensor(0x1p-8f, -128)}, 1),
                 .inputs = {values<int8_t>({100, 100, 99})},
                 .outputs = {values<int8_t>({0, 0, -128})}}});
}

// 8 bits to 16, and halves: 1/(1 + e^2 + e^1) and so on.
TEST(Softmax, OtherResults) {
  const Quant q = per_tensor(0.5f, 3), wide = per_tensor(0x1p-16f, -32768);
  const std::vector<double> y = {0.09003057, 0.66524096, 0.24472847};
  std::vector<int16_t> codes;
  std::vector<float> reals;
  for (double p : y) {
    codes.push_back(code_of<int16_t>(p, wide));
    reals.push_back(static_cast<float>(p));
  }
  run_op_cases({
      {.name = "int8 to int16",
       .model = model({{3}, Type::int8, q}, {{3}, Type::int16, wide}, 1),
       .inputs = {values<int8_t>({3, 7, 5})},
       .outputs = {values(codes)},
       .plain_steps = 4,
       .kernel_steps = 4},
      {.name = "uint8 to int16",
       .model = model({{3}, Type::uint8, q}, {{3}, Type::int16, wide}, 1),
       .inputs = {values<uint8_t>({3, 7, 5})},
       .outputs = {values(codes)},
       .plain_steps = 4,
       .kernel_steps = 4},
      {.name = "halves",
       .model = model({{3}, Type::float16}, {{3}, Type::float16}, 1),
       .inputs = {short_floats(Type::float16, {0, 2, 1})},
       .outputs = {short_floats(Type::float16, reals)},
       .plain_steps = 1},
  });
}

TEST(Softmax, Refuses) {
  const Quant q = per_tensor(0.1f, 3), eighth = per_tensor(0x1p-8f, -128);
  refuse_op_cases({
      {.name = "scalar", .model = model({{}}, {{}}, 1), .message = "expected rank 1 to 8"},
      {.name = "empty rows",
       .model = model({{2, 0}}, {{2, 0}}, 1),
       .message = "expected a last dimension >= 1"},
      {.name = "beta 0",
       .model = model({{2}}, {{2}}, 0),
       .message = "beta: expected a finite number > 0"},
      {.name = "beta",
       .model = model({{2}}, {{2}}, std::numeric_limits<float>::infinity()),
       .message = "beta: expected a finite number > 0"},
      {.name = "type",
       .model = model({{2}, Type::int32}, {{2}, Type::int32}, 1),
       .message = "type INT32 is not supported"},
      {.name = "result's type",
       .model = model({{2}, Type::int8, q}, {{2}, Type::uint8, q}, 1),
       .message = "output 0: expected type INT8"},
      {.name = "wide result's scale",
       .model = model({{2}, Type::int8, q}, {{2}, Type::int16, per_tensor(0x1p-15f)}, 1),
       .message = "expected scale 1/65536 and zero point -32768"},
      {.name = "result's scale",
       .model = model({{2}, Type::int8, q}, {{2}, Type::int8, q}, 1),
       .message = "expected scale 1/256"},
      {.name = "result's zero point",
       .model = model({{2}, Type::uint8, q}, {{2}, Type::uint8, per_tensor(0x1p-8f, 1)}, 1),
       .message = "zero point 0"},
      {.name = "no quantization",
       .model = model({{2}, Type::int8}, {{2}, Type::int8, eighth}, 1),
       .message = "input 0: expected quantization"},
  });
}

}  // namespace
}  // namespace cygnet::test
