// SPDX-License-Identifier: Apache-2.0
// Element-wise operators, reductions, comparisons, products of matrices.
#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

template <Builtin op>
void to_unary(Call& c) {
  c.out(unary(c.e, op, c.in(0), c.name()));
}

template <Builtin op>
void to_binary(Call& c) {
  c.out(binary(c.e, op, c.in(0), c.in(1), c.name()));
}

// Integer division of TensorFlow rounds down; real division is float.
void real_div(Call& c) {
  c.out(binary(c.e, Builtin::DIV, c.in(0), c.in(1), c.name()));
}

// 0 where the divisor is 0.
void div_no_nan(Call& c) {
  const int32_t zero = scalar(c.e, 0);
  const int32_t empty = binary(c.e, Builtin::EQUAL, c.in(1), zero, c.part("is_zero"));
  const int32_t quotient = binary(c.e, Builtin::DIV, c.in(0), c.in(1), c.part("quotient"));
  c.out(c.e.add(Builtin::SELECT_V2, {empty, zero, quotient}, NoOptions(), {c.name(), c.type(0)}));
}

void add_n(Call& c) {
  int32_t sum = c.in(0);
  for (int k = 1; k < c.inputs(); ++k)
    sum = binary(c.e, Builtin::ADD, sum, c.in(k), k + 1 < c.inputs() ? c.part("sum") : c.node.name);
  c.out(sum);
}

void abs(Call& c) {
  const int32_t x = c.in(0);
  if (c.type(0) != Type::int64) return c.out(unary(c.e, Builtin::ABS, x, c.name()));
  const int32_t minus = binary(c.e, Builtin::SUB, scalar_of(c.e, 0, Type::int64), x, c.part("neg"));
  c.out(binary(c.e, Builtin::MAXIMUM, x, minus, c.name()));
}

void sign(Call& c) {
  const Type type = c.type(0);
  if (type != Type::int64) return c.out(unary(c.e, Builtin::SIGN, c.in(0), c.name()));
  const int32_t low =
      binary(c.e, Builtin::MAXIMUM, c.in(0), scalar_of(c.e, -1, type), c.part("low"));
  c.out(binary(c.e, Builtin::MINIMUM, low, scalar_of(c.e, 1, type), c.name()));
}

void squared_difference(Call& c) {
  if (c.type(0) != Type::int64)
    return c.out(binary(c.e, Builtin::SQUARED_DIFFERENCE, c.in(0), c.in(1), c.name()));
  const int32_t d = binary(c.e, Builtin::SUB, c.in(0), c.in(1), c.part("difference"));
  c.out(binary(c.e, Builtin::MUL, d, d, c.name()));
}

void square(Call& c) {
  c.out(binary(c.e, Builtin::MUL, c.in(0), c.in(0), c.name()));
}

void reciprocal(Call& c) {
  c.out(binary(c.e, Builtin::DIV, scalar(c.e, 1), c.in(0), c.name()));
}

void log1p(Call& c) {
  const int32_t sum = binary(c.e, Builtin::ADD, c.in(0), scalar(c.e, 1), c.part("plus_1"));
  c.out(unary(c.e, Builtin::LOG, sum, c.name()));
}

void expm1(Call& c) {
  const int32_t e = unary(c.e, Builtin::EXP, c.in(0), c.part("exp"));
  c.out(binary(c.e, Builtin::SUB, e, scalar(c.e, 1), c.name()));
}

void clip(Call& c) {
  const int32_t low = binary(c.e, Builtin::MAXIMUM, c.in(0), c.in(1), c.part("low"));
  c.out(binary(c.e, Builtin::MINIMUM, low, c.in(2), c.name()));
}

template <Builtin op>
void to_reduce(Call& c) {
  const std::vector<int32_t> axes = c.axes(1, 0);
  if (axes.empty()) return c.out(c.in(0));
  c.out(reduce(c.e, op, c.in(0), axes, c.node.boolean("keep_dims", false), c.name()));
}

template <Builtin op>
void to_arg(Call& c) {
  const Type type = to_type(c.node.type("output_type", DataType::int64), c.name());
  const int32_t axis = c.e.scalar<int32_t>(c.axis_of(c.integer(1), c.in(0)));
  if constexpr (op == Builtin::ARG_MAX) {
    schema::ArgMaxOptionsT options;
    options.output_type = static_cast<schema::TensorType>(type);
    c.out(c.e.add(op, {c.in(0), axis}, options, {c.name(), type}));
  } else {
    schema::ArgMinOptionsT options;
    options.output_type = static_cast<schema::TensorType>(type);
    c.out(c.e.add(op, {c.in(0), axis}, options, {c.name(), type}));
  }
}

void cumsum(Call& c) {
  schema::CumsumOptionsT options;
  options.exclusive = c.node.boolean("exclusive", false);
  options.reverse = c.node.boolean("reverse", false);
  const int32_t axis = c.e.scalar<int32_t>(c.axis_of(c.integer(1), c.in(0)));
  c.out(c.e.add(Builtin::CUMSUM, {c.in(0), axis}, options, c.name()));
}

void select(Call& c) {
  c.out(c.e.add(Builtin::SELECT_V2, c.all(0, 3), NoOptions(), {c.name(), c.type(1)}));
}

// Select broadcasts a vector of conditions along the first dimension.
void select_v1(Call& c) {
  int32_t condition = c.in(0);
  if (c.shape(0).rank == 1 && c.shape(1).rank > 1) {
    std::vector<int32_t> dims(static_cast<size_t>(c.shape(1).rank), 1);
    dims[0] = -1;
    condition = reshape(c.e, condition, dims, c.part("condition"));
  }
  c.out(c.e.add(Builtin::SELECT_V2, {condition, c.in(1), c.in(2)}, NoOptions(),
                {c.name(), c.type(1)}));
}

void to_cast(Call& c) {
  const DataType target = c.node.type("DstT");
  if (base_type(target) == DataType::complex64) {
    const int32_t real = cast(c.e, c.in(0), Type::float32, c.name());
    return c.out(Value::of(real, unary(c.e, Builtin::ZEROS_LIKE, real, c.part("imaginary"))));
  }
  if (c.value(0).kind == Value::Kind::complex)
    return c.out(cast(c.e, c.value(0).tensor, to_type(target, c.name()), c.name()));
  c.out(cast(c.e, c.in(0), to_type(c.node.type("DstT"), c.name()), c.name()));
}

void to_mul(Call& c) {
  if (c.has_complex()) return complex_product(c);
  c.out(binary(c.e, Builtin::MUL, c.in(0), c.in(1), c.name()));
}

void mat_mul(Call& c) {
  c.out(matmul(c.e, c.in(0), c.in(1), c.node.boolean("transpose_a", false),
               c.node.boolean("transpose_b", false), c.name()));
}

void batch_mat_mul(Call& c) {
  c.out(matmul(c.e, c.in(0), c.in(1), c.node.boolean("adj_x", false),
               c.node.boolean("adj_y", false), c.name()));
}

constexpr OpRow kRows[] = {
    {"Abs", abs},
    {"AccumulateNV2", add_n},
    {"Add", to_binary<Builtin::ADD>},
    {"AddN", add_n},
    {"AddV2", to_binary<Builtin::ADD>},
    {"All", to_reduce<Builtin::REDUCE_ALL>},
    {"Any", to_reduce<Builtin::REDUCE_ANY>},
    {"ArgMax", to_arg<Builtin::ARG_MAX>},
    {"ArgMin", to_arg<Builtin::ARG_MIN>},
    {"BatchMatMul", batch_mat_mul},
    {"BatchMatMulV2", batch_mat_mul},
    {"BatchMatMulV3", batch_mat_mul},
    {"Cast", to_cast},
    {"Ceil", to_unary<Builtin::CEIL>},
    {"ClipByValue", clip},
    {"Cos", to_unary<Builtin::COS>},
    {"Cumsum", cumsum},
    {"Div", to_binary<Builtin::DIV>},
    {"DivNoNan", div_no_nan},
    {"Equal", to_binary<Builtin::EQUAL>},
    {"Exp", to_unary<Builtin::EXP>},
    {"Expm1", expm1},
    {"Floor", to_unary<Builtin::FLOOR>},
    {"FloorDiv", to_binary<Builtin::FLOOR_DIV>},
    {"FloorMod", to_binary<Builtin::FLOOR_MOD>},
    {"Greater", to_binary<Builtin::GREATER>},
    {"GreaterEqual", to_binary<Builtin::GREATER_EQUAL>},
    {"Inv", reciprocal},
    {"Less", to_binary<Builtin::LESS>},
    {"LessEqual", to_binary<Builtin::LESS_EQUAL>},
    {"Log", to_unary<Builtin::LOG>},
    {"Log1p", log1p},
    {"LogicalAnd", to_binary<Builtin::LOGICAL_AND>},
    {"LogicalNot", to_unary<Builtin::LOGICAL_NOT>},
    {"LogicalOr", to_binary<Builtin::LOGICAL_OR>},
    {"MatMul", mat_mul},
    {"Max", to_reduce<Builtin::REDUCE_MAX>},
    {"Maximum", to_binary<Builtin::MAXIMUM>},
    {"Mean", to_reduce<Builtin::MEAN>},
    {"Min", to_reduce<Builtin::REDUCE_MIN>},
    {"Minimum", to_binary<Builtin::MINIMUM>},
    {"Mul", to_mul},
    {"Neg", to_unary<Builtin::NEG>},
    {"NotEqual", to_binary<Builtin::NOT_EQUAL>},
    {"Pow", to_binary<Builtin::POW>},
    {"Prod", to_reduce<Builtin::REDUCE_PROD>},
    {"RealDiv", real_div},
    {"Reciprocal", reciprocal},
    {"Round", to_unary<Builtin::ROUND>},
    {"Rsqrt", to_unary<Builtin::RSQRT>},
    {"Select", select_v1},
    {"SelectV2", select},
    {"Sign", sign},
    {"Sin", to_unary<Builtin::SIN>},
    {"Sqrt", to_unary<Builtin::SQRT>},
    {"Square", square},
    {"SquaredDifference", squared_difference},
    {"Sub", to_binary<Builtin::SUB>},
    {"Sum", to_reduce<Builtin::SUM>},
};

}  // namespace

std::span<const OpRow> math_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
