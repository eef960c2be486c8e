// SPDX-License-Identifier: Apache-2.0
#include "ops/arithmetic.h"

#include "base/number.h"

namespace cygnet::ops {
namespace {

// The signed type of the same size: sums and products have the same bits.
Type without_sign(Type type) {
  switch (type) {
    case Type::uint8:
      return Type::int8;
    case Type::uint16:
      return Type::int16;
    case Type::uint32:
      return Type::int32;
    case Type::uint64:
      return Type::int64;
    default:
      return type;
  }
}

template <Arithmetic kWhat, class T>
T wrapping(T a, T b) {
  if constexpr (kWhat == Arithmetic::add)
    return wrapping_add(a, b);
  else if constexpr (kWhat == Arithmetic::sub)
    return wrapping_sub(a, b);
  else
    return wrapping_mul(a, b);
}

template <Arithmetic kWhat, class T>
T real(T a, T b) {
  if constexpr (kWhat == Arithmetic::add)
    return a + b;
  else if constexpr (kWhat == Arithmetic::sub)
    return a - b;
  else
    return a * b;
}

template <Arithmetic kWhat, class T>
void compute(OpContext& op, const BinaryState& s) {
  map_pairs<T>(op, s.broadcast, [&s](T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return s.integer(static_cast<int64_t>(wrapping<kWhat>(a, b)));
    else if constexpr (std::is_same_v<T, double>)
      return real<kWhat>(a, b);
    else
      return s.real(real<kWhat>(static_cast<float>(a), static_cast<float>(b)));
  });
}

template <Arithmetic kWhat>
void compute_any(OpContext& op, const BinaryState& s) {
  with_type<Half, double, int8_t, int16_t, int32_t, int64_t>(
      without_sign(op.output(0).type), [&](auto t) { compute<kWhat, decltype(t)>(op, s); });
}

void multiply(OpContext& op, const BinaryState& s) {
  const Type type = op.output(0).type;
  if (type == Type::uint32) return compute<Arithmetic::mul, uint32_t>(op, s);
  if (type != Type::complex64) return compute_any<Arithmetic::mul>(op, s);
  map_pairs<Complex64>(op, s.broadcast, [](Complex64 a, Complex64 b) {
    return Complex64{a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  });
}

void most_q8(OpContext& op, const BinaryState& s, bool largest) {
  const int32_t low = op.output(0).type == Type::int8 ? -128 : 0;
  invoke_q8(op, s,
            {.op = largest ? ZipQ8Op::max : ZipQ8Op::min,
             .flip = static_cast<uint8_t>(-low),
             .lo = low,
             .hi = low + 255});
}

void most(OpContext& op, const BinaryState& s, bool largest) {
  const Type type = op.output(0).type;
  if ((type == Type::int8 || type == Type::uint8) && !op.reference())
    return most_q8(op, s, largest);
  with_type<Half, BFloat16, double, int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t,
            uint64_t>(op.output(0).type, [&](auto t) {
    using T = decltype(t);
    map_pairs<T>(op, s.broadcast, [largest](T a, T b) {
      const bool first = largest ? a > b : a < b;
      return first ? a : b;
    });
  });
}

}  // namespace

void arithmetic(OpContext& op, const BinaryState& s, Arithmetic what) {
  const bool f32 = op.output(0).type == Type::float32;
  switch (what) {
    case Arithmetic::add:
      return f32 ? invoke_f32<ZipOp::add>(op, s) : compute_any<Arithmetic::add>(op, s);
    case Arithmetic::sub:
      if (f32) return invoke_f32<ZipOp::sub>(op, s);
      if (op.output(0).type == Type::int64) return compute<Arithmetic::sub, int64_t>(op, s);
      return compute<Arithmetic::sub, int32_t>(op, s);
    case Arithmetic::mul:
      return f32 ? invoke_f32<ZipOp::mul>(op, s) : multiply(op, s);
    case Arithmetic::max:
      return f32 ? invoke_f32<ZipOp::max>(op, s) : most(op, s, true);
    case Arithmetic::min:
      return f32 ? invoke_f32<ZipOp::min>(op, s) : most(op, s, false);
  }
}

void logic(OpContext& op, const Broadcast& broadcast, bool conjunction) {
  map_pairs<uint8_t>(op, broadcast, [conjunction](uint8_t a, uint8_t b) {
    const bool x = a != 0, y = b != 0;
    return conjunction ? x && y : x || y;
  });
}

}  // namespace cygnet::ops
