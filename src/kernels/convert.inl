// SPDX-License-Identifier: Apache-2.0
// Conversions of type. Needs map.inl and requantize.inl.

/// clamp(round(x / scale) + zero_point, lo, hi), halves away from zero, for |lo|, |hi| ≤ 2^16.
/// x is limited first, to numbers whose quotients round to the limits; NaN becomes the lower one.
/// The quotient is rounded as a division's: the remainder of the product with the inverse, which
/// is itself rounded to nearest, corrects it (Markstein). Halves: the largest float below ½ is
/// added and the rest cut off.
struct Quantizer {
  F scale, inverse;
  F low, high;  // of x
  F low_code, high_code;
  I zero_point;
  bool by_inverse;
};

inline Quantizer make_quantizer(float scale, int32_t zero_point, int32_t lo, int32_t hi) {
  // Away from the ends of float's range nothing overflows or loses digits.
  return {set(scale),
          set(1.0f / scale),
          set(static_cast<float>(lo - zero_point) * scale),
          set(static_cast<float>(hi - zero_point) * scale),
          set(static_cast<float>(lo - zero_point)),
          set(static_cast<float>(hi - zero_point)),
          set_i(zero_point),
          kFused && scale > 1e-20f && scale < 1e20f};
}

[[gnu::always_inline]] inline I quantize(F x, const Quantizer& q) {
  F v;
  if (q.by_inverse) {
    x = minimum(maximum(q.low, x), q.high);
    const F estimate = x * q.inverse;
    v = fma(fma(-estimate, q.scale, x), q.inverse, estimate);
  } else {
    v = minimum(maximum(q.low_code, x / q.scale), q.high_code);
  }
  const I sign = reinterpret_cast<I>(v) & static_cast<int32_t>(0x80000000u);
  const F half = reinterpret_cast<F>(reinterpret_cast<I>(set(0.49999997f)) | sign);
  return truncate(v + half) + q.zero_point;
}

#if defined(__AVX2__)
/// What narrowing made of four vectors one after the other, put in their order.
template <class V, int... i>
[[gnu::always_inline]] inline V lanes_in_order(V v, Lanes<i...>) {
  constexpr int kParts = kVecBytes / 16;
  const I words = reinterpret_cast<I>(v);
  return reinterpret_cast<V>(
      __builtin_shufflevector(words, words, (i % kParts * 4 + i / kParts)...));
}

/// Whole vectors of results, by the steps of `quantize` without those that narrowing makes up for:
/// what comes out of the range of int32, or is not a number, is its smallest number. Returns how
/// many elements are done.
inline int64_t quantize_wide(const float* in, int64_t n, const Quantizer& q, int32_t zero_point,
                             int32_t lo, int32_t hi, uint8_t* out) {
  using W = WideFull;
  if (!q.by_inverse) return 0;
  const int to_signed = lo < 0 ? 0 : -128;
  const WideLimits<W> limits{W::set16(zero_point + to_signed), W::set8(lo + to_signed),
                             W::set8(hi + to_signed), W::set8(to_signed)};
  const F half = set(0.49999997f);
  int64_t i = 0;
  for (; i + W::kBytes <= n; i += W::kBytes) {
    W::V part[4];
    repeat<4>([&](int k) {
      const F x = minimum(load(in + i + k * kLanes), q.high);
      const F estimate = x * q.inverse;
      const F v = fma(fma(-estimate, q.scale, x), q.inverse, estimate);
      const I sign = reinterpret_cast<I>(x) & static_cast<int32_t>(0x80000000u);
      part[k] = W::to_int_down(v + reinterpret_cast<F>(reinterpret_cast<I>(half) | sign));
    });
    W::store(out + i, lanes_in_order(W::narrow(part[0], part[1], part[2], part[3], limits),
                                     FirstLanes<kLanes>::Type{}));
  }
  return i;
}
#endif

void quantize_q8(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                 int32_t hi, uint8_t* out) {
  const Quantizer q = make_quantizer(scale, zero_point, lo, hi);
  int64_t i = 0;
#if defined(__AVX2__)
  i = quantize_wide(in, n, q, zero_point, lo, hi, out);
#endif
  for (; i + kLanes <= n; i += kLanes) store_u8(out + i, quantize(load(in + i), q));
  if (i < n) store_n_u8(out + i, quantize(load_n(in + i, n - i), q), n - i);
}

using ShortWords = int16_t __attribute__((vector_size(kHalfLanes)));

void quantize_s16(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                  int32_t hi, int16_t* out) {
  const Quantizer q = make_quantizer(scale, zero_point, lo, hi);
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t left = n - i < kLanes ? n - i : kLanes;
    const F x = left == kLanes ? load(in + i) : load_n(in + i, left);
    const ShortWords v = __builtin_convertvector(quantize(x, q), ShortWords);
    __builtin_memcpy(out + i, &v, static_cast<size_t>(left) * sizeof(int16_t));
  }
}

void dequantize_q8(const uint8_t* in, int64_t n, uint8_t flip, float scale, int32_t zero_point,
                   float* out) {
  const int32_t zero = zero_point + flip;
  const F s = set(scale);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    store(out + i, to_float((load_u8(in + i) ^ flip) - zero) * s);
  }
  if (i < n) store_n(out + i, to_float((load_n_u8(in + i, n - i) ^ flip) - zero) * s, n - i);
}

void dequantize_s16(const int16_t* in, int64_t n, float scale, int32_t zero_point, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(in[i] - zero_point) * scale;
}

void half_to_float(const uint16_t* in, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, load_half(in + i));
  for (; i < n; ++i) out[i] = half_to_float1(in[i]);
}

void float_to_half(const float* in, int64_t n, uint16_t* out) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_half(out + i, load(in + i));
  for (; i < n; ++i) out[i] = float_to_half1(in[i]);
}

void xor_copy(const uint8_t* in, int64_t n, uint8_t flip, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = in[i] ^ flip;
}

void requantize_s32(const int32_t* in, int64_t n, const float* scale, int64_t scale_stride,
                    int32_t zero_point, int32_t lo, int32_t hi, uint8_t* out) {
  const Requant q = make_requant(zero_point, lo, hi);
  F s = set(n > 0 ? scale[0] : 0.0f);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if (scale_stride != 0) s = load(scale + i);
    store_u8(out + i, requantize(load_i(in + i), s, q));
  }
  if (i < n) {
    if (scale_stride != 0) s = load_n(scale + i, n - i);
    store_n_u8(out + i, requantize(load_n_i(in + i, n - i), s, q), n - i);
  }
}
