// SPDX-License-Identifier: Apache-2.0
// Conversions of type. Needs map.inl and requantize.inl.

/// clamp(round(x / scale) + zero_point, lo, hi), halves away from zero. Limited to one step beyond
/// the result's range before rounding, so that NaN and large values convert safely.
[[gnu::always_inline]] inline I quantize(F x, F scale, I zero_point, I lo, I hi) {
  const F low = to_float(lo - zero_point - 1);
  const F high = to_float(hi - zero_point + 1);
  F v = x / scale;
  v = select(v > low, v, low);
  v = minimum(v, high);
  I t = truncate(v);
  const F rest = v - to_float(t);
  // A true comparison is −1.
  t = t - (rest >= 0.5f) + (rest <= -0.5f) + zero_point;
  t = t < lo ? lo : t;
  return t > hi ? hi : t;
}

void quantize_q8(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                 int32_t hi, uint8_t* out) {
  const F s = set(scale);
  const I zero = set_i(zero_point);
  const I low = set_i(lo);
  const I high = set_i(hi);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_u8(out + i, quantize(load(in + i), s, zero, low, high));
  if (i < n) store_n_u8(out + i, quantize(load_n(in + i, n - i), s, zero, low, high), n - i);
}

void quantize_s16(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                  int32_t hi, int16_t* out) {
  const F s = set(scale);
  const I zero = set_i(zero_point);
  const I low = set_i(lo);
  const I high = set_i(hi);
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t left = n - i < kLanes ? n - i : kLanes;
    const F x = left == kLanes ? load(in + i) : load_n(in + i, left);
    int32_t buffer[kLanes];
    store_i(buffer, quantize(x, s, zero, low, high));
    for (int64_t j = 0; j < left; ++j) out[i + j] = static_cast<int16_t>(buffer[j]);
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
