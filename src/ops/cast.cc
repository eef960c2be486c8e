// SPDX-License-Identifier: Apache-2.0
// CAST: every element to another type. Types f32, f64, int8, uint8, int16, uint16, int32, uint32,
// int64, uint64, bool. A float to an integer rounds towards zero and saturates, NaN gives 0; an
// integer to a shorter one keeps the low bits; to bool: not zero. Where TensorFlow Lite's cast is
// undefined (floats out of range) this is defined. Source: tensorflow/lite/kernels/cast.cc.
#include <limits>

#include "ops/unary.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

template <class To, class From>
To cast(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (!(x >= static_cast<From>(std::numeric_limits<To>::lowest())))
      return x < 0 ? std::numeric_limits<To>::lowest() : To{0};
    if (x >= static_cast<From>(std::numeric_limits<To>::max()))
      return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class From, class To>
void cast_elements(const Tensor& x, Tensor& y, int64_t at, int64_t n) {
  To* to = y.as<To>() + at;
  if constexpr (std::is_same_v<From, bool>) {
    // A file's bytes may be other than 0 and 1: those are true.
    const uint8_t* from = x.as<uint8_t>() + at;
    for (int64_t i = 0; i < n; ++i) to[i] = cast<To>(from[i] != 0);
  } else {
    const From* from = x.as<From>() + at;
    for (int64_t i = 0; i < n; ++i) to[i] = cast<To>(from[i]);
  }
}

using CastRow = void (*)(const Tensor&, Tensor&, int64_t, int64_t);

template <class From>
CastRow to_type(Type to) {
  switch (to) {
    case Type::float32:
      return cast_elements<From, float>;
    case Type::float64:
      return cast_elements<From, double>;
    case Type::int8:
      return cast_elements<From, int8_t>;
    case Type::uint8:
      return cast_elements<From, uint8_t>;
    case Type::int16:
      return cast_elements<From, int16_t>;
    case Type::uint16:
      return cast_elements<From, uint16_t>;
    case Type::int32:
      return cast_elements<From, int32_t>;
    case Type::uint32:
      return cast_elements<From, uint32_t>;
    case Type::int64:
      return cast_elements<From, int64_t>;
    case Type::uint64:
      return cast_elements<From, uint64_t>;
    case Type::boolean:
      return cast_elements<From, bool>;
    default:
      return nullptr;
  }
}

// Null where a type is not supported.
CastRow find_cast(Type from, Type to) {
  switch (from) {
    case Type::float32:
      return to_type<float>(to);
    case Type::float64:
      return to_type<double>(to);
    case Type::int8:
      return to_type<int8_t>(to);
    case Type::uint8:
      return to_type<uint8_t>(to);
    case Type::int16:
      return to_type<int16_t>(to);
    case Type::uint16:
      return to_type<uint16_t>(to);
    case Type::int32:
      return to_type<int32_t>(to);
    case Type::uint32:
      return to_type<uint32_t>(to);
    case Type::int64:
      return to_type<int64_t>(to);
    case Type::uint64:
      return to_type<uint64_t>(to);
    case Type::boolean:
      return to_type<bool>(to);
    default:
      return nullptr;
  }
}

Status infer(OpContext& op) {
  const Type from = op.input(0).type, to = op.output(0).type;
  if (find_cast(from, to) == nullptr)
    return Status::error(Code::unsupported, "from %s to %s is not supported", type_name(from),
                         type_name(to));
  return op.set_output(0, op.input(0).shape);
}

Status invoke(OpContext& op) {
  const CastRow row = find_cast(op.input(0).type, op.output(0).type);
  each_piece(op, [&](int64_t at, int64_t n) { row(op.input(0), op.output(0), at, n); });
  return {};
}

}  // namespace

extern const OpDef kCast;
extern const OpDef kCast = {
    .name = "CAST",
    .builtin = static_cast<int32_t>(schema::BuiltinOperator::CAST),
    .max_version = 9,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::CastOptions),
    .infer = infer,
    .invoke = invoke};

}  // namespace cygnet::ops
