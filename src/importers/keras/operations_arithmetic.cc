// SPDX-License-Identifier: Apache-2.0
// Operations on the elements of tensors, and reductions.
#include <algorithm>
#include <numeric>

#include "importers/keras/operations.h"

namespace cygnet::keras {
namespace {

const Argument& first(const Layer& l) {
  return argument(l, 0, {"x1", "x", "a"});
}
const Argument& second(const Layer& l) {
  return argument(l, 1, {"x2", "y", "b"});
}

template <Builtin op, class Options>
Tensors binary(Layer& l) {
  const Type type = common_type(l, {&first(l), &second(l)});
  return {l.add(op, {operand(l, first(l), type), operand(l, second(l), type)}, Options())};
}

// As binary, over reals whatever the operands are.
template <Builtin op, class Options>
Tensors real_binary(Layer& l) {
  const int32_t a = operand(l, first(l), Type::float32), b = operand(l, second(l), Type::float32);
  return {l.add(op, {a, b}, Options())};
}

template <Builtin op, class Options>
Tensors comparison(Layer& l) {
  const Type type = common_type(l, {&first(l), &second(l)});
  return {l.add_typed(op, {operand(l, first(l), type), operand(l, second(l), type)}, Type::boolean,
                      Options())};
}

template <Builtin op, class Options>
Tensors logical(Layer& l) {
  const int32_t a = operand(l, first(l), Type::boolean), b = operand(l, second(l), Type::boolean);
  return {l.add(op, {a, b}, Options())};
}

Tensors logical_xor(Layer& l) {
  const int32_t a = operand(l, first(l), Type::boolean), b = operand(l, second(l), Type::boolean);
  return {l.add(Builtin::NOT_EQUAL, {a, b}, schema::NotEqualOptionsT())};
}

Tensors logical_not(Layer& l) {
  return {l.add(Builtin::LOGICAL_NOT, {l.cast(l.input(), Type::boolean)},
                schema::LogicalNotOptionsT())};
}

template <Builtin op, class Options = NoOptions>
Tensors unary(Layer& l) {
  return {l.add(op, {l.input()}, Options())};
}

// As unary, over reals.
template <Builtin op, class Options = NoOptions>
Tensors real_unary(Layer& l) {
  return {l.add(op, {l.to_float(l.input())}, Options())};
}

int32_t exponential(Layer& l, int32_t x) {
  return l.add(Builtin::EXP, {x}, schema::ExpOptionsT());
}
int32_t logarithm(Layer& l, int32_t x) {
  return l.add(Builtin::LOG, {x});
}

Tensors square(Layer& l) {
  return {l.times(l.input(), l.input())};
}
Tensors negative(Layer& l) {
  return {l.add(Builtin::NEG, {l.input()}, schema::NegOptionsT())};
}
Tensors reciprocal(Layer& l) {
  return {l.over(l.e.scalar(1.0f), l.to_float(l.input()))};
}
Tensors log1p(Layer& l) {
  return {logarithm(l, l.plus(l.to_float(l.input()), 1.0f))};
}
Tensors log2(Layer& l) {
  return {l.times(logarithm(l, l.to_float(l.input())), 1.44269504f)};
}
Tensors log10(Layer& l) {
  return {l.times(logarithm(l, l.to_float(l.input())), 0.434294482f)};
}
Tensors expm1(Layer& l) {
  return {l.plus(exponential(l, l.to_float(l.input())), -1.0f)};
}
Tensors exp2(Layer& l) {
  return {exponential(l, l.times(l.to_float(l.input()), 0.693147181f))};
}
Tensors tangent(Layer& l) {
  const int32_t x = l.to_float(l.input());
  return {l.over(l.add(Builtin::SIN, {x}), l.add(Builtin::COS, {x}, schema::CosOptionsT()))};
}
// (e^x ± e^−x) / 2
template <int sign>
Tensors hyperbolic(Layer& l) {
  const int32_t x = l.to_float(l.input());
  const int32_t up = exponential(l, x), down = exponential(l, l.times(x, -1.0f));
  return {l.times(sign > 0 ? l.plus(up, down) : l.minus(up, down), 0.5f)};
}
Tensors truncate(Layer& l) {
  const int32_t x = l.input();
  const int32_t size = l.add(Builtin::ABS, {x}, schema::AbsOptionsT());
  return {
      l.times(l.add(Builtin::SIGN, {x}, schema::SignOptionsT()), l.add(Builtin::FLOOR, {size}))};
}
Tensors is_nan(Layer& l) {
  return {l.add_typed(Builtin::NOT_EQUAL, {l.input(), l.input()}, Type::boolean,
                      schema::NotEqualOptionsT())};
}
Tensors zeros(Layer& l) {
  return {l.add(Builtin::ZEROS_LIKE, {l.input()}, schema::ZerosLikeOptionsT())};
}
Tensors ones(Layer& l) {
  Argument one;
  one.literal = Config::number_value(1, l.name);
  return {l.plus(zeros(l)[0], operand(l, one, l.e.type(l.input())))};
}

Tensors power(Layer& l) {
  const Argument& exponent = second(l);
  if (!exponent.is_tensor() && exponent.literal.is_number() && exponent.literal.number() == 2) {
    const int32_t x = operand(l, first(l), common_type(l, {&first(l), &exponent}));
    return {l.times(x, x)};
  }
  return binary<Builtin::POW, schema::PowOptionsT>(l);
}

// 0 where the divisor is 0.
Tensors divide_no_nan(Layer& l) {
  const int32_t a = operand(l, first(l), Type::float32), b = operand(l, second(l), Type::float32);
  const int32_t none =
      l.add_typed(Builtin::EQUAL, {b, l.e.scalar(0.0f)}, Type::boolean, schema::EqualOptionsT());
  return {l.select(none, l.e.scalar(0.0f), l.over(a, b))};
}

// LiteRT's operator does not broadcast.
Tensors arc_tangent_2(Layer& l) {
  int32_t a = operand(l, first(l), Type::float32), b = operand(l, second(l), Type::float32);
  const schema::ZerosLikeOptionsT none;
  if (!(l.e.shape(a) == l.e.shape(b))) {
    const int32_t y = l.plus(a, l.add(Builtin::ZEROS_LIKE, {b}, none));
    b = l.plus(b, l.add(Builtin::ZEROS_LIKE, {a}, none));
    a = y;
  }
  return {l.add(Builtin::ATAN2, {a, b}, schema::ATan2OptionsT())};
}

// max + log(1 + e^−|a − b|)
Tensors log_add_exp(Layer& l) {
  const int32_t a = operand(l, first(l), Type::float32), b = operand(l, second(l), Type::float32);
  const int32_t gap = l.add(Builtin::ABS, {l.minus(a, b)}, schema::AbsOptionsT());
  const int32_t rest = logarithm(l, l.plus(exponential(l, l.times(gap, -1.0f)), 1.0f));
  return {l.plus(l.add(Builtin::MAXIMUM, {a, b}, schema::MaximumMinimumOptionsT()), rest)};
}

Tensors clip(Layer& l) {
  int32_t x = l.input();
  const auto bound = [&](std::initializer_list<const char*> keys, size_t i, Builtin op) {
    Argument limit;
    limit.literal = setting(l, keys, i);
    if (limit.literal.null()) return;
    if (is_real(limit)) x = l.to_float(x);
    x = l.add(op, {x, operand(l, limit, l.e.type(x))}, schema::MaximumMinimumOptionsT());
  };
  bound({"x_min", "clip_value_min", "a_min"}, 1, Builtin::MAXIMUM);
  bound({"x_max", "clip_value_max", "a_max"}, 2, Builtin::MINIMUM);
  return {x};
}

Tensors cast(Layer& l) {
  const std::string type = setting(l, {"dtype"}, 1).text();
  if (type.rfind("float", 0) == 0 || type == "bfloat16") return {l.to_float(l.input())};
  if (type == "int32") return {l.cast(l.input(), Type::int32)};
  if (type == "int64") return {l.cast(l.input(), Type::int64)};
  if (type == "uint8") return {l.cast(l.input(), Type::uint8)};
  if (type == "int8") return {l.cast(l.input(), Type::int8)};
  if (type == "bool") return {l.cast(l.input(), Type::boolean)};
  l.fail(text("type ", type, " is not supported"));
}

Tensors where(Layer& l) {
  const int32_t condition = operand(l, argument(l, 0, {"condition"}), Type::boolean);
  const Argument &a = argument(l, 1, {"x1", "x"}), &b = argument(l, 2, {"x2", "y"});
  const Type type = common_type(l, {&a, &b});
  return {l.select(condition, operand(l, a, type), operand(l, b, type))};
}

// ---- Reductions

std::vector<int32_t> axes_setting(const Layer& l, int32_t x) {
  const Config axis = setting(l, {"axis", "axes"}, 1);
  std::vector<int32_t> axes;
  if (axis.null()) {
    axes.resize(static_cast<size_t>(l.rank(x)));
    std::iota(axes.begin(), axes.end(), 0);
  } else {
    for (int32_t a : axis.integers()) axes.push_back(l.axis(a, l.rank(x)));
  }
  return axes;
}

bool keeps(const Layer& l) {
  return flag_setting(l, {"keepdims", "keep_dims"}, 2);
}

template <Builtin op>
Tensors reduction(Layer& l) {
  return {l.reduce(op, l.input(), axes_setting(l, l.input()), keeps(l))};
}

template <Builtin op>
Tensors real_reduction(Layer& l) {
  const int32_t x = l.to_float(l.input());
  return {l.reduce(op, x, axes_setting(l, x), keeps(l))};
}

template <Builtin op>
Tensors truth(Layer& l) {
  const int32_t x = l.cast(l.input(), Type::boolean);
  return {l.reduce(op, x, axes_setting(l, x), keeps(l))};
}

int32_t variance_of(Layer& l, int32_t x, const std::vector<int32_t>& axes, bool keep) {
  const int32_t centered = l.minus(x, l.reduce(Builtin::MEAN, x, axes, true));
  return l.reduce(Builtin::MEAN, l.times(centered, centered), axes, keep);
}

Tensors variance(Layer& l) {
  const int32_t x = l.to_float(l.input());
  return {variance_of(l, x, axes_setting(l, x), keeps(l))};
}

Tensors deviation(Layer& l) {
  return {l.add(Builtin::SQRT, {variance(l)[0]})};
}

Tensors moments(Layer& l) {
  const int32_t x = l.to_float(l.input());
  const std::vector<int32_t> axes = axes_setting(l, x);
  return {l.reduce(Builtin::MEAN, x, axes, keeps(l)), variance_of(l, x, axes, keeps(l))};
}

// max + log Σ e^(x − max)
Tensors log_sum_exp(Layer& l) {
  const int32_t x = l.to_float(l.input());
  const std::vector<int32_t> axes = axes_setting(l, x);
  const bool keep = keeps(l);
  const int32_t shifted = exponential(l, l.minus(x, l.reduce(Builtin::REDUCE_MAX, x, axes, true)));
  const int32_t sum = logarithm(l, l.reduce(Builtin::SUM, shifted, axes, keep));
  return {l.plus(sum, l.reduce(Builtin::REDUCE_MAX, x, axes, keep))};
}

template <Builtin op, class Options>
Tensors extreme_index(Layer& l) {
  const int32_t x = l.input();
  l.refuse_if(setting(l, {"axis"}, 1).null(), "without an axis this is not supported");
  const int at = axis_setting(l, 1, 0, l.rank(x));
  Options options;
  options.output_type = schema::TensorType::INT32;
  const int32_t y = l.add_typed(op, {x, l.e.scalar<int32_t>(at)}, Type::int32, options);
  if (!keeps(l)) return {y};
  std::vector<int32_t> dims = l.dims_of(y);
  dims.insert(dims.begin() + at, 1);
  return {l.reshape(y, dims)};
}

Tensors cumulative_sum(Layer& l) {
  const int32_t x = l.input();
  const int at = axis_setting(l, 1, 0, l.rank(x));
  schema::CumsumOptionsT options;
  options.exclusive = flag_setting(l, {"exclusive"}, 9);
  options.reverse = flag_setting(l, {"reverse"}, 9);
  return {l.add(Builtin::CUMSUM, {x, l.e.scalar<int32_t>(at)}, options)};
}

}  // namespace

const Operations& arithmetic_operations() {
  using namespace schema;
  static const Operations table = {
      {"Abs", unary<Builtin::ABS, AbsOptionsT>},
      {"Absolute", unary<Builtin::ABS, AbsOptionsT>},
      {"Add", binary<Builtin::ADD, AddOptionsT>},
      {"All", truth<Builtin::REDUCE_ALL>},
      {"Amax", reduction<Builtin::REDUCE_MAX>},
      {"Amin", reduction<Builtin::REDUCE_MIN>},
      {"Any", truth<Builtin::REDUCE_ANY>},
      {"Arctan2", arc_tangent_2},
      {"Argmax", extreme_index<Builtin::ARG_MAX, ArgMaxOptionsT>},
      {"Argmin", extreme_index<Builtin::ARG_MIN, ArgMinOptionsT>},
      {"Cast", cast},
      {"Ceil", real_unary<Builtin::CEIL>},
      {"Clip", clip},
      {"Cos", real_unary<Builtin::COS, CosOptionsT>},
      {"Cosh", hyperbolic<1>},
      {"Cumsum", cumulative_sum},
      {"Divide", real_binary<Builtin::DIV, DivOptionsT>},
      {"DivideNoNan", divide_no_nan},
      {"Equal", comparison<Builtin::EQUAL, EqualOptionsT>},
      {"Exp", real_unary<Builtin::EXP, ExpOptionsT>},
      {"Exp2", exp2},
      {"Expm1", expm1},
      {"Floor", real_unary<Builtin::FLOOR>},
      {"FloorDivide", binary<Builtin::FLOOR_DIV, FloorDivOptionsT>},
      {"Greater", comparison<Builtin::GREATER, GreaterOptionsT>},
      {"GreaterEqual", comparison<Builtin::GREATER_EQUAL, GreaterEqualOptionsT>},
      {"Isnan", is_nan},
      {"Less", comparison<Builtin::LESS, LessOptionsT>},
      {"LessEqual", comparison<Builtin::LESS_EQUAL, LessEqualOptionsT>},
      {"Log", real_unary<Builtin::LOG>},
      {"Log10", log10},
      {"Log1p", log1p},
      {"Log2", log2},
      {"Logaddexp", log_add_exp},
      {"LogicalAnd", logical<Builtin::LOGICAL_AND, LogicalAndOptionsT>},
      {"LogicalNot", logical_not},
      {"LogicalOr", logical<Builtin::LOGICAL_OR, LogicalOrOptionsT>},
      {"LogicalXor", logical_xor},
      {"Logsumexp", log_sum_exp},
      {"Max", reduction<Builtin::REDUCE_MAX>},
      {"Maximum", binary<Builtin::MAXIMUM, MaximumMinimumOptionsT>},
      {"Mean", real_reduction<Builtin::MEAN>},
      {"Min", reduction<Builtin::REDUCE_MIN>},
      {"Minimum", binary<Builtin::MINIMUM, MaximumMinimumOptionsT>},
      {"Mod", binary<Builtin::FLOOR_MOD, FloorModOptionsT>},
      {"Moments", moments},
      {"Multiply", binary<Builtin::MUL, MulOptionsT>},
      {"Negative", negative},
      {"NotEqual", comparison<Builtin::NOT_EQUAL, NotEqualOptionsT>},
      {"OnesLike", ones},
      {"Power", power},
      {"Prod", reduction<Builtin::REDUCE_PROD>},
      {"Reciprocal", reciprocal},
      {"Round", real_unary<Builtin::ROUND>},
      {"Rsqrt", real_unary<Builtin::RSQRT>},
      {"Sign", unary<Builtin::SIGN, SignOptionsT>},
      {"Sin", real_unary<Builtin::SIN>},
      {"Sinh", hyperbolic<-1>},
      {"Sqrt", real_unary<Builtin::SQRT>},
      {"Square", square},
      {"Std", deviation},
      {"Subtract", binary<Builtin::SUB, SubOptionsT>},
      {"Sum", reduction<Builtin::SUM>},
      {"Tan", tangent},
      {"TrueDivide", real_binary<Builtin::DIV, DivOptionsT>},
      {"Trunc", truncate},
      {"Var", variance},
      {"Where", where},
      {"ZerosLike", zeros},
  };
  return table;
}

}  // namespace cygnet::keras
