// SPDX-License-Identifier: Apache-2.0
// Sums of terms; see SumTermsF32.

/// A vector of channels, or the `left` first of one, of R rows.
template <int R, bool Whole>
[[gnu::always_inline]] inline void sum_terms_rows(const SumTermsF32& g, int64_t i, int64_t ch,
                                                  F bias, int64_t left) {
  F sum[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) sum[r] = bias;
#pragma GCC unroll 1
  for (int64_t t = 0; t < g.count; ++t) {
    const float* in = g.terms[t] + i * g.in_stride + ch;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r, in += g.in_stride) sum[r] += Whole ? load(in) : load_n(in, left);
  }
  float* out = g.out + i * g.out_stride + ch;
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r, out += g.out_stride) {
    const F v = minimum(maximum(sum[r], set(g.lo)), set(g.hi));
    if (Whole) {
      store(out, v);
    } else {
      store_n(out, v, left);
    }
  }
}

template <bool Whole>
[[gnu::noinline]] void sum_terms_channels(const SumTermsF32& g, int64_t ch, int64_t left) {
  constexpr int kRows = 8;
  const F bias = Whole ? load(g.bias + ch) : load_n(g.bias + ch, left);
  int64_t i = 0;
  for (; i + kRows <= g.rows; i += kRows) sum_terms_rows<kRows, Whole>(g, i, ch, bias, left);
  for (; i < g.rows; ++i) sum_terms_rows<1, Whole>(g, i, ch, bias, left);
}

void sum_terms_f32(const SumTermsF32& g) {
  if (g.c < kLanes) return sum_terms_channels<false>(g, 0, g.c);
  for (int64_t ch = 0; ch < g.c; ch += kLanes) {
    // The last whole vector covers what is left, some of it twice.
    sum_terms_channels<true>(g, ch + kLanes <= g.c ? ch : g.c - kLanes, kLanes);
  }
}
