// SPDX-License-Identifier: Apache-2.0
// Exponential, logistic and hyperbolic tangent in fixed point, as TFLite's reference kernels
// compute them (gemmlowp's fixedpoint.h): numbers of 16 or 32 bits with a fixed number of integer
// bits, whose products are rounded and saturated. Bit-exact by construction: every step rounds as
// there.
#pragma once

#include <cstdint>
#include <limits>

#include "ops/fixed_point.h"

namespace cygnet::ops {

/// A signed number with kIntegerBits integer bits; the rest of T but the sign are fraction bits.
/// Fixed<T, 0> lies in [−1, 1).
template <class T, int kIntegerBits>
struct Fixed {
  static constexpr int kBits = static_cast<int>(8 * sizeof(T)) - 1;
  static constexpr int kFractionBits = kBits - kIntegerBits;
  T raw = 0;

  static Fixed from_raw(int64_t r) { return {static_cast<T>(r)}; }
  static Fixed one() {
    return from_raw(kIntegerBits == 0 ? int64_t{std::numeric_limits<T>::max()}
                                      : int64_t{1} << kFractionBits);
  }
  /// 2^exponent.
  static Fixed power_of_two(int exponent) {
    return from_raw(int64_t{1} << (kFractionBits + exponent));
  }
  /// From a constant given with 31 fraction bits less the integer bits, rounded to T.
  static Fixed constant(int32_t raw32) {
    return from_raw(sizeof(T) == 4 ? raw32 : rounding_divide_by_power(raw32, 16));
  }
};

template <class T>
T saturate(int64_t x) {
  return static_cast<T>(x < std::numeric_limits<T>::min()   ? std::numeric_limits<T>::min()
                        : x > std::numeric_limits<T>::max() ? std::numeric_limits<T>::max()
                                                            : x);
}

/// Sums wrap, like the machine's.
template <class T, int kBits>
Fixed<T, kBits> operator+(Fixed<T, kBits> a, Fixed<T, kBits> b) {
  return Fixed<T, kBits>::from_raw(int64_t{a.raw} + b.raw);
}
template <class T, int kBits>
Fixed<T, kBits> operator-(Fixed<T, kBits> a, Fixed<T, kBits> b) {
  return Fixed<T, kBits>::from_raw(int64_t{a.raw} - b.raw);
}
/// Products have the integer bits of both operands; rounded, halves away from zero as the
/// reference.
template <class T, int kA, int kB>
Fixed<T, kA + kB> operator*(Fixed<T, kA> a, Fixed<T, kB> b) {
  if (a.raw == b.raw && a.raw == std::numeric_limits<T>::min())
    return {std::numeric_limits<T>::max()};
  constexpr int kShift = static_cast<int>(8 * sizeof(T)) - 1;
  const int64_t product = int64_t{a.raw} * b.raw;
  const int64_t half = int64_t{1} << (kShift - 1);
  return Fixed<T, kA + kB>::from_raw((product + (product >= 0 ? half : 1 - half)) /
                                     (int64_t{1} << kShift));
}

/// x · 2^exponent: saturating to the left, rounding to the right.
template <class T>
T times_power_of_two(T x, int exponent) {
  if (exponent >= 0) return saturate<T>(int64_t{x} * (int64_t{1} << exponent));
  return static_cast<T>(rounding_divide_by_power(x, -exponent));
}

/// The same number with other integer bits.
template <int kTo, class T, int kFrom>
Fixed<T, kTo> rescale(Fixed<T, kFrom> x) {
  return {times_power_of_two<T>(x.raw, kFrom - kTo)};
}

/// e^a for a in [−1/4, 0): a Taylor polynomial about −1/8.
template <class T>
Fixed<T, 0> exp_near_zero(Fixed<T, 0> a) {
  using F = Fixed<T, 0>;
  const F e = F::constant(1895147668), third = F::constant(715827883);  // e^(−1/8), 1/3
  const F x = a + F::power_of_two(-3);
  const F x2 = x * x, x3 = x2 * x, x4 = x2 * x2;
  const F x4_4{times_power_of_two<T>(x4.raw, -2)};
  const F tail{times_power_of_two<T>((((x4_4 + x3) * third) + x2).raw, -1)};
  return F::from_raw(saturate<T>(int64_t{e.raw} + (e * (x + tail)).raw));
}

/// e^a for a ≤ 0: e^(a mod 1/4) times e^(−2^i) for each bit i of the rest.
template <class T, int kIntegerBits>
Fixed<T, 0> exp_negative(Fixed<T, kIntegerBits> a) {
  using In = Fixed<T, kIntegerBits>;
  using F = Fixed<T, 0>;
  const In quarter = In::power_of_two(-2);
  const int64_t mask = int64_t{quarter.raw} - 1;
  const In low = In::from_raw((a.raw & mask) - quarter.raw);
  F result = exp_near_zero<T>(rescale<0>(low));
  const int64_t rest = int64_t{low.raw} - a.raw;
  constexpr int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                  39332535,   720401,     242};
  for (int i = 0; i < 7; ++i) {
    const int exponent = i - 2;  // bit of weight 2^exponent
    if (kIntegerBits <= exponent) break;
    if ((rest >> (In::kFractionBits + exponent) & 1) != 0)
      result = result * F::constant(kFactors[i]);
  }
  if (kIntegerBits > 5) {
    const In limit = In::from_raw(-(int64_t{1} << (In::kFractionBits + 5)));
    if (a.raw < limit.raw) result = {0};
  }
  return a.raw == 0 ? F::one() : result;
}

/// 1/(1 + a) for a in [0, 1]: Newton–Raphson from 48/17 − 32/17·d.
template <class T>
Fixed<T, 0> one_over_one_plus(Fixed<T, 0> a) {
  using F0 = Fixed<T, 0>;
  using F2 = Fixed<T, 2>;
  const int64_t sum = int64_t{a.raw} + F0::one().raw;
  const F0 half_denominator = F0::from_raw((sum + (sum >= 0 ? 1 : -1)) / 2);
  const F2 c48_17 = F2::constant(1515870810), minus_32_17 = F2::constant(-1010580540);
  F2 x = c48_17 + half_denominator * minus_32_17;
  for (int i = 0; i < 3; ++i) {
    const F2 product = half_denominator * x;
    const F2 error = F2::one() - product;
    x = x + rescale<2>(x * error);
  }
  return rescale<0>(Fixed<T, 1>{x.raw});  // twice x: one integer bit less
}

/// (1 − a)/(1 + a) for a in [0, 1].
template <class T>
Fixed<T, 0> one_minus_over_one_plus(Fixed<T, 0> a) {
  using F0 = Fixed<T, 0>;
  using F2 = Fixed<T, 2>;
  const int64_t sum = int64_t{a.raw} + F0::one().raw;
  const F0 half_denominator = F0::from_raw((sum + (sum >= 0 ? 1 : -1)) / 2);
  F2 x = F2::constant(1515870810) + half_denominator * F2::constant(-1010580540);
  for (int i = 0; i < 3; ++i) {
    const F2 product = half_denominator * x;
    const F2 error = F2::one() - product;
    x = x + rescale<2>(x * error);
  }
  return rescale<0>(x - F2::one());
}

/// 1/(1 + e^−a).
template <class T, int kIntegerBits>
Fixed<T, 0> logistic(Fixed<T, kIntegerBits> a) {
  using F = Fixed<T, 0>;
  if (a.raw == 0) return F::power_of_two(-1);
  const auto negative =
      Fixed<T, kIntegerBits>{saturate<T>(a.raw > 0 ? -int64_t{a.raw} : int64_t{a.raw})};
  const F positive = one_over_one_plus<T>(exp_negative(negative));
  return a.raw > 0 ? positive : F::one() - positive;
}

/// Hyperbolic tangent.
template <class T, int kIntegerBits>
Fixed<T, 0> tanh(Fixed<T, kIntegerBits> a) {
  using F = Fixed<T, 0>;
  if (a.raw == 0) return {0};
  const auto negative = Fixed<T, kIntegerBits>{a.raw > 0 ? static_cast<T>(-a.raw) : a.raw};
  const F t = one_minus_over_one_plus<T>(
      exp_negative(Fixed<T, kIntegerBits + 1>{negative.raw}));  // e^(−2|a|)
  return a.raw > 0 ? t : F::from_raw(-int64_t{t.raw});
}

/// 1/x for x > 0 with `integer_bits` integer bits: the result times 2^−*shift, in [1/2, 1].
inline Fixed<int32_t, 0> reciprocal(int32_t x, int integer_bits, int* shift) {
  const int zeros = __builtin_clz(static_cast<uint32_t>(x));
  *shift = integer_bits - zeros;
  const auto fraction =
      static_cast<int32_t>((static_cast<uint32_t>(x) << zeros) - (uint32_t{1} << 31));
  return one_over_one_plus<int32_t>(Fixed<int32_t, 0>{fraction});
}

/// 1/√x for x ≥ 1 as a multiplier (of any size up to 2^31); 1 for smaller x. Newton–Raphson from 1.
inline Multiplier inverse_square_root(int32_t x) {
  if (x <= 1) return {std::numeric_limits<int32_t>::max(), 0};
  int shift = 11;
  while (x >= 1 << 29) {
    x /= 4;
    ++shift;
  }
  // Moves the leading bit to place 27 or 28, an even number of places.
  const int pairs = (__builtin_clz(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  shift -= pairs;
  x *= 1 << (2 * pairs);
  using F3 = Fixed<int32_t, 3>;
  const F3 half{rounding_divide_by_power(x >> 1, 1)}, three_halves{(1 << 28) + (1 << 27)};
  F3 root = F3::one();
  for (int i = 0; i < 5; ++i)
    root = rescale<3>(three_halves * root - half * rescale<3>(root * root * root));
  int32_t multiplier = (root * Fixed<int32_t, 0>{1518500250}).raw;  // √2/2
  if (shift < 0) {
    multiplier = static_cast<int32_t>(static_cast<uint32_t>(multiplier) << -shift);
    shift = 0;
  }
  return {multiplier, -shift};
}

/// log x for x ≥ 1 with 12 integer bits, to 5: the power of two next to x (two candidates, half a
/// power apart) times log 2, and a rational approximation of the logarithm of the rest.
inline Fixed<int32_t, 5> log_from_one(Fixed<int32_t, 12> x) {
  using F0 = Fixed<int32_t, 0>;
  using F6 = Fixed<int32_t, 6>;
  const F0 log_2 = F0::constant(1488522236), root_half = F0::constant(1518500250),
           fourth_root_half = F0::constant(1805811301);
  const F0 n = F0::constant(117049297), d = F0::constant(127690142), i = F0::constant(1057819769),
           f = F0::constant(638450708);
  const int64_t quarter = rescale<6>(F0::constant(536870912)).raw;
  const auto power = [](int exponent) { return int64_t{times_power_of_two(exponent, 25)}; };

  const F0 a{x.raw};
  const int a_zeros = __builtin_clz(static_cast<uint32_t>(a.raw));
  const F0 a_high{times_power_of_two(a.raw, a_zeros - 1)};
  const int32_t a_rest = times_power_of_two((a_high * root_half).raw, 1);
  const int32_t a_power = saturate<int32_t>(power(12 - a_zeros) + quarter);
  const int b_room = __builtin_clz(static_cast<uint32_t>((a * root_half).raw)) - 1;
  const int32_t b_rest = times_power_of_two(a.raw, b_room);
  const int32_t b_power = saturate<int32_t>(power(12 - b_room) - quarter);

  const F0 r{a_rest < b_rest ? a_rest : b_rest};
  const F6 exponent{a_power > b_power ? a_power : b_power};
  const int64_t sum = int64_t{r.raw} + fourth_root_half.raw;
  const F0 p = F0::from_raw((sum + (sum >= 0 ? 1 : -1)) / 2);
  const F0 half_q = r - fourth_root_half, q = half_q + half_q, q2 = q * q;
  const F0 numerator = q * r + q * q2 * n;
  const F0 denominator = p * (i + q + d * q2) + f * q;  // less 1
  return rescale<5>(exponent * log_2 +
                    rescale<6>(numerator) * one_over_one_plus<int32_t>(denominator));
}

/// Scale of differences to the largest element of a row: to 5 integer bits, for exp_negative.
struct DifferenceScale {
  static constexpr int kIntegerBits = 5;
  Multiplier multiplier;
  int32_t least = 0;  ///< below it e^x counts as 0

  /// e^(d) of d·multiplier.
  Fixed<int32_t, 0> exp_of(int32_t d) const {
    return exp_negative(Fixed<int32_t, kIntegerBits>{apply(multiplier, d)});
  }
};

/// The scale for reals `scale`·d, d = −255 … 0.
inline Status difference_scale(double scale, DifferenceScale* out) {
  constexpr int kBits = DifferenceScale::kIntegerBits;
  const double real = scale * (1 << (31 - kBits));
  // e^−16 is 0 already
  CYGNET_TRY(quantize_multiplier(real < 1073741823.0 ? real : 1073741823.0, &out->multiplier));
  const double radius = ((1 << kBits) - 1) * std::ldexp(1.0, 31 - kBits - out->multiplier.shift);
  out->least = radius < 255 ? -static_cast<int32_t>(radius) : -255;
  return {};
}

}  // namespace cygnet::ops
