// SPDX-License-Identifier: Apache-2.0
// Number types that C++20 does not have: half, bfloat16 and complex numbers without <complex>,
// which would bring streams along. Half and BFloat16 compute as float and round to nearest even.
#pragma once

#include <bit>
#include <cstdint>

#include "cygnet/custom_op.h"

namespace cygnet {

/// The float of IEEE half bits; exact.
inline float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u, fraction = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -magnitude : magnitude;
}

/// IEEE half bits of a float: nearest even; overflow gives infinity, a NaN a quiet NaN.
inline uint16_t float_to_half(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // below 2^-14: adding 1/2 rounds to multiples of 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

/// bfloat16 bits of a float: nearest even; a NaN stays a (quiet) NaN.
inline uint16_t float_to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// FLOAT16.
struct Half {
  static constexpr Type kType = Type::float16;
  uint16_t bits = 0;

  Half() = default;
  explicit Half(float x) : bits(float_to_half(x)) {}
  operator float() const { return half_to_float(bits); }
};

/// BFLOAT16: the upper half of a float.
struct BFloat16 {
  static constexpr Type kType = Type::bfloat16;
  uint16_t bits = 0;

  BFloat16() = default;
  explicit BFloat16(float x) : bits(float_to_bfloat16(x)) {}
  operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

/// COMPLEX64 (T float) and COMPLEX128 (T double).
template <class T>
struct Complex {
  static constexpr Type kType = sizeof(T) == 4 ? Type::complex64 : Type::complex128;
  T re = 0;
  T im = 0;

  bool operator==(const Complex&) const = default;
};
using Complex64 = Complex<float>;
using Complex128 = Complex<double>;

/// Calls f(T{}) for the one of Ts whose elements `type` means; false when none is.
template <class... Ts, class F>
bool with_type(Type type, F&& f) {
  return ((type_of<Ts>() == type ? (f(Ts{}), true) : false) || ...);
}

/// Elements of INT4, UINT4 and INT2 lie packed, the first in the lowest bits of the first byte.
/// Reads elements [first, first + n), sign-extended (UINT4: as they are).
inline void unpack_small(Type type, const void* packed, int64_t first, int64_t n, int8_t* out) {
  const auto* bytes = static_cast<const uint8_t*>(packed);
  const int bits = type == Type::int2 ? 2 : 4, per_byte = 8 / bits;
  const int mask = (1 << bits) - 1, sign = type == Type::uint4 ? 0 : 1 << (bits - 1);
  for (int64_t i = first; i < first + n; ++i) {
    const int value = bytes[i / per_byte] >> (i % per_byte * bits) & mask;
    *out++ = static_cast<int8_t>((value ^ sign) - sign);
  }
}

/// Writes elements 0 … n − 1; what a value has above the type's bits is lost, spare bits are 0.
inline void pack_small(Type type, const int8_t* values, int64_t n, void* packed) {
  auto* bytes = static_cast<uint8_t*>(packed);
  const int bits = type == Type::int2 ? 2 : 4, per_byte = 8 / bits;
  const int mask = (1 << bits) - 1;
  for (int64_t i = 0; i < n; i += per_byte) {
    int byte = 0;
    for (int64_t k = i; k < n && k < i + per_byte; ++k)
      byte |= (values[k] & mask) << ((k - i) * bits);
    bytes[i / per_byte] = static_cast<uint8_t>(byte);
  }
}

}  // namespace cygnet
