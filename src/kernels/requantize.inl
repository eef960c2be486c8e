// SPDX-License-Identifier: Apache-2.0
// From int32 accumulators to 8 bits.

/// Zero point and limits of an 8-bit result. The limits are applied before rounding, less the zero
/// point, so that the rounded value is small; rounding keeps order, so the result is the same.
struct Requant {
  float lo;
  float hi;
  int32_t zero_point;
};

[[gnu::always_inline]] inline Requant make_requant(int32_t zero_point, int32_t lo, int32_t hi) {
  return {static_cast<float>(lo - zero_point), static_cast<float>(hi - zero_point), zero_point};
}

/// clamp(rint(v) + zero_point, lo, hi)
[[gnu::always_inline]] inline I round_clamp(F v, const Requant& q) {
  return round_int(minimum(maximum(v, set(q.lo)), set(q.hi))) + q.zero_point;
}

[[gnu::always_inline]] inline I requantize(I acc, F scale, const Requant& q) {
  return round_clamp(to_float(acc) * scale, q);
}

/// round_clamp of one float.
[[gnu::always_inline]] inline int32_t round_clamp1(float v, const Requant& q) {
  v = v < q.lo ? q.lo : v;
  v = q.hi < v ? q.hi : v;
  return round_int1(v) + q.zero_point;
}
