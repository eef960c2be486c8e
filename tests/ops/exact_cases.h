// SPDX-License-Identifier: Apache-2.0
// Cases for operators on elements without quantization: the test gives the result of the elements
// that lie (after broadcasting) at the same place, in the elements' own types.
#pragma once

#include <string>
#include <vector>

#include "ops/real_cases.h"

namespace cygnet::test {

/// A bool element: one byte, 0 or 1.
struct Bool {
  uint8_t byte = 0;
  Bool() = default;
  Bool(bool b) : byte(b ? 1 : 0) {}
  operator bool() const { return byte != 0; }
};

template <class T>
constexpr Type element_type() {
  if constexpr (std::is_same_v<T, Bool>)
    return Type::boolean;
  else
    return type_of<T>();
}

/// As values(), of bool elements too.
template <class T>
Values elements(const std::vector<T>& list) {
  Values v{element_type<T>(), std::vector<uint8_t>(list.size() * sizeof(T))};
  if (!list.empty()) std::memcpy(v.bytes.data(), list.data(), v.bytes.size());
  return v;
}

template <class T>
std::vector<T> some(size_t n, uint32_t seed, double low, double high) {
  if constexpr (std::is_same_v<T, Bool>) {
    std::vector<Bool> out;
    for (int x : random_elements<int>(n, seed, 0, 1)) out.push_back(x != 0);
    return out;
  } else {
    return random_elements<T>(n, seed, low, high);
  }
}

/// Range that the operands' elements lie in.
struct Span {
  double low = -9, high = 9;
  double low_b = low, high_b = high;  ///< of the second operand
};

/// y = f(a, b), broadcast to `out`.
template <class T, class Y, class F>
OpCase pair_case(schema::BuiltinOperator code, const Index& a, const Index& b, const Index& out,
                 F f, Span span = {}) {
  const std::vector<T> x0 = some<T>(count(a), 5, span.low, span.high),
                       x1 = some<T>(count(b), 8, span.low_b, span.high_b);
  const std::vector<Y> y = tabulate<Y>(out, [&](const Index& index) {
    return static_cast<Y>(f(x0[broadcast_place(a, index)], x1[broadcast_place(b, index)]));
  });
  return {.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " +
                  type_name(element_type<T>()),
          .model =
              [=](ModelBuilder& m) {
                const int x = m.input(a, element_type<T>()), z = m.input(b, element_type<T>());
                m.op(code, {x, z}, {m.output(out, element_type<Y>())});
              },
          .inputs = {elements(x0), elements(x1)},
          .outputs = {elements(y)},
          .shapes = {out},
          .tolerance = 1e-5,
          .kernel_steps = 0};
}

/// pair_case for several ways of broadcasting.
template <class T, class Y = T, class F>
std::vector<OpCase> pair_cases(schema::BuiltinOperator code, F f, Span span = {}) {
  return {pair_case<T, Y>(code, {2, 3, 17}, {2, 3, 17}, {2, 3, 17}, f, span),
          pair_case<T, Y>(code, {2, 3, 5}, {}, {2, 3, 5}, f, span),
          pair_case<T, Y>(code, {1}, {7, 3}, {7, 3}, f, span),
          pair_case<T, Y>(code, {3, 1, 5}, {4, 1}, {3, 4, 5}, f, span),
          pair_case<T, Y>(code, {2, 1, 2, 1, 3}, {2, 1, 2, 1}, {2, 2, 2, 2, 3}, f, span),
          pair_case<T, Y>(code, {20000}, {1}, {20000}, f, span),
          pair_case<T, Y>(code, {0, 3}, {1, 3}, {0, 3}, f, span)};
}

/// y = f(x).
template <class T, class F>
OpCase each_case(schema::BuiltinOperator code, const Index& shape, F f, Span span = {}) {
  const std::vector<T> x = some<T>(count(shape), 3, span.low, span.high);
  std::vector<T> y;
  for (const T& element : x) y.push_back(static_cast<T>(f(element)));
  return {.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " +
                  type_name(element_type<T>()),
          .model = bare_model(code, {{shape, element_type<T>()}}, {shape, element_type<T>()}),
          .inputs = {elements(x)},
          .outputs = {elements(y)},
          .shapes = {shape},
          .kernel_steps = 0};
}

}  // namespace cygnet::test
