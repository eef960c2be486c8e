// SPDX-License-Identifier: Apache-2.0
// int16 depthwise convolution of a row; see DepthwiseS16.

/// Nv vectors of channels from `c` on of the output whose first column is x; unless Whole the first
/// `n` channels of one vector.
template <int Nv, bool Whole>
[[gnu::always_inline]] inline void dw_s16_part(const DepthwiseS16& g, int64_t c, int64_t n,
                                               int64_t x, int16_t* out) {
  using Half = int16_t __attribute__((vector_size(kVecBytes / 2)));
  // Adding 1.5·2^52 rounds a double of less than 2^51 to the nearest even integer.
  constexpr double kShift = 6755399441055744.0;
  constexpr int kChannels = Nv * kLanes;
  if (Whole) n = kChannels;
  const size_t bytes = static_cast<size_t>(n) * sizeof(int16_t);
  I acc[Nv] = {};
  for (int64_t fy = 0; fy < g.kh; ++fy) {
    if (g.rows[fy] == nullptr) continue;
    int64_t at = x;
    for (int64_t fx = 0; fx < g.kw; ++fx, at += g.dilation) {
      if (at < 0 || at >= g.w) continue;
      const int16_t* from = g.rows[fy] + at * g.c + c;
      const int16_t* w = g.weights + (fy * g.kw + fx) * g.c + c;
      Half a[Nv] = {}, b[Nv] = {};
      __builtin_memcpy(a, from, Whole ? sizeof a : bytes);
      __builtin_memcpy(b, w, Whole ? sizeof b : bytes);
      for (int i = 0; i < Nv; ++i)
        acc[i] += __builtin_convertvector(a[i], I) * __builtin_convertvector(b[i], I);
    }
  }
  int32_t sums[kChannels];
  __builtin_memcpy(sums, acc, sizeof sums);
  for (int64_t i = 0; i < n; ++i) {
    double v = static_cast<double>(sums[i] + g.bias[c + i]) * static_cast<double>(g.scale[c + i]);
    v = v < g.lo ? g.lo : v;
    v = v > g.hi ? g.hi : v;
    out[c + i] = static_cast<int16_t>((v + kShift) - kShift);
  }
}

void depthwise_s16(const DepthwiseS16& g) {
  for (int64_t i = 0; i < g.pixels; ++i) {
    const int64_t x = i * g.stride - g.pad;
    int16_t* out = g.out + i * g.out_stride;
    int64_t c = 0;
    for (; c + 4 * kLanes <= g.c; c += 4 * kLanes) dw_s16_part<4, true>(g, c, 0, x, out);
    for (; c < g.c; c += kLanes) {
      if (g.c < kLanes) {
        dw_s16_part<1, false>(g, c, g.c, x, out);
      } else {
        dw_s16_part<1, true>(g, c + kLanes > g.c ? g.c - kLanes : c, 0, x, out);
      }
    }
  }
}
