// SPDX-License-Identifier: Apache-2.0
// f32 matrix product by indirection; see GemmF32.

/// Start of row i at tap t, for every kernel whose arguments have a, at, at_stride, a_stride, zero.
template <typename Args>
[[gnu::always_inline]] inline auto row_at(const Args& g, int64_t i, int64_t t) {
  if constexpr (requires { g.a_stride; }) {
    if (g.at == nullptr) return g.a + i * g.a_stride;
  }
  const int32_t offset = g.at[i * g.at_stride + t];
  return offset < 0 ? g.zero : g.a + offset;
}

/// Rows that go through all blocks of columns together: one tile if the weights stay in the
/// second-level cache by themselves, otherwise as many as let the rows stay there.
inline int64_t rows_together(int64_t weight_bytes, int64_t row_bytes, int mr) {
  constexpr int64_t kCacheBytes = 256 * 1024;
  if (weight_bytes <= kCacheBytes) return mr;
  const int64_t rows = kCacheBytes / (row_bytes + 1);
  return rows < mr ? mr : rows / mr * mr;
}

/// One tile of Mr rows × Nv vectors of columns; rows beyond `rows` repeat the last one and are not
/// stored.
template <int Mr, int Nv>
void gemm_f32_tile(const GemmF32& g, const float* w, int64_t i0, int rows, int64_t j0,
                   int64_t columns) {
  constexpr int kNr = kGemmF32Nv * kLanes;
  F acc[Mr][Nv];
  for (int i = 0; i < Mr; ++i) {
    for (int j = 0; j < Nv; ++j) acc[i][j] = load(w + j * kLanes);
  }
  w += kNr;
  const int64_t k = g.k;
  for (int64_t t = 0; t < g.taps; ++t) {
    const float* p[Mr];
    for (int i = 0; i < Mr; ++i) p[i] = row_at(g, i0 + (i < rows ? i : rows - 1), t);
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
  const F lo = set(g.lo);
  const F hi = set(g.hi);
  for (int i = 0; i < Mr; ++i) {
    if (i >= rows) break;
    float* out = g.out + (i0 + i) * g.out_stride + j0;
    for (int j = 0; j < Nv; ++j) {
      const F v = minimum(maximum(acc[i][j], lo), hi);
      const int64_t left = columns - j * kLanes;
      if (left >= kLanes) {
        store(out + j * kLanes, v);
      } else if (left > 0) {
        store_n(out + j * kLanes, v, left);
      }
    }
  }
}

/// The smallest tile that holds `rows` rows and `columns` columns.
template <int Mr>
void gemm_f32_block(const GemmF32& g, const float* w, int64_t i0, int rows, int64_t j0,
                    int64_t columns) {
  if constexpr (Mr > 1) {
    if (rows <= Mr / 2) {
      gemm_f32_block<Mr / 2>(g, w, i0, rows, j0, columns);
      return;
    }
  }
  if (columns <= kLanes) {
    gemm_f32_tile<Mr, 1>(g, w, i0, rows, j0, columns);
  } else {
    gemm_f32_tile<Mr, kGemmF32Nv>(g, w, i0, rows, j0, columns);
  }
}

void gemm_f32(const GemmF32& g) {
  constexpr int kMr = kGemmF32Mr;
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  const int64_t depth = g.taps * g.k;
  const int64_t block = (1 + depth) * kNr;
  const int64_t together = rows_together(g.n * depth * 4, depth * 4, kMr);
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t end = i0 + together < g.m ? i0 + together : g.m;
    const float* w = g.weights;
    for (int64_t j = 0; j < g.n; j += kNr, w += block) {
      const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
      for (int64_t i = i0; i < end; i += kMr) {
        const int rows = end - i < kMr ? static_cast<int>(end - i) : kMr;
        gemm_f32_block<kMr>(g, w, i, rows, j, columns);
      }
    }
  }
}
