// SPDX-License-Identifier: Apache-2.0
// Floats to 8 bits by a quantization chosen while running; see DynamicQuant.

/// Comparisons with NaN are false, so the running limits stay.
void range_f32(const float* in, int64_t n, float* low, float* high) {
  F least[4] = {};
  F most[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F x = load(in + i + j * kLanes);
      least[j] = select(x < least[j], x, least[j]);
      most[j] = select(most[j] < x, x, most[j]);
    }
  }
  for (; i < n; i += kLanes) {
    const F x = n - i < kLanes ? load_n(in + i, n - i) : load(in + i);
    least[0] = select(x < least[0], x, least[0]);
    most[0] = select(most[0] < x, x, most[0]);
  }
  float from = 0;
  float to = 0;
  for (int j = 0; j < 4; ++j) {
    for (int lane = 0; lane < kLanes; ++lane) {
      from = least[j][lane] < from ? least[j][lane] : from;
      to = to < most[j][lane] ? most[j][lane] : to;
    }
  }
  *low = from;
  *high = to;
}

void quantize_dynamic(const float* in, int64_t n, const DynamicQuant& quant, uint8_t* out) {
  // The largest float below 1/2: with 1/2 itself, the float just below 1/2 would round up.
  const I half = reinterpret_cast<I>(set(0x1.fffffep-2f));
  const I sign = set_i(static_cast<int32_t>(0x80000000u));
  const F inverse = set(quant.inverse);
  const F low = set(static_cast<float>(-128 - quant.zero));
  const F high = set(static_cast<float>(127 - quant.zero));
  const I offset = set_i(quant.zero + 128);
  const auto code = [&](F x) {
    F v = x * inverse;
    v = select(v > low, v, low);
    v = minimum(v, high);
    return truncate(v + reinterpret_cast<F>(half | (reinterpret_cast<I>(v) & sign))) + offset;
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_u8(out + i, code(load(in + i)));
  if (i < n) store_n_u8(out + i, code(load_n(in + i, n - i)), n - i);
}
