// SPDX-License-Identifier: Apache-2.0
// EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL: a, b broadcast to one shape → whether
// the comparison holds, as bool. Types f32, f16, int8 and uint8 (quantized), int16, int32, int64;
// LESS and GREATER also bf16; EQUAL and NOT_EQUAL also bool and string. With a NaN only NOT_EQUAL
// holds.
// Quantized operands are compared after both are brought to real values with 8 bits to spare, so
// that what differs by less counts as equal; int16 operands are ordered exactly. Scales of 1 and
// more, for which TensorFlow Lite's shift is undefined, are compared exactly.
// Source: tensorflow/lite/kernels/comparisons.cc.
#include "base/number.h"
#include "ops/binary.h"
#include "ops/fixed_point.h"
#include "ops/strings.h"

namespace cygnet::ops {
namespace {

// A comparison as the orders in which it holds.
struct Relation {
  bool less, equal, greater;
  bool negated = false;

  template <class T>
  bool holds(T a, T b) const {
    return ((less & (a < b)) | (equal & (a == b)) | (greater & (a > b))) != negated;
  }
};
constexpr Relation kIsEqual{false, true, false}, kIsNotEqual{false, true, false, true};
constexpr Relation kIsLess{true, false, false}, kIsLessEqual{true, true, false};
constexpr Relation kIsGreater{false, false, true}, kIsGreaterEqual{false, true, true};

constexpr bool is_equality(const Relation& r) {
  return !r.less && !r.greater;
}

// How codes become numbers to compare.
struct CompareState {
  Broadcast broadcast;
  bool scaled = false;  // they do; else they are compared as they are
  bool exact = false;   // as real numbers; else in fixed point
  int32_t a_zero = 0, b_zero = 0;
  double a_scale = 0, b_scale = 0;
  Multiplier a, b;
};
constexpr int kSpareBits = 8;

// Whether these comparisons take a type.
bool is_compared(const Relation& r, Type type) {
  if (type == Type::boolean || type == Type::string) return is_equality(r);
  return type != Type::bfloat16 || !r.equal;
}

template <const Relation& kRelation>
Status infer(OpContext& op) {
  const Type type = op.input(0).type;
  if (!is_compared(kRelation, type)) CYGNET_TRY(expect_type("input 0", op.input(0), {}));
  Shape shape;
  CYGNET_TRY(infer_operands(op,
                            {Type::float32, Type::float16, Type::bfloat16, Type::int8, Type::uint8,
                             Type::int16, Type::int32, Type::int64, Type::boolean, Type::string},
                            type == Type::int16 ? Codes::either : Codes::real, &shape));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::boolean}));
  return op.set_output(0, shape);
}

template <const Relation& kRelation>
Status prepare(OpContext& op) {
  auto* s = op.make_state<CompareState>();
  if (s == nullptr) return out_of_memory("operator", sizeof(CompareState));
  s->broadcast = make_broadcast(op.input(0).shape, op.input(1).shape, op.output(0).shape);
  if (!is_quantized_type(op.input(0).type) || !has_quantization(op)) return {};
  const Quantization &a = op.input(0).quantization, &b = op.input(1).quantization;
  s->scaled = true;
  s->a_zero = a.zero_point();
  s->b_zero = b.zero_point();
  s->a_scale = static_cast<double>(a.scale());
  s->b_scale = static_cast<double>(b.scale());
  s->exact = s->a_scale >= 1 || s->b_scale >= 1 ||
             (op.input(0).type == Type::int16 && !is_equality(kRelation));
  if (s->exact) return {};
  CYGNET_TRY(quantize_multiplier(s->a_scale, &s->a));
  return quantize_multiplier(s->b_scale, &s->b);
}

template <class T>
void compare_scaled(OpContext& op, const Relation& r) {
  const auto& s = op.state<CompareState>();
  map_pairs<T, uint8_t>(op, s.broadcast, [&](T a, T b) {
    const int32_t x = a - s.a_zero, y = b - s.b_zero;
    if (s.exact) return r.holds(x * s.a_scale, y * s.b_scale);
    return r.holds(apply(s.a, x * (1 << kSpareBits)), apply(s.b, y * (1 << kSpareBits)));
  });
}

// A file's bytes of bool may be other than 0 and 1: those are true.
void compare_booleans(OpContext& op, const Relation& r) {
  map_pairs<uint8_t>(op, op.state<CompareState>().broadcast,
                     [&](uint8_t a, uint8_t b) { return r.holds(a != 0, b != 0); });
}

void compare_strings(OpContext& op, const Relation& r) {
  const Strings a(op.input(0)), b(op.input(1));
  uint8_t* out = op.output(0).as<uint8_t>();
  const auto row = [&](int64_t i, int64_t j, int64_t k, int64_t n, ZipShape shape) {
    const int64_t a_step = shape == ZipShape::scalar_vector ? 0 : 1,
                  b_step = shape == ZipShape::vector_scalar ? 0 : 1;
    for (int64_t e = 0; e < n; ++e)
      out[k + e] = r.holds(a[i + e * a_step], b[j + e * b_step]) ? 1 : 0;
  };
  each_row(op, op.state<CompareState>().broadcast, row);
}

void compare(OpContext& op, const Relation& r) {
  const Type type = op.input(0).type;
  const auto& s = op.state<CompareState>();
  if (type == Type::boolean) return compare_booleans(op, r);
  if (type == Type::string) return compare_strings(op, r);
  if (s.scaled) {
    with_type<int8_t, uint8_t, int16_t>(type, [&](auto t) { compare_scaled<decltype(t)>(op, r); });
    return;
  }
  with_type<float, Half, BFloat16, int16_t, int32_t, int64_t>(type, [&](auto t) {
    using T = decltype(t);
    map_pairs<T, uint8_t>(op, s.broadcast, [r](T a, T b) { return r.holds(a, b); });
  });
}

template <const Relation& kRelation>
Status invoke(OpContext& op) {
  compare(op, kRelation);
  return {};
}

template <const Relation& kRelation>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, int32_t max_version) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer<kRelation>,
          .prepare = prepare<kRelation>,
          .invoke = invoke<kRelation>};
}

using Builtin = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;

}  // namespace

extern const OpDef kEqual;
extern const OpDef kEqual = definition<kIsEqual>("EQUAL", Builtin::EQUAL, Options::EqualOptions, 5);
extern const OpDef kNotEqual;
extern const OpDef kNotEqual =
    definition<kIsNotEqual>("NOT_EQUAL", Builtin::NOT_EQUAL, Options::NotEqualOptions, 4);
extern const OpDef kLess;
extern const OpDef kLess = definition<kIsLess>("LESS", Builtin::LESS, Options::LessOptions, 3);
extern const OpDef kLessEqual;
extern const OpDef kLessEqual =
    definition<kIsLessEqual>("LESS_EQUAL", Builtin::LESS_EQUAL, Options::LessEqualOptions, 2);
extern const OpDef kGreater;
extern const OpDef kGreater =
    definition<kIsGreater>("GREATER", Builtin::GREATER, Options::GreaterOptions, 2);
extern const OpDef kGreaterEqual;
extern const OpDef kGreaterEqual = definition<kIsGreaterEqual>(
    "GREATER_EQUAL", Builtin::GREATER_EQUAL, Options::GreaterEqualOptions, 3);

}  // namespace cygnet::ops
