// SPDX-License-Identifier: Apache-2.0
// 8-bit matrix product by indirection; see GemmQ8. Needs rows.inl and finish_q8.inl.

/// Σ of n unsigned bytes.
inline int64_t sum_u8(const uint8_t* in, int64_t n) {
  // Parts of 2^16 bytes keep the int32 sum below 2^24.
  int64_t total = 0;
  while (n > 0) {
    const int64_t part = n < 65536 ? n : 65536;
    int32_t sum = 0;
    for (int64_t i = 0; i < part; ++i) sum += in[i];
    total += sum;
    in += part;
    n -= part;
  }
  return total;
}

/// −weight_zero_point · Σ_t Σ_k row(i, t)[k], of the unsigned activations.
inline int32_t row_correction(const GemmQ8& g, int64_t i) {
  constexpr int kBytes = 4096;  // of which the sum stays below 2^20
  int64_t sum = 0;
  for (int64_t t = 0; t < g.taps; ++t) {
    const uint8_t* row = row_at(g, i, t);
    for (int64_t d = 0; d < g.k; d += kBytes) {
      const int64_t end = d + kBytes < g.k ? d + kBytes : g.k;
      int32_t part = 0;
      for (int64_t e = d; e < end; ++e) part += row[e] ^ g.flip;
      sum += part;
    }
  }
  return static_cast<int32_t>(-g.weight_zero_point * sum);
}

[[gnu::always_inline]] inline I broadcast4(const uint8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return set_i(bytes);
}

/// What the tiles of a call share, and the part of it that is at work.
struct TileQ8 {
  const GemmQ8& g;
  const uint8_t* block;        ///< packed weights of these columns
  I flip;                      ///< in every byte
  const int32_t* corrections;  ///< from row i0 on, or null
  int64_t i0;
  int rows;
  int64_t j0;
  int64_t columns;
};

/// Sums of one tile. Not inlined, so that a row's bytes are spread over a vector and flipped there
/// and not before.
template <int Mr, int Nv>
[[gnu::noinline]] void gemm_q8_tile(const TileQ8& x) {
  constexpr int kNr = kGemmQ8Nv * kLanes;
  const GemmQ8& g = x.g;
  const uint8_t* w = x.block;
  I acc[Mr][Nv];
  repeat<Mr * Nv>([&](int e) __attribute__((always_inline)) {
    acc[e / Nv][e % Nv] = load_i(w + e % Nv * kVecBytes);
  });
  w += 8 * kNr;
  const I flip = x.flip;
  const int64_t k = g.k;
  for (int64_t t = 0; t < g.taps; ++t) {
    const uint8_t* p[Mr];
    for (int i = 0; i < Mr; ++i) p[i] = row_at(g, x.i0 + (i < x.rows ? i : x.rows - 1), t);
    int64_t d = 0;
    if constexpr (Mr == 1) {
      // One sum would wait for itself: four in turn.
      I more[3][Nv] = {};
      for (; d + 16 <= k; d += 16, w += 16 * kNr) {
        repeat<4>([&](int u) __attribute__((always_inline)) {
          const DotA a = dot_a(broadcast4(p[0] + d + 4 * u) ^ flip);
          repeat<Nv>([&](int j) __attribute__((always_inline)) {
            I& sum = u == 0 ? acc[0][j] : more[u == 0 ? 0 : u - 1][j];
            sum = dot4(sum, a, dot_w(load_i(w + 4 * u * kNr + j * kVecBytes)));
          });
        });
      }
      repeat<3 * Nv>([&](int e) __attribute__((always_inline)) {
        acc[0][e % Nv] = wrapping_add(acc[0][e % Nv], more[e / Nv][e % Nv]);
      });
    }
    for (; d < k; d += 4) {
      DotW wv[Nv];
      for (int j = 0; j < Nv; ++j) wv[j] = dot_w(load_i(w + j * kVecBytes));
      for (int i = 0; i < Mr; ++i) {
        const DotA a = dot_a(broadcast4(p[i] + d) ^ flip);
        for (int j = 0; j < Nv; ++j) acc[i][j] = dot4(acc[i][j], a, wv[j]);
      }
      w += 4 * kNr;
    }
  }
  // The tile keeps its sums in registers only if it never indexes them by a variable.
  constexpr int kSums = (Mr * Nv + 3) / 4 * 4;
  I done[kSums] = {};
  repeat<Mr * Nv>([&](int e) __attribute__((always_inline)) { done[e] = acc[e / Nv][e % Nv]; });
  finish_q8<Nv>({.g = &g,
                 .sums = done,
                 .scales = x.block + 4 * kNr,
                 .corrections = x.corrections,
                 .i0 = x.i0,
                 .rows = x.rows,
                 .j0 = x.j0,
                 .columns = x.columns});
}

/// The smallest tile that holds the rows and columns.
template <int Mr>
void gemm_q8_block(const TileQ8& x) {
  if constexpr (Mr > 1) {
    if (x.rows <= Mr / 2) {
      gemm_q8_block<Mr / 2>(x);
      return;
    }
  }
  if (x.columns <= kLanes) {
    gemm_q8_tile<Mr, 1>(x);
  } else {
    gemm_q8_tile<Mr, kGemmQ8Nv>(x);
  }
}

void gemm_q8(const GemmQ8& g) {
  constexpr int kMr = kGemmQ8Mr;
  constexpr int64_t kNr = kGemmQ8Nv * kLanes;
  constexpr int64_t kMostRows = 240 / kMr * kMr;
  int32_t corrections[kMostRows];
  const I flip = set_i(static_cast<int32_t>(g.flip * 0x01010101u));
  const bool corrected = g.weight_zero_point != 0;
  const int64_t depth = g.taps * ((g.k + 3) / 4) * 4;
  const int64_t block = (8 + depth) * kNr;
  int64_t together = rows_together(g.n * depth, depth, kMr);
  if (corrected && together > kMostRows) together = kMostRows;
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t end = i0 + together < g.m ? i0 + together : g.m;
    for (int64_t i = i0; corrected && i < end; ++i) corrections[i - i0] = row_correction(g, i);
    const auto* w = static_cast<const uint8_t*>(g.weights);
    for (int64_t j = 0; j < g.n; j += kNr, w += block) {
      const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
      for (int64_t i = i0; i < end; i += kMr) {
        const int rows = end - i < kMr ? static_cast<int>(end - i) : kMr;
        gemm_q8_block<kMr>(
            {g, w, flip, corrected ? corrections + (i - i0) : nullptr, i, rows, j, columns});
      }
    }
  }
}
