// SPDX-License-Identifier: Apache-2.0
// Normalization of rows. Needs reduce.inl.

/// Σ (x − mean)².
inline float squared_deviations(const float* in, int64_t n, float mean) {
  const F middle = set(mean);
  F sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F d = load(in + i + j * kLanes) - middle;
      sum[j] = fma(d, d, sum[j]);
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    const F d = load(in + i) - middle;
    sum[0] = fma(d, d, sum[0]);
  }
  float total = sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]))[0];
  for (; i < n; ++i) total += (in[i] - mean) * (in[i] - mean);
  return total;
}

void layer_norm_f32(const LayerNormF32& g) {
  const auto count = static_cast<float>(g.n);
  for (int64_t row = 0; row < g.rows; ++row) {
    const float* in = g.in + row * g.n;
    float* out = g.out + row * g.n;
    const float mean = sum_f32(in, g.n) / count;
    const float variance = squared_deviations(in, g.n, mean) / count;
    const F middle = set(mean);
    const F inverse = set(1.0f / __builtin_sqrtf(variance + g.epsilon));
    for (int64_t i = 0; i < g.n; i += kLanes) {
      const int64_t left = g.n - i;
      if (left >= kLanes) {
        const F scale = g.gamma == nullptr ? inverse : inverse * load(g.gamma + i);
        const F shift = g.beta == nullptr ? F{} : load(g.beta + i);
        store(out + i, fma(load(in + i) - middle, scale, shift));
      } else {
        const F scale = g.gamma == nullptr ? inverse : inverse * load_n(g.gamma + i, left);
        const F shift = g.beta == nullptr ? F{} : load_n(g.beta + i, left);
        store_n(out + i, fma(load_n(in + i, left) - middle, scale, shift), left);
      }
    }
  }
}
