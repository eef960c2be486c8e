// SPDX-License-Identifier: Apache-2.0
// f32 product of one row: a step of a recurrent network, a fully connected layer without a batch.
// Needs gemm_f32.inl.

/// One row · one block of columns. Depths go to kParts sums in turn, so that no sum waits for the
/// one before.
template <int Nv>
void gemm_f32_row_block(const GemmF32& g, const float* w, int64_t j0, int64_t columns) {
  constexpr int kNr = kGemmF32Nv * kLanes;
  constexpr int kParts = 4;
  F acc[kParts][Nv] = {};
  for (int j = 0; j < Nv; ++j) acc[0][j] = load(w + j * kLanes);
  w += kNr;
  const int64_t k = g.k;
  for (int64_t t = 0; t < g.taps; ++t) {
    const float* p = row_at(g, 0, t);
    int64_t d = 0;
    for (; d + kParts <= k; d += kParts) {
      for (int u = 0; u < kParts; ++u) {
        const F a = set(p[d + u]);
        for (int j = 0; j < Nv; ++j) {
          acc[u][j] = fma(a, load(w + u * kNr + j * kLanes), acc[u][j]);
        }
      }
      w += kParts * kNr;
    }
    for (; d < k; ++d) {
      const F a = set(p[d]);
      for (int j = 0; j < Nv; ++j) acc[0][j] = fma(a, load(w + j * kLanes), acc[0][j]);
      w += kNr;
    }
  }
  const F lo = set(g.lo);
  const F hi = set(g.hi);
  for (int j = 0; j < Nv; ++j) {
    const F sum = (acc[0][j] + acc[1][j]) + (acc[2][j] + acc[3][j]);
    const F v = minimum(maximum(sum, lo), hi);
    const int64_t left = columns - j * kLanes;
    if (left >= kLanes) {
      store(g.out + j0 + j * kLanes, v);
    } else if (left > 0) {
      store_n(g.out + j0 + j * kLanes, v, left);
    }
  }
}

inline void gemm_f32_row(const GemmF32& g) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  const int64_t block = (1 + g.taps * g.k) * kNr;
  const float* w = g.weights;
  for (int64_t j = 0; j < g.n; j += kNr, w += block) {
    const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
    if (columns <= kLanes) {
      gemm_f32_row_block<1>(g, w, j, columns);
    } else {
      gemm_f32_row_block<kGemmF32Nv>(g, w, j, columns);
    }
  }
}

/// gemm_f32 of any m.
void gemm_f32_any(const GemmF32& g) {
  if (g.m == 1) {
    gemm_f32_row(g);
  } else {
    gemm_f32(g);
  }
}
