// SPDX-License-Identifier: Apache-2.0
// f32 matrix product by indirection; see GemmF32. Needs rows.inl.

/// Stores the sums of one tile, `rows` rows of `vectors` vectors each. Not part of the tile, which
/// keeps its sums in registers only if it never indexes them by a variable.
[[gnu::noinline]] void gemm_f32_finish(const GemmF32& g, const F* acc, int64_t vectors, int64_t i0,
                                       int rows, int64_t j0, int64_t columns) {
  const F lo = set(g.lo);
  const F hi = set(g.hi);
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i, acc += vectors) {
    float* out = g.out + (i0 + i) * g.out_stride + j0;
    int64_t j = 0;
#pragma GCC unroll 1
    for (; (j + 1) * kLanes <= columns; ++j)
      store(out + j * kLanes, minimum(maximum(acc[j], lo), hi));
    if (j < vectors)
      store_n(out + j * kLanes, minimum(maximum(acc[j], lo), hi), columns - j * kLanes);
  }
}

/// One tile of Mr rows × Nv vectors of columns.
template <int Mr, int Nv>
void gemm_f32_tile(const GemmF32& g, const float* w, int64_t i0, int64_t j0, int64_t columns) {
  constexpr int kNr = kGemmF32Nv * kLanes;
  F acc[Mr][Nv];
  for (int i = 0; i < Mr; ++i) {
    for (int j = 0; j < Nv; ++j) acc[i][j] = load(w + j * kLanes);
  }
  w += kNr;
  const int64_t k = g.k;
  for (int64_t t = 0; t < g.taps; ++t) {
    const float* p[Mr];
#pragma GCC unroll 1
    for (int i = 0; i < Mr; ++i) p[i] = row_at(g, i0 + i, t);
#pragma GCC unroll 2
    for (int64_t d = 0; d < k; ++d) {
      F wv[Nv];
      for (int j = 0; j < Nv; ++j) wv[j] = load(w + j * kLanes);
      for (int i = 0; i < Mr; ++i) {
        const F a = set(p[i][d]);
        for (int j = 0; j < Nv; ++j) acc[i][j] = fma(a, wv[j], acc[i][j]);
      }
      w += kNr;
    }
  }
  F done[Mr * Nv];
  for (int i = 0; i < Mr; ++i) {
    for (int j = 0; j < Nv; ++j) done[i * Nv + j] = acc[i][j];
  }
  gemm_f32_finish(g, done, Nv, i0, Mr, j0, columns);
}

/// The tile of `rows` rows that is just wide enough for `columns` columns.
template <int Mr>
void gemm_f32_block(const GemmF32& g, const float* w, int64_t i0, int rows, int64_t j0,
                    int64_t columns) {
  if constexpr (Mr > 1) {
    if (rows < Mr) return gemm_f32_block<Mr - 1>(g, w, i0, rows, j0, columns);
  }
  if (columns <= kLanes) {
    gemm_f32_tile<Mr, 1>(g, w, i0, j0, columns);
  } else {
    gemm_f32_tile<Mr, kGemmF32Nv>(g, w, i0, j0, columns);
  }
}

void gemm_f32(const GemmF32& g) {
  constexpr int kMr = kGemmF32Mr;
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  const int64_t depth = g.taps * g.k;
  const int64_t block = (1 + depth) * kNr;
  // Rows under neighbouring windows share their pixels: each one adds about one.
  const int64_t together = rows_together(g.n * depth * 4, g.k * 4, kMr);
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t end = i0 + together < g.m ? i0 + together : g.m;
    const float* w = g.weights;
    for (int64_t j = 0; j < g.n; j += kNr, w += block) {
      const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
      // Tiles of nearly equal height: a few rows alone would wait for each other's sums.
      int64_t tiles = (end - i0 + kMr - 1) / kMr;
      for (int64_t i = i0; i < end; --tiles) {
        const auto rows = static_cast<int>((end - i + tiles - 1) / tiles);
        gemm_f32_block<kMr>(g, w, i, rows, j, columns);
        i += rows;
      }
    }
  }
}
