// SPDX-License-Identifier: Apache-2.0
// Softmax of a row. Needs map.inl, reduce.inl and requantize.inl.

void softmax_f32(const float* in, int64_t n, float beta, float* out) {
  const float max = max_f32(in, n);
  const F top = set(max);
  const F slope = set(beta);
  map_loop(in, n, out, [&](F x) { return exp_f((x - top) * slope); });
  const F inverse = set(1.0f / sum_f32(out, n));
  map_loop(out, n, out, [&](F x) { return x * inverse; });
}

void softmax_q8(const uint8_t* in, int64_t n, uint8_t flip, const float* exp_table,
                float out_inverse_scale, int32_t zero_point, int32_t lo, int32_t hi, uint8_t* out) {
  const int32_t max = max_biased(in, n, flip);
  // Eight sums in a fixed order: the same bits on every tier.
  float part[8] = {};
  for (int64_t i = 0; i < n; ++i) part[i % 8] += exp_table[max - (in[i] ^ flip)];
  float sum = 0;
  for (int j = 0; j < 8; ++j) sum += part[j];
  const float factor = out_inverse_scale / sum;
  const Requant q = make_requant(zero_point, lo, hi);
  for (int64_t i = 0; i < n; ++i) {
    const float e = exp_table[max - (in[i] ^ flip)];
    out[i] = static_cast<uint8_t>(round_clamp1(e * factor, q));
  }
}
