// SPDX-License-Identifier: Apache-2.0
// f32 matrix product by indirection; see GemmF32. Needs rows.inl.

/// Depths of a part at most: weights of a block that stay in the first-level cache with the rows of
/// a tile.
constexpr int64_t kPartDepthsF32 = 256;
/// Tiles of rows that go through the parts of a block together.
constexpr int64_t kPartTilesF32 = 8;

/// Some depths of one block of columns, for all rows that go together. Sums of all parts but the
/// last one wait in memory for the next.
struct PartF32 {
  int64_t tap, first;    ///< where the depths begin
  int64_t count;         ///< how many of the taps·k they are
  const float* weights;  ///< [count][kNr]
  const float* ahead;    ///< weights of the next part
  const float* start;    ///< what the sums begin with
  int64_t start_stride;  ///< Elements between rows of `start`.
  float* out;            ///< of the first row
  int64_t out_stride;
  int64_t columns;
  float lo, hi;
};

/// Stores the sums of one tile, `rows` rows of `vectors` vectors each. Not part of the tile, which
/// keeps its sums in registers only if it never indexes them by a variable.
[[gnu::noinline]] void gemm_f32_finish(const PartF32& p, const F* acc, int64_t vectors, int rows,
                                       float* out) {
  const F lo = set(p.lo);
  const F hi = set(p.hi);
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i, acc += vectors, out += p.out_stride) {
    int64_t j = 0;
#pragma GCC unroll 1
    for (; (j + 1) * kLanes <= p.columns; ++j)
      store(out + j * kLanes, minimum(maximum(acc[j], lo), hi));
    if (j < vectors)
      store_n(out + j * kLanes, minimum(maximum(acc[j], lo), hi), p.columns - j * kLanes);
  }
}

/// Starts of `rows` rows from i0 on at tap t.
[[gnu::noinline]] void gemm_f32_rows(const GemmF32& g, int64_t i0, int rows, int64_t t,
                                     const float** p) {
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i) p[i] = row_at(g, i0 + i, t);
}

/// One tile of Mr rows × Nv vectors of columns: row i of those that begin at i0. `ahead`: weights
/// to bring nearer.
template <int Mr, int Nv>
void gemm_f32_tile(const GemmF32& g, const PartF32& part, int64_t i0, int64_t i,
                   const float* ahead) {
  constexpr int kNr = kGemmF32Nv * kLanes;
  F acc[Mr][Nv];
  const float* start = part.start + i * part.start_stride;
  for (int r = 0; r < Mr; ++r, start += part.start_stride) {
    for (int j = 0; j < Nv; ++j) acc[r][j] = load(start + j * kLanes);
  }
  const float* w = part.weights;
  int64_t d = part.first;
  for (int64_t t = part.tap, left = part.count; left > 0; ++t, d = 0) {
    const int64_t end = d + left < g.k ? d + left : g.k;
    left -= end - d;
    const float* p[Mr];
    gemm_f32_rows(g, i0 + i, Mr, t, p);
    const auto add = [&](int64_t at) __attribute__((always_inline)) {
      F wv[Nv];
      for (int j = 0; j < Nv; ++j) wv[j] = load(w + j * kLanes);
      for (int r = 0; r < Mr; ++r) {
        const F a = set(p[r][at]);
        for (int j = 0; j < Nv; ++j) acc[r][j] = fma(a, wv[j], acc[r][j]);
      }
      w += kNr;
    };
    for (; d + 2 <= end; d += 2, ahead += kLanes) {
      __builtin_prefetch(ahead, 0, 2);
      add(d);
      add(d + 1);
    }
    if (d < end) add(d);
  }
  float* out = part.out + i * part.out_stride;
  if (part.columns >= Nv * kLanes) {
    const F lo = set(part.lo);
    const F hi = set(part.hi);
    for (int r = 0; r < Mr; ++r, out += part.out_stride) {
      for (int j = 0; j < Nv; ++j) store(out + j * kLanes, minimum(maximum(acc[r][j], lo), hi));
    }
    return;
  }
  F done[Mr * Nv];
  for (int r = 0; r < Mr; ++r) {
    for (int j = 0; j < Nv; ++j) done[r * Nv + j] = acc[r][j];
  }
  gemm_f32_finish(part, done, Nv, Mr, out);
}

/// The tile of `rows` rows that is just wide enough for the part's columns.
template <int Mr>
void gemm_f32_block(const GemmF32& g, const PartF32& part, int64_t i0, int64_t i, int rows,
                    bool narrow, const float* ahead) {
  if constexpr (Mr > 1) {
    if (rows < Mr) return gemm_f32_block<Mr - 1>(g, part, i0, i, rows, narrow, ahead);
  }
  if (narrow) {
    gemm_f32_tile<Mr, 1>(g, part, i0, i, ahead);
  } else {
    gemm_f32_tile<Mr, kGemmF32Nv>(g, part, i0, i, ahead);
  }
}

/// All rows of a part. Each of four tiles brings a quarter of the next part's weights nearer.
void gemm_f32_part(const GemmF32& g, const PartF32& part, int64_t i0, int64_t rows, bool narrow) {
  constexpr int kMr = kGemmF32Mr;
  const int64_t quarter = part.count * (kGemmF32Nv * kLanes / 4);
  // Tiles of nearly equal height: a few rows alone would wait for each other's sums.
  int64_t tiles = (rows + kMr - 1) / kMr;
  int64_t turn = 0;
  for (int64_t i = 0; i < rows; --tiles, ++turn) {
    const auto height = static_cast<int>((rows - i + tiles - 1) / tiles);
    gemm_f32_block<kMr>(g, part, i0, i, height, narrow, part.ahead + (turn & 3) * quarter);
    i += height;
  }
}

/// One block of columns from j on of `rows` rows from i0 on, its depths in parts of `count`. sums:
/// kNr for each row. Returns the next block's weights.
const float* gemm_f32_columns(const GemmF32& g, const float* w, int64_t i0, int64_t rows, int64_t j,
                              int64_t count, float* sums) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
  PartF32 part = {.tap = 0,
                  .first = 0,
                  .count = count,
                  .weights = w + kNr,
                  .ahead = nullptr,
                  .start = w,
                  .start_stride = 0,
                  .out = sums,
                  .out_stride = kNr,
                  .columns = kNr,
                  .lo = -__builtin_inff(),
                  .hi = __builtin_inff()};
  for (int64_t left = g.taps * g.k;; left -= count) {
    const bool last = left <= count;
    if (last) {
      part.count = left;
      part.out = g.out + i0 * g.out_stride + j;
      part.out_stride = g.out_stride;
      part.columns = columns;
      part.lo = g.lo;
      part.hi = g.hi;
    }
    const float* next = part.weights + part.count * kNr;
    part.ahead = last && g.n - j <= kNr ? g.weights : next;
    gemm_f32_part(g, part, i0, rows, columns <= kLanes);
    if (last) return next;
    part.weights = next;
    part.start = sums;
    part.start_stride = kNr;
    for (part.first += count; part.first >= g.k; part.first -= g.k) ++part.tap;
  }
}

void gemm_f32(const GemmF32& g) {
  constexpr int64_t kMr = kGemmF32Mr;
  constexpr int64_t kRows = kPartTilesF32 * kMr;
  alignas(kVecBytes) float sums[kRows * kGemmF32Nv * kLanes];
  const int64_t depth = g.taps * g.k;
  const int64_t parts = (depth + kPartDepthsF32 - 1) / kPartDepthsF32;
  const int64_t count = parts <= 1 ? depth : (depth + parts - 1) / parts;
  // Rows under neighbouring windows share their pixels: each one adds about one.
  int64_t together = parts <= 1 ? rows_together(g.n * depth * 4, g.k * 4, kMr) : kRows;
  const int64_t groups = (g.m + together - 1) / together;
  if (groups > 1) together = (g.m + groups - 1) / groups;
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t rows = i0 + together < g.m ? together : g.m - i0;
    const float* w = g.weights;
    for (int64_t j = 0; j < g.n; j += kGemmF32Nv * kLanes)
      w = gemm_f32_columns(g, w, i0, rows, j, count, sums);
  }
}
