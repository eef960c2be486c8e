// SPDX-License-Identifier: Apache-2.0
// f32 depthwise convolution of a row; see DepthwiseF32. Eight outputs of a row at a time and a
// vector of channels: an input is read once for all outputs that it belongs to.

/// Outputs of a row that lie a whole number of filter columns apart: their columns follow each
/// other `step` pixels apart.
struct DwRun {
  int64_t x;         ///< of the first column, may be outside the image
  int64_t step;      ///< pixels between columns
  int64_t pixels;    ///< outputs
  int64_t out;       ///< elements of the result before the first one
  int64_t out_step;  ///< elements from one to the next
};

/// The outputs of a row in `classes` runs; `columns` from one output of a run to the next.
struct DwClasses {
  int64_t columns, classes;
};

inline DwClasses dw_classes(const DepthwiseRow& g) {
  int64_t common = g.stride, rest = g.dilation;
  while (rest != 0) {
    const int64_t next = common % rest;
    common = rest;
    rest = next;
  }
  const int64_t classes = g.dilation / common;
  return {g.stride / common, classes < g.pixels ? classes : g.pixels};
}

inline DwRun dw_run(const DepthwiseRow& g, const DwClasses& of, int64_t first) {
  return {.x = first * g.stride - g.pad,
          .step = g.dilation,
          .pixels = (g.pixels - first + of.classes - 1) / of.classes,
          .out = first * g.out_stride,
          .out_step = of.classes * g.out_stride};
}

constexpr int kDwOutputs = 8;

/// Eight outputs at most, and where their columns lie.
struct DwPart {
  int64_t first = 0;    ///< elements of a row before the first column; may be negative
  int64_t step = 0;     ///< elements from a column to the next
  uint32_t inside = 0;  ///< bit i: column i is not beside the image
  int64_t n = 0;        ///< outputs
  float* out = nullptr;
  int64_t out_step = 0;  ///< elements
};

/// A vector of channels, from `c` on. All: every column is inside and there are kDwOutputs outputs.
template <int K, int S, bool All>
[[gnu::always_inline]] inline void dw_f32_outputs(const DepthwiseF32& g, const float* w, int64_t c,
                                                  const DwPart& part) {
  constexpr int kColumns = (kDwOutputs - 1) * S + K;
  F acc[kDwOutputs];
  for (F& a : acc) a = load(w);
  w += kLanes;
  for (int64_t fy = 0; fy < g.kh; ++fy, w += K * kLanes) {
    if (g.rows[fy] == nullptr) continue;
    F weight[K];
    for (int k = 0; k < K; ++k) weight[k] = load(w + k * kLanes);
    const float* const row = g.rows[fy];
    int64_t at = part.first + c;
    for (int column = 0; column < kColumns; ++column, at += part.step) {
      if (!All && (part.inside >> column & 1) == 0) continue;
      const F v = load(row + at);
      for (int o = 0; o < kDwOutputs; ++o) {
        const int k = column - S * o;
        if (k >= 0 && k < K) acc[o] = fma(v, weight[k], acc[o]);
      }
    }
  }
  float* out = part.out + c;
  for (int o = 0; o < kDwOutputs; ++o, out += part.out_step) {
    if (!All && o == part.n) break;
    store(out, minimum(maximum(acc[o], set(g.lo)), set(g.hi)));
  }
}

template <int K, int S, bool All>
[[gnu::noinline]] void dw_f32_channels(const DepthwiseF32& g, const DwPart& part) {
  const DwPart mine = part;
  const float* w = g.weights;
  for (int64_t c = 0; c < g.c; c += kLanes, w += (1 + g.kh * K) * kLanes) {
    if (c + kLanes > g.c) c = g.c - kLanes;
    dw_f32_outputs<K, S, All>(g, w, c, mine);
  }
}

/// At least a vector of channels, filters of width K, S columns from an output to the next of the
/// run.
template <int K, int S>
void dw_f32_run(const DepthwiseF32& g, const DwRun& run) {
  constexpr int kColumns = (kDwOutputs - 1) * S + K;
  int64_t x = run.x;
  DwPart part{.step = run.step * g.c, .out = g.out + run.out, .out_step = run.out_step};
  for (int64_t i = 0; i < run.pixels; i += kDwOutputs) {
    part.n = run.pixels - i < kDwOutputs ? run.pixels - i : kDwOutputs;
    part.first = x * g.c;
    part.inside = 0;
    // Columns that belong only to outputs beyond the last one are left out as well.
    for (int64_t column = 0; column < (part.n - 1) * S + K; ++column) {
      const int64_t at = x + column * run.step;
      if (at >= 0 && at < g.w) part.inside |= 1u << column;
    }
    if (part.inside == (1u << kColumns) - 1u) {
      dw_f32_channels<K, S, true>(g, part);
    } else {
      dw_f32_channels<K, S, false>(g, part);
    }
    x += kDwOutputs * S * run.step;
    part.out += kDwOutputs * run.out_step;
  }
}

/// Any filter, a vector of channels of one output.
template <bool Whole>
[[gnu::always_inline]] inline void dw_f32_any(const DepthwiseF32& g, const float* w, int64_t c,
                                              int64_t left, int64_t x, float* out) {
  F acc = load(w);
  for (int64_t fy = 0; fy < g.kh; ++fy) {
    int64_t at = x;
    for (int64_t fx = 0; fx < g.kw; ++fx, at += g.dilation) {
      w += kLanes;
      if (g.rows[fy] == nullptr || at < 0 || at >= g.w) continue;
      const float* from = g.rows[fy] + at * g.c + c;
      acc = fma(Whole ? load(from) : load_n(from, left), load(w), acc);
    }
  }
  acc = minimum(maximum(acc, set(g.lo)), set(g.hi));
  if (Whole) {
    store(out, acc);
  } else {
    store_n(out, acc, left);
  }
}

void depthwise_f32(const DepthwiseF32& g) {
  const DwClasses of = dw_classes(g);
  if ((g.kw == 3 || g.kw == 5) && of.columns <= 2 && g.c >= kLanes) {
    for (int64_t first = 0; first < of.classes; ++first) {
      const DwRun run = dw_run(g, of, first);
      if (g.kw == 3) {
        of.columns == 1 ? dw_f32_run<3, 1>(g, run) : dw_f32_run<3, 2>(g, run);
      } else {
        of.columns == 1 ? dw_f32_run<5, 1>(g, run) : dw_f32_run<5, 2>(g, run);
      }
    }
    return;
  }
  for (int64_t i = 0; i < g.pixels; ++i) {
    const int64_t x = i * g.stride - g.pad;
    const float* w = g.weights;
    for (int64_t c = 0; c < g.c; c += kLanes, w += (1 + g.kh * g.kw) * kLanes) {
      if (g.c >= kLanes && c + kLanes > g.c) c = g.c - kLanes;
      float* out = g.out + i * g.out_stride + c;
      if (g.c >= kLanes) {
        dw_f32_any<true>(g, w, c, kLanes, x, out);
      } else {
        dw_f32_any<false>(g, w, c, g.c, x, out);
      }
    }
  }
}
