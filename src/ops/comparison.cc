// SPDX-License-Identifier: Apache-2.0
// EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL: a, b broadcast to one shape → whether
// the comparison holds, as bool. Types f32, int32, int64; EQUAL and NOT_EQUAL also bool. With a NaN
// only NOT_EQUAL holds. Source: tensorflow/lite/kernels/comparisons.cc.
#include "ops/binary.h"

namespace cygnet::ops {
namespace {

struct Equal {
  template <class T>
  static bool holds(T a, T b) {
    return a == b;
  }
};
struct Less {
  template <class T>
  static bool holds(T a, T b) {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  static bool holds(T a, T b) {
    return a <= b;
  }
};
// a > b is b < a.
template <class Compare>
struct Swapped {
  template <class T>
  static bool holds(T a, T b) {
    return Compare::holds(b, a);
  }
};
struct NotEqual {
  template <class T>
  static bool holds(T a, T b) {
    return a != b;
  }
};

template <bool kBooleans>
Status infer(OpContext& op) {
  const Tensor &a = op.input(0), &b = op.input(1);
  if (!kBooleans || a.type != Type::boolean)
    CYGNET_TRY(expect_type("input 0", a, {Type::float32, Type::int32, Type::int64}));
  CYGNET_TRY(expect_same_type("input 0", a, "input 1", b));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::boolean}));
  Shape shape;
  CYGNET_TRY(broadcast_shape(a.shape, b.shape, &shape));
  return op.set_output(0, shape);
}

template <class T, class Compare>
void compare(OpContext& op) {
  const T *a = op.input(0).as<T>(), *b = op.input(1).as<T>();
  uint8_t* out = op.output(0).as<uint8_t>();
  each_pair(op, op.state<Broadcast>(),
            [&](int64_t i, int64_t j, int64_t k) { out[k] = Compare::holds(a[i], b[j]) ? 1 : 0; });
}

// A file's bytes may be other than 0 and 1: those are true.
template <class Compare>
void compare_booleans(OpContext& op) {
  const uint8_t *a = op.input(0).as<uint8_t>(), *b = op.input(1).as<uint8_t>();
  uint8_t* out = op.output(0).as<uint8_t>();
  each_pair(op, op.state<Broadcast>(), [&](int64_t i, int64_t j, int64_t k) {
    out[k] = Compare::holds(a[i] != 0, b[j] != 0) ? 1 : 0;
  });
}

template <class Compare, bool kBooleans>
Status invoke(OpContext& op) {
  switch (op.input(0).type) {
    case Type::float32:
      compare<float, Compare>(op);
      break;
    case Type::int32:
      compare<int32_t, Compare>(op);
      break;
    case Type::int64:
      compare<int64_t, Compare>(op);
      break;
    default:
      if constexpr (kBooleans) compare_booleans<Compare>(op);
  }
  return {};
}

template <class Compare, bool kBooleans = false>
constexpr OpDef definition(const char* name, schema::BuiltinOperator builtin,
                           schema::BuiltinOptions options, int32_t max_version) {
  return {.name = name,
          .builtin = static_cast<int32_t>(builtin),
          .max_version = max_version,
          .options_type = static_cast<uint8_t>(options),
          .min_inputs = 2,
          .max_inputs = 2,
          .infer = infer<kBooleans>,
          .prepare = prepare_broadcast,
          .invoke = invoke<Compare, kBooleans>};
}

using Code = schema::BuiltinOperator;
using Options = schema::BuiltinOptions;

}  // namespace

extern const OpDef kEqual;
extern const OpDef kEqual = definition<Equal, true>("EQUAL", Code::EQUAL, Options::EqualOptions, 5);
extern const OpDef kNotEqual;
extern const OpDef kNotEqual =
    definition<NotEqual, true>("NOT_EQUAL", Code::NOT_EQUAL, Options::NotEqualOptions, 4);
extern const OpDef kLess;
extern const OpDef kLess = definition<Less>("LESS", Code::LESS, Options::LessOptions, 3);
extern const OpDef kLessEqual;
extern const OpDef kLessEqual =
    definition<LessEqual>("LESS_EQUAL", Code::LESS_EQUAL, Options::LessEqualOptions, 2);
extern const OpDef kGreater;
extern const OpDef kGreater =
    definition<Swapped<Less>>("GREATER", Code::GREATER, Options::GreaterOptions, 2);
extern const OpDef kGreaterEqual;
extern const OpDef kGreaterEqual = definition<Swapped<LessEqual>>(
    "GREATER_EQUAL", Code::GREATER_EQUAL, Options::GreaterEqualOptions, 3);

}  // namespace cygnet::ops
