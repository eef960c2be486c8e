// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution of a run of pixels; see DepthwiseF32 and DepthwiseQ8.
// Needs gemm_f32.inl and requantize.inl.

/// Nv whole vectors of channels from `c` on.
template <int Nv>
[[gnu::always_inline]] inline void depthwise_f32_part(const float* const* rows, const float* w,
                                                      int64_t taps, int64_t c, F lo, F hi,
                                                      float* out) {
  const int64_t block = (1 + taps) * kLanes;
  F acc[Nv];
  for (int j = 0; j < Nv; ++j) acc[j] = load(w + j * block);
  for (int64_t t = 0; t < taps; ++t) {
    w += kLanes;
    for (int j = 0; j < Nv; ++j) {
      acc[j] = fma(load(rows[t] + c + j * kLanes), load(w + j * block), acc[j]);
    }
  }
  for (int j = 0; j < Nv; ++j) store(out + c + j * kLanes, minimum(maximum(acc[j], lo), hi));
}

void depthwise_f32(const DepthwiseF32& g) {
  const F lo = set(g.lo);
  const F hi = set(g.hi);
  const int64_t block = (1 + g.taps) * kLanes;
  const float* rows[kMaxDepthwiseTaps];
  for (int64_t i = 0; i < g.pixels; ++i) {
    for (int64_t t = 0; t < g.taps; ++t) rows[t] = row_at(g, i, t);
    float* out = g.out + i * g.out_stride;
    const float* w = g.weights;
    int64_t c = 0;
    for (; c + 4 * kLanes <= g.c; c += 4 * kLanes, w += 4 * block) {
      depthwise_f32_part<4>(rows, w, g.taps, c, lo, hi, out);
    }
    for (; c + kLanes <= g.c; c += kLanes, w += block) {
      depthwise_f32_part<1>(rows, w, g.taps, c, lo, hi, out);
    }
    if (c < g.c) {
      F acc = load(w);
      for (int64_t t = 0; t < g.taps; ++t) {
        acc = fma(load_n(rows[t] + c, g.c - c), load(w + (1 + t) * kLanes), acc);
      }
      store_n(out + c, minimum(maximum(acc, lo), hi), g.c - c);
    }
  }
}

/// One vector of channels from `c` on, or the first `left` of it (Whole false).
template <bool Whole>
[[gnu::always_inline]] inline void depthwise_q8_part(const DepthwiseQ8& g,
                                                     const uint8_t* const* rows, const uint8_t* w,
                                                     int64_t c, int64_t left, const Requant& q,
                                                     uint8_t* out) {
  F scale;
  I acc = load_i(w);
  I sum = {};
  __builtin_memcpy(&scale, w + kVecBytes, sizeof scale);
  w += 2 * kVecBytes;
  for (int64_t t = 0; t < g.taps; t += 4, rows += 4, w += kVecBytes) {
    const I bytes = Whole ? interleave4(rows[0] + c, rows[1] + c, rows[2] + c, rows[3] + c)
                          : interleave4_n(rows[0] + c, rows[1] + c, rows[2] + c, rows[3] + c, left);
    acc = dot4(acc, dot_a(bytes), dot_w(load_i(w)));
    if (g.weight_zero_point != 0) {
      // Taps beyond the last are copies of it: they must not be counted.
      const int64_t extra = t + 4 > g.taps ? t + 4 - g.taps : 0;
      const I ones = set_i(static_cast<int32_t>(0x01010101u >> (8 * extra)));
      sum = dot4(sum, dot_a(bytes), dot_w(ones));
    }
  }
  acc = wrapping_add(acc, wrapping_mul(sum, set_i(-g.weight_zero_point)));
  const I v = requantize(acc, scale, q);
  if (Whole) {
    store_u8(out + c, v);
  } else {
    store_n_u8(out + c, v, left);
  }
}

void depthwise_q8(const DepthwiseQ8& g) {
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
  const int64_t block = (2 + (g.taps + 3) / 4) * kVecBytes;
  const uint8_t* rows[kMaxDepthwiseTaps + 3];
  for (int64_t i = 0; i < g.pixels; ++i) {
    for (int64_t t = 0; t < g.taps; ++t) rows[t] = row_at(g, i, t);
    for (int64_t t = g.taps; t % 4 != 0; ++t) rows[t] = rows[g.taps - 1];
    uint8_t* out = g.out + i * g.out_stride;
    const auto* w = static_cast<const uint8_t*>(g.weights);
    int64_t c = 0;
    for (; c + kLanes <= g.c; c += kLanes, w += block) {
      depthwise_q8_part<true>(g, rows, w, c, kLanes, q, out);
    }
    if (c < g.c) depthwise_q8_part<false>(g, rows, w, c, g.c - c, q, out);
  }
}
