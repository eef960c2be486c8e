// SPDX-License-Identifier: Apache-2.0
// f32 matrix product by indirection; see GemmF32. Needs rows.inl.

/// Vectors of the widest tile: one more than a block of three has, for columns that would leave a
/// block of only one.
constexpr int kMostVectorsF32 = kGemmF32Nv == 3 ? 4 : kGemmF32Nv;
/// Rows of tiles of that many vectors.
template <int Nv>
constexpr int kTileRowsF32 = Nv > kGemmF32Nv ? 6 : kGemmF32Mr;
/// Depths of a part at most: weights of a block that stay in the first-level cache with the rows of
/// a tile.
constexpr int64_t kPartDepthsF32 = 9216 / (kGemmF32Nv * kLanes);
constexpr int64_t kLineBytes = 64;
/// Lines of the cache that the largest tile fetches for each two depths where there are few tiles.
constexpr int kLinesF32 = kGemmF32Nv == 3 ? 3 : 1;
/// Rows that go through the parts of a block together at most.
constexpr int64_t kPartRowsF32 = 96;

/// Some depths of one block of columns, for all rows that go together. Sums of all parts but the
/// last one wait in memory for the next.
struct PartF32 {
  const GemmF32& g;
  int64_t i0;            ///< the first of the rows
  int64_t i;             ///< a tile's first row, from there
  int64_t tap, first;    ///< where the depths begin
  int64_t count;         ///< how many of the taps·k they are
  const float* weights;  ///< [count][kNr]
  int64_t more_weights;  ///< Elements from there to those of vector kGemmF32Nv.
  const char* ahead;     ///< weights for a tile to bring nearer
  int64_t ahead_bytes;   ///< how many for each two depths
  const float* start;    ///< what the sums begin with
  int64_t start_stride;  ///< Elements between rows of `start`.
  int64_t more_start;    ///< Elements from there to those of vector kGemmF32Nv.
  float* out;            ///< of the first row
  int64_t out_stride;
  int64_t columns;
  float lo, hi;
};

/// A number known to the compiler.
template <int I>
struct Index {
  constexpr operator int() const { return I; }
};

/// body(0) … body(N − 1), each with a number known to the compiler: arrays that only they index
/// become registers.
template <int N, class Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
  if constexpr (N > 0) {
    unrolled<N - 1>(body);
    body(Index<N - 1>{});
  }
}

/// Starts of Mr rows from i on at tap t.
template <int Mr>
[[gnu::always_inline]] inline void gemm_f32_rows(const GemmF32& g, int64_t i, int64_t t,
                                                 const float* (&p)[Mr]) {
  if (g.at == nullptr) {
    const float* row = g.a + i * g.a_stride;
    unrolled<Mr>([&](auto r) __attribute__((always_inline)) {
      p[r] = row;
      row += g.a_stride;
    });
    return;
  }
  const int32_t* at = g.at + i * g.at_stride + t;
  unrolled<Mr>([&](auto r) __attribute__((always_inline)) {
    const int64_t offset = *at;
    p[r] = offset < 0 ? g.zero : g.a + offset;
    at += g.at_stride;
  });
}

/// One tile of Mr rows × Nv vectors of columns: row i of those that begin at i0. `ahead`: weights
/// to bring nearer.
template <int Mr, int Nv, int Lines>
[[gnu::noinline]] void gemm_f32_tile(const PartF32& part) {
  constexpr int kNr = kGemmF32Nv * kLanes;
  F acc[Mr][Nv];
  const float* start = part.start + part.i * part.start_stride;
  unrolled<Mr>([&](auto r) __attribute__((always_inline)) {
    unrolled<Nv>([&](auto j) __attribute__((always_inline)) {
      acc[r][j] = load(start + (j < kGemmF32Nv ? j * kLanes : part.more_start));
    });
    start += part.start_stride;
  });
  const float* w = part.weights;
  const float* more = w + part.more_weights;
  const char* ahead = part.ahead;
  int64_t d = part.first;
  for (int64_t t = part.tap, left = part.count; left > 0; ++t, d = 0) {
    const int64_t end = d + left < part.g.k ? d + left : part.g.k;
    left -= end - d;
    const float* p[Mr];
    gemm_f32_rows<Mr>(part.g, part.i0 + part.i, t, p);
    const auto add = [&](int64_t at) __attribute__((always_inline)) {
      F wv[Nv];
      unrolled<Nv>([&](auto j) __attribute__((always_inline)) {
        wv[j] = load(j < kGemmF32Nv ? w + j * kLanes : more);
      });
      unrolled<Mr>([&](auto r) __attribute__((always_inline)) {
        const F a = set(p[r][at]);
        unrolled<Nv>([&](auto j) __attribute__((always_inline)) {
          acc[r][j] = add_product(acc[r][j], a, wv[j]);
        });
      });
      w += kNr;
      more += kNr;
    };
#pragma GCC unroll 1
    for (; d + 2 <= end; d += 2, ahead += part.ahead_bytes) {
      unrolled<Lines>([&](auto line) __attribute__((always_inline)) {
        __builtin_prefetch(ahead + line * kLineBytes, 0, 2);
      });
      add(d);
      add(d + 1);
    }
    if (d < end) add(d);
  }
  const F lo = set(part.lo);
  const F hi = set(part.hi);
  const int64_t out_stride = part.out_stride, last = part.columns - (Nv - 1) * kLanes;
  float* out = part.out + part.i * out_stride;
  unrolled<Mr>([&](auto r) __attribute__((always_inline)) {
    unrolled<Nv>([&](auto j) __attribute__((always_inline)) {
      const F sum = minimum(maximum(acc[r][j], lo), hi);
      if constexpr (kMaskedStores && j == Nv - 1) {
        store_n(out + j * kLanes, sum, last);
      } else {
        store(out + j * kLanes, sum);
      }
    });
    out += out_stride;
  });
}

/// Whether there is a tile of `rows` rows where the largest has Mr: not of all, for the code's
/// size.
constexpr bool has_tile_f32(int rows, int mr) {
  return rows >= mr - 2 || (rows & (rows - 1)) == 0;
}

/// The largest tile of at most `rows` rows and of `vectors` vectors of columns. Returns its rows.
template <int Mr, int Nv>
int gemm_f32_block(const PartF32& part, int rows, int vectors) {
  if constexpr (Nv > 1) {
    if (vectors < Nv) return gemm_f32_block<kTileRowsF32<Nv - 1>, Nv - 1>(part, rows, vectors);
  }
  if constexpr (Mr > 1) {
    if (!has_tile_f32(Mr, kTileRowsF32<Nv>) || rows < Mr)
      return gemm_f32_block<Mr - 1, Nv>(part, rows, vectors);
  }
  if constexpr (has_tile_f32(Mr, kTileRowsF32<Nv>)) {
    if constexpr (Mr == kGemmF32Mr && Nv == kGemmF32Nv && kLinesF32 > 1) {
      if (part.ahead_bytes > kLineBytes) {
        gemm_f32_tile<Mr, Nv, kLinesF32>(part);
        return Mr;
      }
    }
    gemm_f32_tile<Mr, Nv, 1>(part);
  }
  return Mr;
}

/// All rows of a part. Each tile brings its share of the weights from `next` on nearer: evenly, for
/// memory to be never idle.
void gemm_f32_part(PartF32& part, int64_t rows, int vectors, const float* next) {
  constexpr int64_t kBytes = 2 * kGemmF32Nv * kVecBytes;  // of two depths
  const int64_t most =
      vectors > kGemmF32Nv ? kTileRowsF32<kMostVectorsF32> : kTileRowsF32<kGemmF32Nv>;
  // Tiles of nearly equal height: a few rows alone would wait for each other's sums.
  int64_t tiles = (rows + most - 1) / most;
  const int64_t share = kBytes / (tiles == 0 ? 1 : tiles);
  part.ahead_bytes = share < kLinesF32 * kLineBytes ? share : kLinesF32 * kLineBytes;
  part.ahead = reinterpret_cast<const char*>(next);
  part.i = 0;
  while (part.i < rows) {
    const auto height = static_cast<int>((rows - part.i + tiles - 1) / tiles);
    part.i += gemm_f32_block<kTileRowsF32<kMostVectorsF32>, kMostVectorsF32>(part, height, vectors);
    part.ahead += part.count / 2 * part.ahead_bytes;
    if (tiles > 1) --tiles;
  }
}

/// Where stores can't be masked: the sums of the last columns, which are no whole vectors.
void gemm_f32_store_part(const float* sums, int64_t stride, int64_t rows, int64_t columns,
                         float* out, int64_t out_stride) {
  for (int64_t i = 0; i < rows; ++i, sums += stride, out += out_stride) {
    int64_t j = 0;
    for (; j + kLanes <= columns; j += kLanes) store(out + j, load(sums + j));
    if (j < columns) store_n(out + j, load(sums + j), columns - j);
  }
}

/// `columns` columns from j on of `rows` rows from i0 on, their depths in parts of `count`. sums:
/// as many whole vectors for each row.
void gemm_f32_columns(const GemmF32& g, const float* w, int64_t i0, int64_t rows, int64_t j,
                      int64_t columns, int64_t count, float* sums) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  const int64_t stride = vectors * kLanes;
  const int64_t block = (1 + g.taps * g.k) * kNr;
  const bool direct = kMaskedStores || columns == stride;
  float* out = g.out + i0 * g.out_stride + j;
  PartF32 part = {.g = g,
                  .i0 = i0,
                  .i = 0,
                  .tap = 0,
                  .first = 0,
                  .count = count,
                  .weights = w + kNr,
                  .more_weights = block,
                  .ahead = nullptr,
                  .ahead_bytes = 0,
                  .start = w,
                  .start_stride = 0,
                  .more_start = block,
                  .out = sums,
                  .out_stride = stride,
                  .columns = stride,
                  .lo = -__builtin_inff(),
                  .hi = __builtin_inff()};
  for (int64_t left = g.taps * g.k;; left -= count) {
    const bool last = left <= count;
    if (last) {
      part.count = left;
      part.lo = g.lo;
      part.hi = g.hi;
    }
    if (last && direct) {
      part.out = out;
      part.out_stride = g.out_stride;
      part.columns = columns;
    }
    const float* next = part.weights + part.count * kNr;
    gemm_f32_part(part, rows, static_cast<int>(vectors),
                  last && g.n - j <= columns && i0 + rows < g.m ? g.weights : next);
    if (last) break;
    part.weights = next;
    part.start = sums;
    part.start_stride = stride;
    part.more_start = kNr;
    for (part.first += count; part.first >= g.k; part.first -= g.k) ++part.tap;
  }
  if (!direct) gemm_f32_store_part(sums, stride, rows, columns, out, g.out_stride);
}

void gemm_f32(const GemmF32& g) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  constexpr int64_t kMost = kMostVectorsF32 * kLanes;
  alignas(kVecBytes) float sums[kPartRowsF32 * kMost];
  const int64_t depth = g.taps * g.k;
  const int64_t parts = (depth + kPartDepthsF32 - 1) / kPartDepthsF32;
  const int64_t count = parts <= 1 ? depth : (depth + parts - 1) / parts;
  const int64_t groups = (g.m + kPartRowsF32 - 1) / kPartRowsF32;
  const int64_t together = groups <= 1 ? g.m : (g.m + groups - 1) / groups;
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t rows = i0 + together < g.m ? together : g.m - i0;
    const float* w = g.weights;
    for (int64_t j = 0, columns; j < g.n; j += columns) {
      columns = g.n - j > kMost ? kNr : g.n - j;
      gemm_f32_columns(g, w, i0, rows, j, columns, count, sums);
      w += (1 + depth) * kNr;
    }
  }
}
