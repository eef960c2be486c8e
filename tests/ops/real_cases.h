// SPDX-License-Identifier: Apache-2.0
// Cases for operators that compute every element of the result by a formula from the elements of
// the inputs that lie (after broadcasting) at the same place. The test gives the formula in
// float64; the harness's cases follow for floats and for quantized types, whose results may be 1
// step off.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/number.h"
#include "ops/movement_cases.h"
#include "support/op_harness.h"

namespace cygnet::test {

/// Real numbers that a tensor spans.
struct Range {
  double low = -1;
  double high = 1;
};

/// An operator, its formula, the shapes and ranges of its operands.
struct Formula {
  std::string name;
  std::vector<Index> in;
  Index out;
  /// Adds the operator: `x` are the inputs, `y` the output.
  std::function<void(ModelBuilder&, const std::vector<int>& x, int y)> add;
  /// The result from one element of each input.
  std::function<double(const std::vector<double>&)> f;
  std::vector<Range> range = {};  ///< of the inputs; missing ones: [−1, 1]
  Range out_range = {};           ///< of the output of quantized types
  double tolerance = 2e-6;        ///< of floats
  std::vector<Quant> quant = {};  ///< instead of what the ranges give: inputs, then the output
};

/// Scale and zero point for a range; int16 has zero point 0.
template <class T>
Quant quant_for(Range r) {
  if constexpr (std::is_floating_point_v<T>) {
    return {};
  } else if constexpr (std::is_same_v<T, int16_t>) {
    return per_tensor(static_cast<float>(std::max(std::abs(r.low), std::abs(r.high)) / 32767));
  } else {
    const auto scale = static_cast<float>((r.high - r.low) / 255);
    const double least = std::numeric_limits<T>::lowest();
    return per_tensor(scale, std::clamp<int64_t>(
                                 std::llround(least - r.low / static_cast<double>(scale)),
                                 std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
  }
}

/// Place in a tensor of `shape` of what is broadcast to `index` of a result.
inline size_t broadcast_place(const Index& shape, const Index& index) {
  Index own(shape.size());
  for (size_t i = 0; i < shape.size(); ++i)
    own[i] = shape[i] == 1 ? 0 : index[index.size() - shape.size() + i];
  return flat(shape, own);
}

template <class T>
double real_of(T q, const Quant& quant) {
  return static_cast<double>(quant.scales[0]) *
         (static_cast<double>(q) - static_cast<double>(quant.zero_points[0]));
}

/// The code for a real number, halves away from zero, within T.
template <class T>
T code_of(double real, const Quant& quant) {
  const double q = std::round(real / static_cast<double>(quant.scales[0])) +
                   static_cast<double>(quant.zero_points[0]);
  return static_cast<T>(std::clamp(q, static_cast<double>(std::numeric_limits<T>::lowest()),
                                   static_cast<double>(std::numeric_limits<T>::max())));
}

/// The case for floats, or for a quantized T.
template <class T>
OpCase formula_case(const Formula& formula) {
  constexpr bool kReal = std::is_same_v<T, float>;
  std::vector<std::vector<T>> in;
  std::vector<Quant> quant = formula.quant;
  OpCase c;
  c.name = formula.name + " of " + type_name(type_of<T>());
  c.tolerance = formula.tolerance;
  c.plain_steps = 1;
  for (size_t i = 0; i < formula.in.size(); ++i) {
    const Range range = i < formula.range.size() ? formula.range[i] : Range{};
    const auto seed = static_cast<uint32_t>(17 * i + formula.name.size());
    const double low = kReal ? range.low : std::numeric_limits<T>::lowest(),
                 high = kReal ? range.high : std::numeric_limits<T>::max();
    in.push_back(random_elements<T>(count(formula.in[i]), seed, low, high));
    c.inputs.push_back(values(in.back()));
    if (formula.quant.empty() && !kReal) quant.push_back(quant_for<T>(range));
  }
  if (formula.quant.empty() && !kReal) quant.push_back(quant_for<T>(formula.out_range));
  const auto expected = [&](const Index& index) {
    std::vector<double> x;
    for (size_t i = 0; i < in.size(); ++i) {
      const T element = in[i][broadcast_place(formula.in[i], index)];
      x.push_back(kReal ? static_cast<double>(element) : real_of(element, quant[i]));
    }
    const double y = formula.f(x);
    return kReal ? static_cast<T>(y) : code_of<T>(y, quant.back());
  };
  c.outputs = {values(tabulate<T>(formula.out, expected))};
  c.shapes = {formula.out};
  c.model = [formula, quant](ModelBuilder& b) {
    const auto of = [&](size_t i) { return kReal ? std::optional<Quant>() : quant[i]; };
    std::vector<int> x;
    for (size_t i = 0; i < formula.in.size(); ++i)
      x.push_back(b.input(formula.in[i], type_of<T>(), of(i)));
    formula.add(b, x, b.output(formula.out, type_of<T>(), of(formula.in.size())));
  };
  return c;
}

/// Runs formulas for each of the element types.
template <class... T>
void run_formulas(const std::vector<Formula>& formulas) {
  std::vector<OpCase> cases;
  for (const Formula& formula : formulas) (cases.push_back(formula_case<T>(formula)), ...);
  run_op_cases(cases);
}

/// A model of one operator for tests of refusals: operands as (shape, type, quantization).
struct Bare {
  Index shape = {2};
  Type type = Type::float32;
  std::optional<Quant> quant = {};
};
inline std::function<void(ModelBuilder&)> bare_model(schema::BuiltinOperator code,
                                                     std::vector<Bare> in, Bare out,
                                                     int version = 1) {
  return [=](ModelBuilder& b) {
    std::vector<int> x;
    for (const Bare& t : in) x.push_back(b.input(t.shape, t.type, t.quant));
    b.op(code, x, {b.output(out.shape, out.type, out.quant)}, version);
  };
}

/// A formula of one input and one output of the same shape.
inline Formula unary(schema::BuiltinOperator code, double (*f)(double), const Index& shape,
                     Range range, Range out_range = {}) {
  return {
      .name = std::string(schema::EnumNameBuiltinOperator(code)) + " " + std::to_string(range.high),
      .in = {shape},
      .out = shape,
      .add = [=](ModelBuilder& m, const std::vector<int>& x, int y) { m.op(code, x, {y}); },
      .f = [=](const std::vector<double>& x) { return f(x[0]); },
      .range = {range},
      .out_range = out_range};
}

/// FLOAT16 or BFLOAT16 elements, rounded from floats.
inline Values short_floats(Type type, const std::vector<float>& elements) {
  std::vector<uint16_t> bits;
  for (float x : elements)
    bits.push_back(type == Type::float16 ? float_to_half(x) : float_to_bfloat16(x));
  Values v = values(bits);
  v.type = type;
  return v;
}

/// A case of one input of FLOAT16 or BFLOAT16.
inline OpCase short_case(schema::BuiltinOperator code, Type type, const std::vector<float>& x,
                         const std::vector<float>& y) {
  const Index shape = {static_cast<int32_t>(x.size())};
  return {.name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " + type_name(type),
          .model = bare_model(code, {{shape, type}}, {shape, type}),
          .inputs = {short_floats(type, x)},
          .outputs = {short_floats(type, y)}};
}

/// A case of one quantized input and output; T is int8_t, uint8_t or int16_t.
template <class T>
OpCase codes(schema::BuiltinOperator code, Quant x_quant, const std::vector<T>& x, Quant y_quant,
             const std::vector<T>& y, int version = 2) {
  const Index shape = {static_cast<int32_t>(x.size())};
  return {
      .name = std::string(schema::EnumNameBuiltinOperator(code)) + " of " + type_name(type_of<T>()),
      .model = bare_model(code, {{shape, type_of<T>(), x_quant}}, {shape, type_of<T>(), y_quant},
                          version),
      .inputs = {values(x)},
      .outputs = {values(y)},
      .kernel_steps = 0};
}

/// A case of one input of floats.
inline OpCase floats(schema::BuiltinOperator code, const std::vector<float>& x,
                     const std::vector<float>& y) {
  const Index shape = {static_cast<int32_t>(x.size())};
  return {.name = schema::EnumNameBuiltinOperator(code),
          .model = bare_model(code, {{shape}}, {shape}),
          .inputs = {values(x)},
          .outputs = {values(y)}};
}

}  // namespace cygnet::test
