// SPDX-License-Identifier: Apache-2.0
// int16 depthwise convolution of a row; see DepthwiseS16.

constexpr int kDwS16Channels = 2 * kLanes;

/// Sums of kDwS16Channels channels from `c` on of the output whose first column is x; unless Whole
/// of the first `n`.
template <bool Whole>
[[gnu::always_inline]] inline void dw_s16_sums(const DepthwiseS16& g, const int16_t* const* rows,
                                               int64_t c, int64_t n, int64_t x, int32_t* sums) {
  using Half = int16_t __attribute__((vector_size(kVecBytes / 2)));
  const size_t bytes = static_cast<size_t>(n) * sizeof(int16_t);
  I acc[2] = {};
  for (int64_t fy = 0; fy < g.kh; ++fy) {
    if (rows[fy] == nullptr) continue;
    int64_t at = x;
    for (int64_t fx = 0; fx < g.kw; ++fx, at += g.dilation) {
      if (at < 0 || at >= g.w) continue;
      Half a[2] = {}, b[2] = {};
      __builtin_memcpy(a, rows[fy] + at * g.c + c, Whole ? sizeof a : bytes);
      __builtin_memcpy(b, g.weights + (fy * g.kw + fx) * g.c + c, Whole ? sizeof b : bytes);
      for (int i = 0; i < 2; ++i)
        acc[i] += __builtin_convertvector(a[i], I) * __builtin_convertvector(b[i], I);
    }
  }
  __builtin_memcpy(sums, acc, sizeof acc);
}

void depthwise_s16(const DepthwiseS16& g) {
  // Adding 1.5·2^52 rounds a double of less than 2^51 to the nearest even integer.
  constexpr double kShift = 6755399441055744.0;
  const bool whole = g.c >= kDwS16Channels;
  const int64_t n = whole ? kDwS16Channels : g.c;
  for (int64_t at = 0; at < g.out_rows * g.pixels; ++at) {
    const int64_t row = at / g.pixels, pixel = at % g.pixels, x = pixel * g.stride - g.pad;
    const int16_t* const* rows = g.rows + row * g.row_step;
    int16_t* out = g.out + row * g.out_row + pixel * g.out_stride;
    for (int64_t c = 0; c < g.c; c += n) {
      if (c + n > g.c) c = g.c - n;
      int32_t sums[kDwS16Channels];
      whole ? dw_s16_sums<true>(g, rows, c, n, x, sums)
            : dw_s16_sums<false>(g, rows, c, n, x, sums);
      for (int64_t i = c; i < c + n; ++i) {
        const auto sum = static_cast<double>(sums[i - c] + g.bias[i]);
        double v = sum * static_cast<double>(g.scale[i]);
        v = v < g.lo ? g.lo : v;
        v = v > g.hi ? g.hi : v;
        out[i] = static_cast<int16_t>((v + kShift) - kShift);
      }
    }
  }
}
