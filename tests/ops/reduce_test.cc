// SPDX-License-Identifier: Apache-2.0
// MEAN, ARG_MAX, ARG_MIN.
#include <gtest/gtest.h>

#include "ops/real_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

/// The output's shape, and for each input index the place in the output.
struct Reduction {
  Index out;
  Index kept;  ///< the same with reduced dimensions 1
};
Reduction reduction(const Index& shape, const Index& axes, bool keep) {
  Reduction r;
  for (int32_t i = 0; i < static_cast<int32_t>(shape.size()); ++i) {
    const bool reduced = std::any_of(axes.begin(), axes.end(), [&](int32_t a) {
      return (a + static_cast<int32_t>(shape.size())) % static_cast<int32_t>(shape.size()) == i;
    });
    r.kept.push_back(reduced ? 1 : shape[static_cast<size_t>(i)]);
    if (!reduced || keep) r.out.push_back(r.kept.back());
  }
  return r;
}

template <class T>
OpCase mean(const Index& shape, const Index& axes, bool keep, bool known = true) {
  constexpr bool kQuantized = sizeof(T) < 4;
  const Reduction r = reduction(shape, axes, keep);
  const Range range = {-3, 5}, out_range = {-1, 2.5};
  const Quant x_quant = kQuantized ? quant_for<T>(range) : Quant(),
              y_quant = kQuantized ? quant_for<T>(out_range) : Quant();
  const double low = kQuantized ? static_cast<double>(std::numeric_limits<T>::lowest()) : -100.0;
  const double high = kQuantized ? static_cast<double>(std::numeric_limits<T>::max()) : 100.0;
  const std::vector<T> x = random_elements<T>(count(shape), 11, low, high);
  std::vector<double> sums(count(r.kept));
  size_t at = 0;
  tabulate<int>(shape, [&](const Index& index) {
    const T q = x[at++];
    sums[broadcast_place(r.kept, index)] +=
        kQuantized ? real_of(q, x_quant.scales.empty() ? per_tensor(1) : x_quant)
                   : static_cast<double>(q);
    return 0;
  });
  std::vector<T> y;
  for (double sum : sums) {
    const double m = sum / (static_cast<double>(x.size()) / static_cast<double>(sums.size()));
    y.push_back(kQuantized ? code_of<T>(m, y_quant.scales.empty() ? per_tensor(1) : y_quant)
                           : static_cast<T>(m));
  }
  const auto quant = [&](const Quant& q) {
    return kQuantized ? std::optional<Quant>(q) : std::nullopt;
  };
  OpCase c{.name = std::string(type_name(type_of<T>())) + " of " + std::to_string(shape.size()) +
                   " dimensions",
           .model =
               [=](ModelBuilder& b) {
                 const int in = b.input(shape, type_of<T>(), quant(x_quant));
                 const Index axes_shape = {static_cast<int32_t>(axes.size())};
                 const int a = known ? b.constant<int32_t>(axes_shape, axes)
                                     : b.input(axes_shape, Type::int32);
                 b.op(Op::MEAN, {in, a}, {b.output(r.out, type_of<T>(), quant(y_quant))},
                      schema::CreateReducerOptions(b.fbb(), keep));
               },
           .inputs = {values(x)},
           .outputs = {values(y)},
           .shapes = {r.out},
           .tolerance = 1e-5,
           .plain_steps = kQuantized ? 1 : 0,
           .kernel_steps = kQuantized ? 1 : 0};
  if (!known) c.inputs.push_back(values<int32_t>(axes));
  return c;
}

template <class T>
std::vector<OpCase> means() {
  return {mean<T>({2, 5, 7, 33}, {1, 2}, false),
          mean<T>({1, 7, 7, 64}, {1, 2}, true),
          mean<T>({4, 50}, {-1}, false),
          mean<T>({9, 5}, {0}, true),
          mean<T>({3, 4, 5}, {0, 1, 2}, false),
          mean<T>({3, 4, 5, 2}, {2, 0}, false),
          mean<T>({2, 3, 2, 3, 2, 2}, {1, -2, 5}, true),
          mean<T>({2, 3}, {0}, false, false),
          mean<T>({0, 3}, {1}, false)};
}

TEST(Mean, Cases) {
  run_op_cases(means<float>());
  run_op_cases(means<int8_t>());
  run_op_cases(means<uint8_t>());
  run_op_cases(means<int16_t>());
  run_op_cases({mean<int32_t>({3, 4, 5}, {1}, false), mean<int64_t>({3, 4, 5}, {0, 2}, true),
                mean<float>({2, 3}, {}, false)});
}

std::function<void(ModelBuilder&)> mean_model(const Index& shape, const Index& axes,
                                              Type axes_type = Type::int32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(shape);
    const Index axes_shape = {static_cast<int32_t>(axes.size())};
    const int a = axes_type == Type::int32 ? b.constant<int32_t>(axes_shape, axes)
                                           : b.input(axes_shape, axes_type);
    b.op(Op::MEAN, {x, a}, {b.output({1})}, schema::CreateReducerOptions(b.fbb(), false));
  };
}

TEST(Mean, Refuses) {
  refuse_op_cases({
      {.name = "axis",
       .model = mean_model({2, 3}, {2}),
       .message = "input 1: axis: expected -2 to 1, got 2"},
      {.name = "axis twice",
       .model = mean_model({2, 3}, {1, -1}),
       .message = "axis 1 is listed twice"},
      {.name = "axes of rank 2",
       .model = bare_model(Op::MEAN, {{{2, 3}}, {{1, 1}, Type::int32}}, {{2}}),
       .message = "input 1: expected rank 0 to 1, got 2"},
      {.name = "axis twice while running",
       .model = bare_model(Op::MEAN, {{{2, 3}}, {{2}, Type::int32}}, {{1}}),
       .message = "axis 0 is listed twice",
       .inputs = {values(std::vector<float>(6)), values<int32_t>({0, -2})}},
      {.name = "axis of a scalar", .model = mean_model({}, {0}), .message = "input 1: axis"},
      {.name = "axes' type",
       .model = mean_model({2, 3}, {0}, Type::int64),
       .message = "input 1: expected type INT32"},
      {.name = "nothing to average",
       .model = mean_model({2, 0}, {1}),
       .message = "no mean of 0 elements"},
      {.name = "type",
       .model =
           bare_model(Op::MEAN, {{{2}, Type::boolean}, {{1}, Type::int32}}, {{1}, Type::boolean}),
       .message = "type BOOL is not supported"},
  });
}

template <class T, class I>
OpCase arg(Op code, const Index& shape, int32_t axis, double low, double high) {
  const std::vector<T> x = random_elements<T>(count(shape), 23, low, high);
  const Index out = reduction(shape, {axis}, false).out;
  const size_t at =
      static_cast<size_t>(axis < 0 ? axis + static_cast<int32_t>(shape.size()) : axis);
  const std::vector<I> y = tabulate<I>(out, [&](Index index) {
    index.insert(index.begin() + static_cast<long>(at), 0);
    int32_t best = 0;
    T best_value = x[flat(shape, index)];
    for (int32_t i = 1; i < shape[at]; ++i) {
      index[at] = i;
      const T value = x[flat(shape, index)];
      if (code == Op::ARG_MAX ? value > best_value : value < best_value)
        best = i, best_value = value;
    }
    return static_cast<I>(best);
  });
  return {
      .name = std::string(schema::EnumNameBuiltinOperator(code)) + " " + type_name(type_of<T>()),
      .model =
          [=](ModelBuilder& b) {
            const int in = b.input(shape, type_of<T>()), a = b.constant<int32_t>({}, {axis});
            b.op(code, {in, a}, {b.output(out, type_of<I>())});
          },
      .inputs = {values(x)},
      .outputs = {values(y)},
      .shapes = {out},
      .kernel_steps = 0};
}

TEST(ArgMax, Cases) {
  std::vector<OpCase> cases;
  for (Op code : {Op::ARG_MAX, Op::ARG_MIN}) {
    cases.push_back(arg<float, int32_t>(code, {40, 21}, -1, -3, 3));
    cases.push_back(arg<float, int64_t>(code, {3, 1001}, 1, -3, 3));
    cases.push_back(arg<uint8_t, int32_t>(code, {5, 40, 21}, 2, 0, 9));
    cases.push_back(arg<uint8_t, int64_t>(code, {5, 21, 4}, 1, 0, 255));
    cases.push_back(arg<int8_t, int32_t>(code, {300, 3}, -1, -128, 127));
    cases.push_back(arg<int8_t, int32_t>(code, {7}, 0, -2, 2));
    cases.push_back(arg<int32_t, int32_t>(code, {2, 3, 70}, -1, -9, 9));
    cases.push_back(arg<int32_t, int64_t>(code, {0, 3}, 1, -9, 9));
  }
  run_op_cases(cases);
}

std::function<void(ModelBuilder&)> arg_model(const Bare& x, const Values& axis,
                                             const Index& axis_shape, Type out) {
  return [=](ModelBuilder& b) {
    const int in = b.input(x.shape, x.type, x.quant),
              a = b.constant_bytes(axis_shape, axis.type, axis.bytes);
    b.op(Op::ARG_MAX, {in, a}, {b.output({1}, out)});
  };
}

TEST(ArgMax, Refuses) {
  const Values zero = values<int32_t>({0});
  refuse_op_cases({
      {.name = "axis",
       .model = arg_model({{2, 3}}, values<int32_t>({-3}), {}, Type::int32),
       .message = "input 1: axis: expected -2 to 1, got -3"},
      {.name = "wide axis",
       .model = arg_model({{2, 3}}, values<int64_t>({int64_t{1} << 32}), {}, Type::int32),
       .message = "input 1: axis"},
      {.name = "scalar",
       .model = arg_model({{}}, zero, {}, Type::int32),
       .message = "input 1: axis"},
      {.name = "two axes",
       .model = arg_model({{2, 3}}, values<int32_t>({0, 1}), {2}, Type::int32),
       .message = "input 1: expected 1 elements"},
      {.name = "no axis",
       .model = arg_model({{2, 3}}, values<int32_t>({}), {0}, Type::int32),
       .message = "input 1: expected 1 elements"},
      {.name = "axis type",
       .model = arg_model({{2, 3}}, values<float>({0}), {}, Type::int32),
       .message = "input 1: type FLOAT32 is not supported"},
      {.name = "result",
       .model = arg_model({{2, 3}}, zero, {}, Type::float32),
       .message = "output 0: type FLOAT32 is not supported"},
      {.name = "type",
       .model = arg_model({{2}, Type::int64}, zero, {}, Type::int32),
       .message = "input 0: type INT64 is not supported"},
      {.name = "nothing to compare",
       .model = arg_model({{2, 0}}, values<int32_t>({1}), {}, Type::int32),
       .message = "no largest of 0 elements"},
  });
}

}  // namespace
}  // namespace cygnet::test
