// SPDX-License-Identifier: Apache-2.0
// CAST: every element to another type. Types f32, f64, int8, uint8, int16, uint16, int32, uint32,
// int64, uint64, bool; f16, bf16 and c64 (its real part; from a real number: imaginary part 0),
// through f32; int4, uint4 and int2 from and to f32 alone, saturating. A float to an integer rounds
// towards zero and saturates, NaN gives 0; an integer to a shorter one keeps the low bits; to bool:
// not zero. Where TensorFlow Lite's cast is undefined (floats out of range) this is defined.
// Source: tensorflow/lite/kernels/cast.cc.
#include <algorithm>
#include <cstring>
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

// cast<int32_t> of four floats at once; returns how many elements are done.
int64_t cast_by_vectors(const float* from, int32_t* to, int64_t n) {
  typedef float Floats __attribute__((vector_size(16)));
  typedef int32_t Ints __attribute__((vector_size(16)));
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Floats v;
    std::memcpy(&v, from + i, sizeof v);
    const Ints above = v >= 0x1p31f, below = v < -0x1p31f, number = v == v;
    const auto inside =
        reinterpret_cast<Floats>(reinterpret_cast<Ints>(v) & number & ~above & ~below);
    const Ints result = __builtin_convertvector(inside, Ints) |
                        (above & std::numeric_limits<int32_t>::max()) |
                        (below & std::numeric_limits<int32_t>::min());
    std::memcpy(to + i, &result, sizeof result);
  }
  return i;
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
    int64_t i = 0;
    if constexpr (std::is_same_v<From, float> && std::is_same_v<To, int32_t>)
      i = cast_by_vectors(from, to, n);
    for (; i < n; ++i) to[i] = cast<To>(from[i]);
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

// ---- types that go through f32

using enum Type;

bool is_small(Type type) {
  return type == int4 || type == uint4 || type == int2;
}

bool is_indirect(Type type) {
  return type == float16 || type == bfloat16 || type == complex64 || is_small(type);
}

// n ≤ kChunk elements from `at` on as floats; at is a multiple of kChunk.
constexpr int64_t kChunk = 256;
void load_floats(const Tensor& x, int64_t at, int64_t n, float* out) {
  if (is_small(x.type)) {
    int8_t codes[kChunk];
    unpack_small(x.type, x.data, at, n, codes);
    std::copy(codes, codes + n, out);
  } else if (x.type == complex64) {
    for (int64_t i = 0; i < n; ++i) out[i] = x.as<Complex64>()[at + i].re;
  } else {
    with_type<Half, BFloat16>(x.type, [&](auto t) {
      const auto* from = x.as<decltype(t)>() + at;
      std::copy(from, from + n, out);
    });
  }
}

void store_floats(const float* in, int64_t at, int64_t n, Tensor& y) {
  if (is_small(y.type)) {
    const float low = y.type == int4 ? -8.0f : y.type == int2 ? -2.0f : 0.0f;
    const float high = y.type == int4 ? 7.0f : y.type == int2 ? 1.0f : 15.0f;
    int8_t codes[kChunk];
    for (int64_t i = 0; i < n; ++i)
      codes[i] = cast<int8_t>(in[i] >= low ? std::min(in[i], high) : in[i] < low ? low : 0.0f);
    pack_small(y.type, codes, n, y.as<uint8_t>() + at * type_bits(y.type) / 8);
  } else if (y.type == complex64) {
    for (int64_t i = 0; i < n; ++i) y.as<Complex64>()[at + i] = {in[i], 0.0f};
  } else {
    with_type<Half, BFloat16>(y.type, [&](auto t) {
      using T = decltype(t);
      for (int64_t i = 0; i < n; ++i) y.as<T>()[at + i] = T(in[i]);
    });
  }
}

// Elements [at, at + n), of which one type at least is indirect.
void cast_indirectly(const Tensor& x, Tensor& y, int64_t at, int64_t n) {
  float buffer[kChunk];
  Tensor floats;
  floats.data = buffer;
  const CastRow load = find_cast(x.type, float32), store = find_cast(float32, y.type);
  for (int64_t i = at; i < at + n; i += kChunk) {
    const int64_t count = std::min(kChunk, at + n - i);
    if (load == nullptr) {
      load_floats(x, i, count, buffer);
    } else {
      Tensor from = x;
      from.data = static_cast<char*>(x.data) + i * type_bits(x.type) / 8;
      load(from, floats, 0, count);
    }
    if (store == nullptr) {
      store_floats(buffer, i, count, y);
    } else {
      Tensor to = y;
      to.data = static_cast<char*>(y.data) + i * type_bits(y.type) / 8;
      store(floats, to, 0, count);
    }
  }
}

// ---- the operator

bool is_supported(Type from, Type to) {
  if (is_small(from) || is_small(to)) return from == float32 || to == float32;
  const bool from_known = is_indirect(from) || find_cast(from, float32) != nullptr;
  return from_known && (is_indirect(to) || find_cast(float32, to) != nullptr);
}

Status infer(OpContext& op) {
  const Type from = op.input(0).type, to = op.output(0).type;
  if (!is_supported(from, to))
    return Status::error(Code::unsupported, "from %s to %s is not supported", type_name(from),
                         type_name(to));
  return op.set_output(0, op.input(0).shape);
}

Status invoke(OpContext& op) {
  const Tensor& x = op.input(0);
  const bool indirect = is_indirect(x.type) || is_indirect(op.output(0).type);
  if (x.type == complex64 && op.output(0).type == complex64) {
    if (x.bytes > 0) std::memcpy(op.output(0).data, x.data, x.bytes);
    return {};
  }
  const CastRow row = indirect ? cast_indirectly : find_cast(x.type, op.output(0).type);
  each_piece(op, [&](int64_t at, int64_t n) { row(x, op.output(0), at, n); });
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
