// SPDX-License-Identifier: Apache-2.0
// int16 × int8 products; see GemmS16. Needs gemm_f32.inl.

/// Σ a·w, exact. |a·w| ≤ 2^22, so 256 products fit an int32.
inline int64_t dot_s16(const int16_t* a, const int8_t* w, int64_t k) {
  int64_t total = 0;
  while (k > 0) {
    const int64_t part = k < 256 ? k : 256;
    int32_t sum = 0;
    for (int64_t i = 0; i < part; ++i) sum += a[i] * w[i];
    total += sum;
    a += part;
    w += part;
    k -= part;
  }
  return total;
}

void gemm_s16(const GemmS16& g) {
  // Adding 1.5·2^52 rounds a double of less than 2^51 to the nearest even integer.
  constexpr double kShift = 6755399441055744.0;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      const int8_t* w = g.weights + j * g.taps * g.k;
      int64_t sum = g.bias != nullptr ? g.bias[j] : 0;
      for (int64_t t = 0; t < g.taps; ++t, w += g.k) sum += dot_s16(row_at(g, i, t), w, g.k);
      double v = static_cast<double>(sum) * static_cast<double>(g.scale[j * g.scale_stride]);
      v = v < g.lo ? g.lo : v;
      v = v > g.hi ? g.hi : v;
      g.out[i * g.out_stride + j] = static_cast<int16_t>((v + kShift) - kShift);
    }
  }
}
