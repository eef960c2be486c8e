// SPDX-License-Identifier: Apache-2.0
// Functions of single elements that the format lacks, said with those it has; running products.
#include <limits>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// ---- Functions of one number

// √((1 − x)(1 + x)), which keeps its digits near ±1.
int32_t cofunction(Call& c, int32_t x) {
  Editor& e = c.e;
  const int32_t less = binary(e, Builtin::SUB, scalar(e, 1), x, c.part("1_minus"));
  const int32_t more = binary(e, Builtin::ADD, x, scalar(e, 1), c.part("1_plus"));
  return unary(e, Builtin::SQRT, binary(e, Builtin::MUL, less, more, c.part("product")),
               c.part("sqrt"));
}

void acos(Call& c) {
  c.out(binary(c.e, Builtin::ATAN2, cofunction(c, c.in(0)), c.in(0), c.name()));
}

void asin(Call& c) {
  c.out(binary(c.e, Builtin::ATAN2, c.in(0), cofunction(c, c.in(0)), c.name()));
}

// The operands of ATAN2 are of one shape.
int32_t atan2_of(Call& c, int32_t y, int32_t x) {
  Editor& e = c.e;
  if (e.shape(y) == e.shape(x) && !e.shape_unknown(y))
    return binary(e, Builtin::ATAN2, y, x, c.name());
  const int32_t zero = scalar(e, 0);
  const int32_t wide_y =
      binary(e, Builtin::ADD, y, binary(e, Builtin::MUL, x, zero, c.part("0_x")), c.part("y"));
  const int32_t wide_x =
      binary(e, Builtin::ADD, x, binary(e, Builtin::MUL, y, zero, c.part("0_y")), c.part("x"));
  return binary(e, Builtin::ATAN2, wide_y, wide_x, c.name());
}

void atan(Call& c) {
  const int32_t ones =
      c.e.add(Builtin::FILL, {shape_of(c.e, c.in(0), c.part("shape")), scalar(c.e, 1)}, NoOptions(),
              {c.part("ones"), Type::float32});
  c.out(binary(c.e, Builtin::ATAN2, c.in(0), ones, c.name()));
}

void atan2(Call& c) {
  c.out(atan2_of(c, c.in(0), c.in(1)));
}

// log(x + √(x − 1)·√(x + 1)).
void acosh(Call& c) {
  Editor& e = c.e;
  const int32_t x = c.in(0);
  const int32_t less = binary(e, Builtin::SUB, x, scalar(e, 1), c.part("minus_1"));
  const int32_t more = binary(e, Builtin::ADD, x, scalar(e, 1), c.part("plus_1"));
  const int32_t root = unary(
      e, Builtin::SQRT, binary(e, Builtin::MUL, less, more, c.part("product")), c.part("sqrt"));
  c.out(unary(e, Builtin::LOG, binary(e, Builtin::ADD, x, root, c.part("sum")), c.name()));
}

// sign(x)·log(|x| + √(x² + 1)).
void asinh(Call& c) {
  Editor& e = c.e;
  const int32_t x = c.in(0);
  const int32_t square = binary(e, Builtin::MUL, x, x, c.part("square"));
  const int32_t root =
      unary(e, Builtin::SQRT, binary(e, Builtin::ADD, square, scalar(e, 1), c.part("plus_1")),
            c.part("sqrt"));
  const int32_t sum =
      binary(e, Builtin::ADD, unary(e, Builtin::ABS, x, c.part("abs")), root, c.part("sum"));
  c.out(binary(e, Builtin::MUL, unary(e, Builtin::SIGN, x, c.part("sign")),
               unary(e, Builtin::LOG, sum, c.part("log")), c.name()));
}

// ½·log((1 + x) / (1 − x)).
void atanh(Call& c) {
  Editor& e = c.e;
  const int32_t more = binary(e, Builtin::ADD, c.in(0), scalar(e, 1), c.part("1_plus"));
  const int32_t less = binary(e, Builtin::SUB, scalar(e, 1), c.in(0), c.part("1_minus"));
  const int32_t log = unary(e, Builtin::LOG,
                            binary(e, Builtin::DIV, more, less, c.part("quotient")), c.part("log"));
  c.out(binary(e, Builtin::MUL, log, scalar(e, 0.5), c.name()));
}

// (eˣ ± e⁻ˣ) / 2.
template <Builtin op>
void hyperbolic(Call& c) {
  Editor& e = c.e;
  const int32_t up = unary(e, Builtin::EXP, c.in(0), c.part("exp"));
  const int32_t down =
      unary(e, Builtin::EXP, unary(e, Builtin::NEG, c.in(0), c.part("neg")), c.part("exp_neg"));
  c.out(binary(e, Builtin::MUL, binary(e, op, up, down, c.part("sum")), scalar(e, 0.5), c.name()));
}

void tan(Call& c) {
  const int32_t sine = unary(c.e, Builtin::SIN, c.in(0), c.part("sin"));
  c.out(
      binary(c.e, Builtin::DIV, sine, unary(c.e, Builtin::COS, c.in(0), c.part("cos")), c.name()));
}

void rint(Call& c) {
  c.out(unary(c.e, Builtin::ROUND, c.in(0), c.name()));
}

void is_finite(Call& c) {
  const int32_t magnitude = unary(c.e, Builtin::ABS, c.in(0), c.part("abs"));
  c.out(binary(c.e, Builtin::LESS_EQUAL, magnitude, c.e.scalar(std::numeric_limits<float>::max()),
               c.name()));
}

void is_inf(Call& c) {
  const int32_t magnitude = unary(c.e, Builtin::ABS, c.in(0), c.part("abs"));
  c.out(binary(c.e, Builtin::EQUAL, magnitude, c.e.scalar(std::numeric_limits<float>::infinity()),
               c.name()));
}

void is_nan(Call& c) {
  c.out(binary(c.e, Builtin::NOT_EQUAL, c.in(0), c.in(0), c.name()));
}

// How many boundaries lie at or below x.
void bucketize(Call& c) {
  Editor& e = c.e;
  const std::vector<float>& list = c.node.list("boundaries").floats;
  const auto count = static_cast<int32_t>(list.size());
  const int32_t x = cast(e, c.in(0), Type::float32, c.part("float"));
  const int32_t row =
      e.add(Builtin::EXPAND_DIMS, {x, e.scalar<int32_t>(-1)}, NoOptions(), c.part("row"));
  const int32_t above =
      binary(e, Builtin::GREATER_EQUAL, row, e.constant<float>({count}, list), c.part("above"));
  c.out(reduce(e, Builtin::SUM, cast(e, above, Type::int32, c.part("ones")), {e.shape(x).rank},
               false, c.name()));
}

// ---- Functions of two numbers

void approximate_equal(Call& c) {
  const int32_t d = binary(c.e, Builtin::SUB, c.in(0), c.in(1), c.part("difference"));
  c.out(binary(c.e, Builtin::LESS, unary(c.e, Builtin::ABS, d, c.part("abs")),
               c.e.scalar(c.node.real("tolerance", 1e-5f)), c.name()));
}

// `otherwise` but 0 where `tested` is 0.
void zero_where_zero(Call& c, int32_t tested, int32_t otherwise) {
  const int32_t zero = scalar(c.e, 0);
  const int32_t is_zero = binary(c.e, Builtin::EQUAL, tested, zero, c.part("is_zero"));
  c.out(select(c.e, is_zero, zero, otherwise, c.name()));
}

void xlogy(Call& c) {
  const int32_t log = unary(c.e, Builtin::LOG, c.in(1), c.part("log"));
  zero_where_zero(c, c.in(0), binary(c.e, Builtin::MUL, c.in(0), log, c.part("product")));
}

void xlog1py(Call& c) {
  const int32_t sum = binary(c.e, Builtin::ADD, c.in(1), scalar(c.e, 1), c.part("plus_1"));
  const int32_t log = unary(c.e, Builtin::LOG, sum, c.part("log"));
  zero_where_zero(c, c.in(0), binary(c.e, Builtin::MUL, c.in(0), log, c.part("product")));
}

void xdivy(Call& c) {
  zero_where_zero(c, c.in(0), binary(c.e, Builtin::DIV, c.in(0), c.in(1), c.part("quotient")));
}

void mul_no_nan(Call& c) {
  zero_where_zero(c, c.in(1), binary(c.e, Builtin::MUL, c.in(0), c.in(1), c.part("product")));
}

// The remainder has the dividend's sign, as in C.
void truncate_mod(Call& c) {
  Editor& e = c.e;
  const Type type = c.type(0);
  const int32_t zero = scalar_of(e, 0, type);
  const auto magnitude = [&](int32_t x, const char* name) {
    return binary(e, Builtin::MAXIMUM, x, binary(e, Builtin::SUB, zero, x, c.part("minus")),
                  c.part(name));
  };
  const int32_t rest = binary(e, Builtin::FLOOR_MOD, magnitude(c.in(0), "abs_x"),
                              magnitude(c.in(1), "abs_y"), c.part("rest"));
  const int32_t negative = binary(e, Builtin::LESS, c.in(0), zero, c.part("negative"));
  c.out(select(e, negative, binary(e, Builtin::SUB, zero, rest, c.part("minus_rest")), rest,
               c.name()));
}

// The format's integer division rounds toward zero.
void truncate_div(Call& c) {
  c.out(binary(c.e, Builtin::DIV, c.in(0), c.in(1), c.name()));
}

// a × b along the last dimension, which is 3.
void cross(Call& c) {
  Editor& e = c.e;
  const auto turned = [&](int k, const std::vector<int32_t>& order) {
    schema::GatherOptionsT o;
    o.axis = c.shape(k).rank - 1;
    return e.add(Builtin::GATHER, {c.in(k), e.list(order)}, o, c.part("turned"));
  };
  if (c.shape(0).rank < 1 || c.shape(1).rank < 1) c.fail("expected rank 1 or more");
  const int32_t plus =
      binary(e, Builtin::MUL, turned(0, {1, 2, 0}), turned(1, {2, 0, 1}), c.part("plus"));
  const int32_t minus =
      binary(e, Builtin::MUL, turned(0, {2, 0, 1}), turned(1, {1, 2, 0}), c.part("minus"));
  c.out(binary(e, Builtin::SUB, plus, minus, c.name()));
}

// ---- Over many elements

std::vector<int32_t> all_axes(const Shape& shape) {
  std::vector<int32_t> axes;
  for (int d = 0; d < shape.rank; ++d) axes.push_back(d);
  return axes;
}

void l2_loss(Call& c) {
  const int32_t square = binary(c.e, Builtin::MUL, c.in(0), c.in(0), c.part("square"));
  const int32_t sum = reduce(c.e, Builtin::SUM, square, all_axes(c.shape(0)), false, c.part("sum"));
  c.out(binary(c.e, Builtin::MUL, sum, scalar(c.e, 0.5), c.name()));
}

void euclidean_norm(Call& c) {
  const std::vector<int32_t> axes = c.axes(1, 0);
  if (axes.empty()) return c.out(unary(c.e, Builtin::ABS, c.in(0), c.name()));
  const int32_t square = binary(c.e, Builtin::MUL, c.in(0), c.in(0), c.part("square"));
  const int32_t sum =
      reduce(c.e, Builtin::SUM, square, axes, c.node.boolean("keep_dims", false), c.part("sum"));
  c.out(unary(c.e, Builtin::SQRT, sum, c.name()));
}

// x moved by `steps` along a dimension of n elements, 1 where nothing comes from.
int32_t moved(Call& c, int32_t x, int axis, int32_t n, int32_t steps, bool back) {
  Editor& e = c.e;
  const int32_t part = slice_dim(e, x, axis, back ? steps : 0, n - steps, c.part("part"));
  std::vector<int32_t> pads(2 * static_cast<size_t>(e.shape(x).rank), 0);
  pads[2 * static_cast<size_t>(axis) + (back ? 1 : 0)] = steps;
  return e.add(Builtin::PADV2,
               {part, e.constant<int32_t>({e.shape(x).rank, 2}, pads), scalar_of(e, 1, e.type(x))},
               NoOptions(), c.part("moved"));
}

// Running product: after step k each element is the product of 2ᵏ neighbours.
void cumprod(Call& c) {
  const int axis = c.axis(c.integer(1), c.shape(0).rank);
  const bool reverse = c.node.boolean("reverse", false);
  const int32_t n = c.fixed_dim(c.in(0), axis);
  int32_t x = c.in(0);
  if (n == 0) return c.out(x);
  if (c.node.boolean("exclusive", false)) x = moved(c, x, axis, n, 1, reverse);
  for (int64_t steps = 1; steps < n; steps *= 2) {
    const auto by = static_cast<int32_t>(steps);
    x = binary(c.e, Builtin::MUL, x, moved(c, x, axis, n, by, reverse),
               2 * steps < n ? c.part("product") : std::string(c.name()));
  }
  c.out(x);
}

// start + (stop − start)·i / (num − 1).
void lin_space(Call& c) {
  const int64_t count = c.integer(2);
  if (count < 1 || count > 1 << 24) c.fail("num: expected 1 to 2^24, got ", count);
  std::vector<float> places(static_cast<size_t>(count));
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = count == 1
                    ? 0.0f
                    : static_cast<float>(static_cast<double>(i) / static_cast<double>(count - 1));
  const int32_t length = binary(c.e, Builtin::SUB, c.in(1), c.in(0), c.part("length"));
  const int32_t all = c.e.constant<float>({static_cast<int32_t>(count)}, places);
  const int32_t offset = binary(c.e, Builtin::MUL, all, length, c.part("offset"));
  c.out(binary(c.e, Builtin::ADD, offset, c.in(0), c.name()));
}

constexpr OpRow kRows[] = {
    {"Acos", acos},
    {"Acosh", acosh},
    {"ApproximateEqual", approximate_equal},
    {"Asin", asin},
    {"Asinh", asinh},
    {"Atan", atan},
    {"Atan2", atan2},
    {"Atanh", atanh},
    {"Bucketize", bucketize},
    {"Cosh", hyperbolic<Builtin::ADD>},
    {"Cross", cross},
    {"Cumprod", cumprod},
    {"EuclideanNorm", euclidean_norm},
    {"IsFinite", is_finite},
    {"IsInf", is_inf},
    {"IsNan", is_nan},
    {"L2Loss", l2_loss},
    {"LinSpace", lin_space},
    {"Mod", truncate_mod},
    {"MulNoNan", mul_no_nan},
    {"Rint", rint},
    {"Sinh", hyperbolic<Builtin::SUB>},
    {"Tan", tan},
    {"TruncateDiv", truncate_div},
    {"TruncateMod", truncate_mod},
    {"Xdivy", xdivy},
    {"Xlog1py", xlog1py},
    {"Xlogy", xlogy},
};

}  // namespace

std::span<const OpRow> elementwise_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
