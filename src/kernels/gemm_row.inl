// SPDX-License-Identifier: Apache-2.0
// f32 product of one row: a step of a recurrent network, a fully connected layer without a batch.
// Needs gemm_f32.inl.

/// Blocks of columns at once, for sums not to wait for the ones before.
constexpr int kRowBlocksF32 = 8 / kGemmF32Nv;

/// Stores `columns` sums, clamped.
[[gnu::noinline]] void gemm_f32_row_store(const GemmF32& g, const float* sums, int64_t columns,
                                          float* out) {
  const F lo = set(g.lo);
  const F hi = set(g.hi);
#pragma GCC unroll 1
  for (; columns >= kLanes; columns -= kLanes, sums += kLanes, out += kLanes)
    store(out, minimum(maximum(load(sums), lo), hi));
  if (columns > 0) store_n(out, minimum(maximum(load(sums), lo), hi), columns);
}

/// One row · `Blocks` blocks of columns from j0 on, of which the last one has Last vectors. The
/// order of additions is that of a tile: a row has the same results whatever rows come with it.
template <int Blocks, int Last>
[[gnu::noinline]] void gemm_f32_row_blocks(const GemmF32& g, const float* w, int64_t j0) {
  constexpr int kNv = kGemmF32Nv;
  constexpr int kNr = kNv * kLanes;
  constexpr int kVectors = (Blocks - 1) * kNv + Last;
  const int64_t block = (1 + g.taps * g.k) * kNr;
  const auto at = [&](auto v) __attribute__((always_inline)) {
    return w + v / kNv * block + v % kNv * kLanes;
  };
  F acc[kVectors];
  unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { acc[v] = load(at(v)); });
  w += kNr;
  for (int64_t t = 0; t < g.taps; ++t) {
    const float* p = row_at(g, 0, t);
#pragma GCC unroll 1
    for (int64_t d = 0; d < g.k; ++d, w += kNr) {
      const F a = set(p[d]);
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) {
        acc[v] = fma(a, load(at(v)), acc[v]);
      });
    }
  }
  alignas(kVecBytes) float sums[kVectors * kLanes];
  unrolled<kVectors>([&](auto v)
                         __attribute__((always_inline)) { store(sums + v * kLanes, acc[v]); });
  const int64_t columns = g.n - j0 < kVectors * kLanes ? g.n - j0 : kVectors * kLanes;
  gemm_f32_row_store(g, sums, columns, g.out + j0);
}

/// The last `vectors` ≤ Blocks·kGemmF32Nv vectors of columns.
template <int Blocks, int Last>
void gemm_f32_row_end(const GemmF32& g, const float* w, int64_t j0, int64_t vectors) {
  if (vectors == (Blocks - 1) * kGemmF32Nv + Last) {
    gemm_f32_row_blocks<Blocks, Last>(g, w, j0);
  } else if constexpr (Last > 1) {
    gemm_f32_row_end<Blocks, Last - 1>(g, w, j0, vectors);
  } else if constexpr (Blocks > 1) {
    gemm_f32_row_end<Blocks - 1, kGemmF32Nv>(g, w, j0, vectors);
  }
}

inline void gemm_f32_row(const GemmF32& g) {
  constexpr int64_t kStep = kRowBlocksF32 * kGemmF32Nv * kLanes;
  const float* w = g.weights;
  int64_t j = 0;
  for (; g.n - j > kStep; j += kStep) {
    gemm_f32_row_blocks<kRowBlocksF32, kGemmF32Nv>(g, w, j);
    w += (1 + g.taps * g.k) * kStep;
  }
  gemm_f32_row_end<kRowBlocksF32, kGemmF32Nv>(g, w, j, (g.n - j + kLanes - 1) / kLanes);
}

/// gemm_f32 of any m.
void gemm_f32_any(const GemmF32& g) {
  if (g.m == 1) {
    gemm_f32_row(g);
  } else {
    gemm_f32(g);
  }
}
