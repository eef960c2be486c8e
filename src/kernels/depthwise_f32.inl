// SPDX-License-Identifier: Apache-2.0
// f32 depthwise convolution of rows; see DepthwiseF32. Outputs of some columns and rows at a time
// and a vector of channels: an input is read once for all of them that it belongs to.

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

#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int kDwRegisters = 32;
#else
constexpr int kDwRegisters = 16;
#endif

constexpr int kDwRows = 6;

/// What is computed at once of a filter of K columns, S of them from an output to the next: R rows
/// of P outputs. Sums, the weights of R rows of the filter and an input fit in the registers.
template <int K, int S>
struct DwTile {
  static constexpr bool kMany = kDwRegisters == 32 && S == 1;
  static constexpr int R = K == 3 ? (kMany ? 4 : 2) : (kMany ? 2 : 1);
  static constexpr int P = R == 1 ? 8 : 4;
  static constexpr int kRows = (R - 1) * S + K;
  static constexpr int kColumns = (P - 1) * S + K;
  static constexpr bool kHold = K * K + R * P < kDwRegisters;
  static_assert(kRows <= kDwRows);
};

/// A tile of outputs at most, and where their columns lie.
struct DwPart {
  const float* rows[kDwRows];  ///< null: not in the image, or no output's
  int64_t height = 0;          ///< rows of outputs
  int64_t first = 0;           ///< elements of a row before the first column; may be negative
  int64_t step = 0;            ///< elements from a column to the next
  uint32_t inside = 0;         ///< bit i: column i is not beside the image
  int64_t n = 0;               ///< outputs of a row
  float* out = nullptr;
  int64_t out_step = 0;  ///< elements
};

/// Row i of a tile: what it adds to the sums. The filter's weights are `weight` or, where they
/// don't fit in the registers with the sums, at w. All: see dw_f32_outputs.
template <int K, int S, bool All>
[[gnu::always_inline]] inline void dw_f32_input(const DwPart& part, int i, int64_t c,
                                                const F* weight, const float* w, F* acc) {
  using Tile = DwTile<K, S>;
  constexpr int R = Tile::R, P = Tile::P;
  if (part.rows[i] == nullptr) return;
  F mine[R * K];
#pragma GCC unroll 16
  for (int k = 0; k < R * K; ++k) {
    const int fy = i - k / K * S;
    if (fy < 0 || fy >= K) continue;
    mine[k] = Tile::kHold ? weight[fy * K + k % K] : load(w + (fy * K + k % K) * kLanes);
  }
  const float* at = part.rows[i] + part.first + c;
#pragma GCC unroll 24
  for (int column = 0; column < Tile::kColumns; ++column, at += part.step) {
    if (!All && (part.inside >> column & 1) == 0) continue;
    const F v = load(at);
#pragma GCC unroll 16
    for (int o = 0; o < R * P; ++o) {
      const int fy = i - o / P * S, fx = column - o % P * S;
      if (fy >= 0 && fy < K && fx >= 0 && fx < K) acc[o] = fma(v, mine[o / P * K + fx], acc[o]);
    }
  }
}

/// A vector of channels, from `c` on. All: every column is inside and there are P outputs a row.
template <int K, int S, bool All>
[[gnu::always_inline]] inline void dw_f32_outputs(const DepthwiseF32& g, const float* w, int64_t c,
                                                  const DwPart& part) {
  using Tile = DwTile<K, S>;
  constexpr int R = Tile::R, P = Tile::P;
  F acc[R * P], weight[K * K];
#pragma GCC unroll 16
  for (F& a : acc) a = load(w);
  w += kLanes;
#pragma GCC unroll 16
  for (int i = 0; i < (Tile::kHold ? K * K : 0); ++i) weight[i] = load(w + i * kLanes);
  if (R == 1) {
#pragma GCC unroll 1
    for (int i = 0; i < K; ++i) dw_f32_input<K, S, All>(part, i, c, weight, w, acc);
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < Tile::kRows; ++i) dw_f32_input<K, S, All>(part, i, c, weight, w, acc);
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    if (r == part.height) break;
    float* out = part.out + r * g.out_row + c;
#pragma GCC unroll 8
    for (int o = 0; o < P; ++o, out += part.out_step) {
      if (!All && o == part.n) break;
      store(out, minimum(maximum(acc[r * P + o], set(g.lo)), set(g.hi)));
    }
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

/// Tiles of a filter's width and step, and what computes one of them: within the image, and any.
struct DwTiles {
  int k, s, rows, outputs;
  void (*inner)(const DepthwiseF32&, const DwPart&);
  void (*outer)(const DepthwiseF32&, const DwPart&);
};

template <int K, int S>
constexpr DwTiles kDwTiles = {K,
                              S,
                              DwTile<K, S>::R,
                              DwTile<K, S>::P,
                              dw_f32_channels<K, S, true>,
                              dw_f32_channels<K, S, false>};

/// The outputs of a run in the rows of `part`.
[[gnu::noinline]] void dw_f32_run(const DepthwiseF32& g, const DwTiles& tiles, const DwRun& run,
                                  DwPart part) {
  const int columns = (tiles.outputs - 1) * tiles.s + tiles.k;
  int64_t x = run.x;
  part.step = run.step * g.c;
  part.out += run.out;
  part.out_step = run.out_step;
  for (int64_t i = 0; i < run.pixels; i += tiles.outputs) {
    part.n = run.pixels - i < tiles.outputs ? run.pixels - i : tiles.outputs;
    part.first = x * g.c;
    part.inside = 0;
    // Columns that belong only to outputs beyond the last one are left out as well.
    for (int64_t column = 0; column < (part.n - 1) * tiles.s + tiles.k; ++column) {
      const int64_t at = x + column * run.step;
      if (at >= 0 && at < g.w) part.inside |= 1u << column;
    }
    (part.inside == (1u << columns) - 1u ? tiles.inner : tiles.outer)(g, part);
    x += tiles.outputs * tiles.s * run.step;
    part.out += tiles.outputs * run.out_step;
  }
}

/// At least a vector of channels, filters of the tiles' width and at most that height, whose step
/// is that of the runs.
void dw_f32_tiles(const DepthwiseF32& g, const DwTiles& tiles, const DwClasses& of) {
  const int64_t most = g.row_step == tiles.s ? tiles.rows : 1;
  for (int64_t done = 0; done < g.out_rows; done += most) {
    DwPart part;
    part.height = g.out_rows - done < most ? g.out_rows - done : most;
    part.out = g.out + done * g.out_row;
    int64_t i = 0;
    for (const float*& row : part.rows) {
      row = i < (part.height - 1) * tiles.s + g.kh ? g.rows[done * g.row_step + i] : nullptr;
      ++i;
    }
    for (int64_t first = 0; first < of.classes; ++first)
      dw_f32_run(g, tiles, dw_run(g, of, first), part);
  }
}

/// Any filter, a vector of channels of one output.
template <bool Whole>
[[gnu::always_inline]] inline void dw_f32_any(const DepthwiseF32& g, const float* const* rows,
                                              const float* w, int64_t c, int64_t left, int64_t x,
                                              float* out) {
  F acc = load(w);
  for (int64_t fy = 0; fy < g.kh; ++fy) {
    int64_t at = x;
    for (int64_t fx = 0; fx < g.kw; ++fx, at += g.dilation) {
      w += kLanes;
      if (rows[fy] == nullptr || at < 0 || at >= g.w) continue;
      const float* from = rows[fy] + at * g.c + c;
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

/// A row of outputs of any filter.
void dw_f32_row(const DepthwiseF32& g, const float* const* rows, float* outs) {
  for (int64_t i = 0; i < g.pixels; ++i) {
    const int64_t x = i * g.stride - g.pad;
    const float* w = g.weights;
    for (int64_t c = 0; c < g.c; c += kLanes, w += (1 + g.kh * g.kw) * kLanes) {
      if (g.c >= kLanes && c + kLanes > g.c) c = g.c - kLanes;
      float* out = outs + i * g.out_stride + c;
      if (g.c >= kLanes) {
        dw_f32_any<true>(g, rows, w, c, kLanes, x, out);
      } else {
        dw_f32_any<false>(g, rows, w, c, g.c, x, out);
      }
    }
  }
}

void depthwise_f32(const DepthwiseF32& g) {
  const DwClasses of = dw_classes(g);
  if ((g.kw == 3 || g.kw == 5) && g.kh == g.kw && of.columns <= 2 && g.c >= kLanes) {
    const DwTiles* const tiles[] = {&kDwTiles<3, 1>, &kDwTiles<3, 2>, &kDwTiles<5, 1>,
                                    &kDwTiles<5, 2>};
    dw_f32_tiles(g, *tiles[(g.kw - 3) + (of.columns - 1)], of);
    return;
  }
  for (int64_t r = 0; r < g.out_rows; ++r)
    dw_f32_row(g, g.rows + r * g.row_step, g.out + r * g.out_row);
}
