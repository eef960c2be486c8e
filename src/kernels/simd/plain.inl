// SPDX-License-Identifier: Apache-2.0
// One-element forms of what some ISAs have instructions for.

/// IEEE half to float: normal numbers by moving the exponent, subnormal ones as mantissa · 2^−24.
[[gnu::always_inline]] inline float half_to_float1(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t sign = (half & 0x8000u) << 16;
  uint32_t bits = (magnitude << 13) + 0x38000000u;
  if (magnitude >= 0x7c00u) bits += 0x38000000u;
  if (magnitude > 0x7c00u) bits |= 0x00400000u;
  if (magnitude < 0x0400u) {
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    __builtin_memcpy(&bits, &value, 4);
  }
  bits |= sign;
  float result;
  __builtin_memcpy(&result, &bits, 4);
  return result;
}

/// Float to IEEE half, ties to even; overflow gives infinity. Subnormal results are rounded by the
/// addition of 0.5, whose last place is the half's smallest step.
[[gnu::always_inline]] inline uint16_t float_to_half1(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  bits &= 0x7fffffffu;
  uint32_t result;
  if (bits > 0x7f800000u) {
    result = 0x7e00u | ((bits >> 13) & 0x3ffu);
  } else if (bits >= 0x47800000u) {
    result = 0x7c00u;
  } else if (bits < 0x38800000u) {
    float small;
    __builtin_memcpy(&small, &bits, 4);
    small += 0.5f;
    __builtin_memcpy(&bits, &small, 4);
    result = bits - 0x3f000000u;
  } else {
    result = (bits + 0xfffu + ((bits >> 13) & 1u) - 0x38000000u) >> 13;
  }
  return static_cast<uint16_t>(result | sign);
}
