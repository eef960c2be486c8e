// SPDX-License-Identifier: Apache-2.0
// SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_ANY, REDUCE_ALL.
#include <gtest/gtest.h>

#include "ops/exact_cases.h"

namespace cygnet::test {
namespace {

using Op = schema::BuiltinOperator;

/// The result's shape, dimensions reduced to 1 kept or dropped.
Index kept_shape(const Index& shape, const Index& axes) {
  Index kept = shape;
  for (int32_t a : axes)
    kept[static_cast<size_t>(a < 0 ? a + static_cast<int32_t>(shape.size()) : a)] = 1;
  return kept;
}

struct Layout {
  Index shape, axes;
  bool keep = false;
  Index out;
  bool known = true;  ///< the axes are a constant
};

const std::vector<Layout> kLayouts = {
    {{2, 5, 7, 9}, {1, 2}, false, {2, 9}},
    {{1, 4, 4, 33}, {1, 2}, true, {1, 1, 1, 33}},
    {{3, 4, 17}, {-1}, false, {3, 4}},
    {{6, 5}, {0}, true, {1, 5}},
    {{3, 4, 5}, {0, 1, 2}, false, {}},
    {{3, 4, 5, 2}, {2, 0}, false, {4, 2}},
    {{2, 3, 2, 3, 2, 2}, {1, -2, 5}, true, {2, 1, 2, 3, 1, 1}},
    {{2, 3}, {}, false, {2, 3}},
    {{2, 3}, {0}, false, {3}, false},
    {{2, 3}, {0, 1}, true, {1, 1}, false},
    {{3, 0}, {1}, false, {3}},
    {{0, 3}, {1}, true, {0, 1}},
};

template <class T, class F>
OpCase reduction(Op code, const Layout& l, T start, F fold) {
  const double reach = code == Op::REDUCE_PROD ? 2 : 100;
  const std::vector<T> x = some<T>(count(l.shape), 11, -reach, reach);
  const Index kept = kept_shape(l.shape, l.axes);
  std::vector<T> y(count(kept), start);
  size_t at = 0;
  tabulate<int>(l.shape, [&](const Index& index) {
    T& result = y[broadcast_place(kept, index)];
    result = static_cast<T>(fold(result, x[at++]));
    return 0;
  });
  OpCase c{.name = std::string(schema::EnumNameBuiltinOperator(code)) + " " +
                   type_name(element_type<T>()) + " of " + std::to_string(l.shape.size()) +
                   " dimensions",
           .model =
               [=](ModelBuilder& b) {
                 const int in = b.input(l.shape, element_type<T>());
                 const Index axes_shape = {static_cast<int32_t>(l.axes.size())};
                 const int a = l.known ? b.constant<int32_t>(axes_shape, l.axes)
                                       : b.input(axes_shape, Type::int32);
                 b.op(code, {in, a}, {b.output(l.out, element_type<T>())},
                      schema::CreateReducerOptions(b.fbb(), l.keep));
               },
           .inputs = {elements(x)},
           .outputs = {elements(y)},
           .shapes = {l.out},
           .tolerance = 2e-5,
           .kernel_steps = 0};
  if (!l.known) c.inputs.push_back(values<int32_t>(l.axes));
  return c;
}

template <class T, class F>
void run_reductions(Op code, T start, F fold) {
  std::vector<OpCase> cases;
  for (const Layout& l : kLayouts) cases.push_back(reduction<T>(code, l, start, fold));
  run_op_cases(cases);
}

template <class T>
void run_numbers() {
  using Limits = std::numeric_limits<T>;
  const T high = Limits::has_infinity ? Limits::infinity() : Limits::max(),
          low = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  if constexpr (sizeof(T) >= 4) run_reductions<T>(Op::SUM, 0, [](T a, T b) { return a + b; });
  run_reductions<T>(Op::REDUCE_MAX, low, [](T a, T b) { return std::max(a, b); });
  run_reductions<T>(Op::REDUCE_MIN, high, [](T a, T b) { return std::min(a, b); });
}

TEST(Reductions, Numbers) {
  run_numbers<float>();
  run_numbers<int32_t>();
  run_numbers<int64_t>();
  run_numbers<int8_t>();
  run_numbers<uint8_t>();
  run_numbers<int16_t>();
}

TEST(Reductions, Products) {
  run_reductions<float>(Op::REDUCE_PROD, 1, [](float a, float b) { return a * b; });
  const auto wrapping = [](auto a, auto b) {
    return static_cast<uint64_t>(a) * static_cast<uint64_t>(b);
  };
  run_reductions<int32_t>(Op::REDUCE_PROD, 1, wrapping);
  run_reductions<int64_t>(Op::REDUCE_PROD, 1, wrapping);
  run_reductions<int8_t>(Op::REDUCE_PROD, 1, wrapping);
  run_reductions<uint8_t>(Op::REDUCE_PROD, 1, wrapping);
  run_reductions<int16_t>(Op::REDUCE_PROD, 1, wrapping);
}

// Rows of 4, quantized: the sum, the product and the largest of each.
template <class T>
void run_quantized() {
  const Quant x_quant = quant_for<T>({-1.5, 1.5}), y_quant = quant_for<T>({-4, 4});
  const std::vector<T> x = random_elements<T>(4 * 50, 3, std::numeric_limits<T>::lowest(),
                                              std::numeric_limits<T>::max());
  std::vector<T> sums, products, most;
  for (size_t row = 0; row < 50; ++row) {
    double sum = 0, product = 1;
    for (size_t i = 0; i < 4; ++i) {
      sum += real_of(x[4 * row + i], x_quant);
      product *= real_of(x[4 * row + i], x_quant);
    }
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(4 * row);
    sums.push_back(code_of<T>(sum, y_quant));
    products.push_back(code_of<T>(product, y_quant));
    most.push_back(*std::max_element(first, first + 4));
  }
  const auto with = [&](Op code, const std::vector<T>& y, const Quant& quant, int steps) {
    return OpCase{.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of quantized " +
                          type_name(type_of<T>()),
                  .model =
                      [=](ModelBuilder& b) {
                        const int in = b.input({50, 4}, type_of<T>(), x_quant),
                                  axes = b.constant<int32_t>({}, {-1});
                        b.op(code, {in, axes}, {b.output({50}, type_of<T>(), quant)});
                      },
                  .inputs = {values(x)},
                  .outputs = {values(y)},
                  .plain_steps = steps,
                  .kernel_steps = steps};
  };
  run_op_cases({with(Op::SUM, sums, y_quant, 1), with(Op::REDUCE_MAX, most, x_quant, 0)});
  // The multiplier of products has 15 bits.
  if (std::is_signed_v<T>)
    run_op_cases({with(Op::REDUCE_PROD, products, y_quant, sizeof(T) == 1 ? 2 : 8)});
}

TEST(Reductions, Quantized) {
  run_quantized<int8_t>();
  run_quantized<uint8_t>();
  run_quantized<int16_t>();
}

TEST(Reductions, Booleans) {
  run_reductions<Bool>(Op::REDUCE_ANY, false, [](bool a, bool b) { return a || b; });
  run_reductions<Bool>(Op::REDUCE_ALL, true, [](bool a, bool b) { return a && b; });
}

TEST(Reductions, SumsWrap) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  run_op_cases({{.name = "wraps",
                 .model =
                     [](ModelBuilder& b) {
                       const int x = b.input({2}, Type::int32), a = b.constant<int32_t>({}, {0});
                       b.op(Op::SUM, {x, a}, {b.output({}, Type::int32)});
                     },
                 .inputs = {values<int32_t>({kMost, 1})},
                 .outputs = {values<int32_t>({-kMost - 1})},
                 .kernel_steps = 0}});
}

std::function<void(ModelBuilder&)> bad(Op code, Type type, const Index& axes,
                                       std::optional<Quant> quant = {}) {
  return [=](ModelBuilder& b) {
    const int x = b.input({2, 3}, type, quant);
    const int a = b.constant<int32_t>({static_cast<int32_t>(axes.size())}, axes);
    b.op(code, {x, a}, {b.output({1}, type, quant)});
  };
}

TEST(Reductions, Refuses) {
  refuse_op_cases({
      {.name = "axis",
       .model = bad(Op::SUM, Type::float32, {2}),
       .message = "input 1: axis: expected -2 to 1, got 2"},
      {.name = "axis twice",
       .model = bad(Op::REDUCE_MAX, Type::float32, {1, -1}),
       .message = "axis 1 is listed twice"},
      {.name = "type",
       .model = bad(Op::SUM, Type::uint32, {1}),
       .message = "input 0: type UINT32 is not supported"},
      {.name = "sum without scale",
       .model = bad(Op::SUM, Type::int8, {1}),
       .message = "input 0: expected quantization"},
      {.name = "product of quantized UINT8",
       .model = bad(Op::REDUCE_PROD, Type::uint8, {1}, per_tensor(1)),
       .message = "quantized UINT8 is not supported"},
      {.name = "product of 16 bits",
       .model = bad(Op::REDUCE_PROD, Type::int16, {1}, per_tensor(1, 2)),
       .message = "INT16: expected zero points 0"},
      {.name = "scales of REDUCE_MAX",
       .model = bare_model(Op::REDUCE_MAX, {{{2}, Type::int8, per_tensor(1)}, {{1}, Type::int32}},
                           {{1}, Type::int8, per_tensor(2)}),
       .message = "output 0: expected scale 1"},
      {.name = "numbers",
       .model = bad(Op::REDUCE_ANY, Type::int32, {1}),
       .message = "input 0: expected type BOOL, got INT32"},
      {.name = "booleans",
       .model = bad(Op::REDUCE_PROD, Type::boolean, {1}),
       .message = "input 0: type BOOL is not supported"},
      {.name = "axes' type",
       .model = bare_model(Op::SUM, {{{2}}, {{1}, Type::int64}}, {{1}}),
       .message = "input 1: expected type INT32"},
      {.name = "output type",
       .model = bare_model(Op::SUM, {{{2}}, {{1}, Type::int32}}, {{1}, Type::int32}),
       .message = "output 0: expected type FLOAT32"},
  });
}

}  // namespace
}  // namespace cygnet::test
