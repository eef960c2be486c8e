// SPDX-License-Identifier: Apache-2.0
// f32 matrix product by AMX tiles of bfloat16; see GemmSplit, pack_split. Needs gemm_amx.inl.
//
// Rows are split into a panel for each two tiles of rows, [taps][⌈k/32⌉][3 parts][2 tiles][16 rows]
// [32 depths], their parts in the order large, small, middle: that in which they are used. The last
// depths of split_tail are multiplied as they are when the sums are finished.

constexpr int64_t kPartBytes = 2 * kTileRows * kTileBytes;
constexpr int64_t kGroupBytes = 3 * kPartBytes;
constexpr int64_t kSplitDepths = 32;

/// Sums + A · B, bfloat16.
template <int Sums, int A, int B>
[[gnu::always_inline]] inline void multiply_halves() {
  __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(A), "i"(B));
}

/// 32 depths of a row, low ones and high ones, as pairs (d, d + 16) of each part. Cut off, not
/// rounded: what is left is exact, and so is the last part.
[[gnu::always_inline]] inline void split_depths(F low, F high, uint8_t* to) {
  const __m512i mask = _mm512_set1_epi32(static_cast<int32_t>(0xffff0000u));
  const auto cut = [&](F v) {
    return v - reinterpret_cast<F>(_mm512_and_si512(reinterpret_cast<__m512i>(v), mask));
  };
  const auto store_pairs = [&](F a, F b, int64_t part) {
    // a's upper half below b's: x | (y & mask)
    constexpr int kOrAnd = 0xf8;
    const __m512i lower = _mm512_srli_epi32(reinterpret_cast<__m512i>(a), 16);
    _mm512_store_si512(
        to + part * kPartBytes,
        _mm512_ternarylogic_epi32(lower, reinterpret_cast<__m512i>(b), mask, kOrAnd));
  };
  store_pairs(low, high, 0);
  low = cut(low), high = cut(high);
  store_pairs(low, high, 2);
  store_pairs(cut(low), cut(high), 1);
}

/// Splits rows [i0, i0 + count) into a panel, `rows` to a tile.
void split_rows(const GemmSplit& g, int64_t i0, int64_t count, int rows, uint8_t* panel) {
  const int64_t depths = g.k - split_tail(g.taps, g.k);
  for (int64_t i = 0; i < count; ++i) {
    uint8_t* to = panel + i / rows * kTileRows * kTileBytes + i % rows * kTileBytes;
    for (int64_t t = 0; t < g.taps; ++t) {
      const float* in = row_at(g, i0 + i, t);
      int64_t d = 0;
      for (; d + kSplitDepths <= depths; d += kSplitDepths, to += kGroupBytes)
        split_depths(load(in + d), load(in + d + kLanes), to);
      const int64_t left = depths - d;
      if (left == 0) continue;
      split_depths(left < kLanes ? load_n(in + d, left) : load(in + d),
                   left <= kLanes ? F{} : load_n(in + d + kLanes, left - kLanes), to);
      to += kGroupBytes;
    }
  }
}

/// Sums of one or two tiles of rows and of columns, left in tiles 0 … 3.
template <bool Two, bool Wide>
void multiply_panel(const uint8_t* a, const uint8_t* b, int64_t groups) {
  constexpr int64_t kTile = kTileRows * kTileBytes;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const auto rows = [&](int64_t part) {
    load_tile<4>(a + part * kPartBytes, kTileBytes);
    if constexpr (Two) load_tile<5>(a + part * kPartBytes + kTile, kTileBytes);
  };
  const auto columns = [&](int64_t part) {
    load_tile<6>(b + part * kPartBytes, kTileBytes);
    if constexpr (Wide) load_tile<7>(b + part * kPartBytes + kTile, kTileBytes);
  };
  const auto multiply = [&] {
    multiply_halves<0, 4, 6>();
    if constexpr (Wide) multiply_halves<1, 4, 7>();
    if constexpr (Two) multiply_halves<2, 5, 6>();
    if constexpr (Two && Wide) multiply_halves<3, 5, 7>();
  };
  for (; groups > 0; --groups, a += kGroupBytes, b += kGroupBytes) {
    rows(0);
    columns(0);
    multiply();  // large · small
    columns(1);
    multiply();  // large · middle
    columns(2);
    multiply();  // large · large
    rows(1);
    multiply();  // small · large
    rows(2);
    multiply();  // middle · large
    columns(1);
    multiply();  // middle · middle
  }
}

/// Sums of two tiles of rows and of columns that wait to be finished while the tiles work.
struct WaitingSplit {
  const float* sums = nullptr;    ///< [2 · kTileRows][kSplitColumns]; null: nothing waits
  const uint8_t* bias = nullptr;  ///< and the tail's weights
  int64_t i0 = 0, count = 0, j0 = 0, columns = 0;
};

void finish_split(const GemmSplit& g, int rows, const WaitingSplit& w) {
  if (w.sums == nullptr) return;
  const int64_t tail = split_tail(g.taps, g.k);
  const auto* start = reinterpret_cast<const float*>(w.bias);
  const F bias[2] = {load(start), load(start + kLanes)};
  const F lo = set(g.lo), hi = set(g.hi);
  float* out = g.out + w.i0 * g.out_stride + w.j0;
  for (int64_t i = 0; i < w.count; ++i, out += g.out_stride) {
    const float* sums = w.sums + (i / rows * kTileRows + i % rows) * kSplitColumns;
    F v[2] = {load(sums) + bias[0], load(sums + kLanes) + bias[1]};
    for (int64_t t = 0; t < tail; ++t) {
      const F a = set(row_at(g, w.i0 + i, 0)[g.k - tail + t]);
      const float* weights = start + (1 + t) * kSplitColumns;
      v[0] = fma(a, load(weights), v[0]);
      v[1] = fma(a, load(weights + kLanes), v[1]);
    }
    const F first = minimum(maximum(v[0], lo), hi);
    if (w.columns <= kLanes) {
      store_n(out, first, w.columns);
      continue;
    }
    store(out, first);
    store_n(out + kLanes, minimum(maximum(v[1], lo), hi), w.columns - kLanes);
  }
}

/// Tiles 0 … 3, of one or two tiles of rows and of columns, to [2 · kTileRows][kSplitColumns].
template <bool Two, bool Wide>
void store_sums(float* sums) {
  constexpr int64_t kStride = kSplitColumns * 4;
  float* below = sums + kTileRows * kSplitColumns;
  store_tile<0>(sums, kStride);
  if constexpr (Wide) store_tile<1>(sums + kLanes, kStride);
  if constexpr (Two) store_tile<2>(below, kStride);
  if constexpr (Two && Wide) store_tile<3>(below + kLanes, kStride);
}

template <bool Two, bool Wide>
void multiply_split(const uint8_t* a, const uint8_t* b, int64_t groups, float* sums) {
  multiply_panel<Two, Wide>(a, b, groups);
  store_sums<Two, Wide>(sums);
}

void gemm_split(const GemmSplit& g) {
  const int64_t tail = split_tail(g.taps, g.k), header = (1 + tail) * kSplitColumns * 4,
                groups = g.taps * ((g.k - tail + kSplitDepths - 1) / kSplitDepths),
                panel_bytes = groups * kGroupBytes, block_bytes = header + panel_bytes,
                panels = static_cast<int64_t>(g.scratch_bytes) / panel_bytes;
  const int64_t tiles = (g.m + kTileRows - 1) / kTileRows;
  if (tiles == 0) return;
  const auto rows = static_cast<int>((g.m + tiles - 1) / tiles);
  const int64_t both = 2 * rows;
  TileConfig config;
  for (int i = 0; i < 8; ++i) config.shape(i, i < 6 ? rows : kTileRows, kTileBytes);
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  alignas(64) float sums[2][2 * kTileRows * kSplitColumns];
  WaitingSplit waiting;
  for (int64_t i0 = 0; i0 < g.m; i0 += panels * both) {
    const int64_t end = i0 + panels * both < g.m ? i0 + panels * both : g.m;
    auto* panel = static_cast<uint8_t*>(g.scratch);
    for (int64_t i = i0; i < end; i += both, panel += panel_bytes)
      split_rows(g, i, end - i < both ? end - i : both, rows, panel);
    const auto* block = static_cast<const uint8_t*>(g.parts);
    for (int64_t j = 0; j < g.n; j += kSplitColumns, block += block_bytes) {
      const int64_t columns = g.n - j < kSplitColumns ? g.n - j : kSplitColumns;
      const uint8_t *a = static_cast<const uint8_t*>(g.scratch), *b = block + header;
      for (int64_t i = i0; i < end; i += both, a += panel_bytes) {
        const int64_t count = end - i < both ? end - i : both;
        float* to = waiting.sums == sums[0] ? sums[1] : sums[0];
        const bool two = count > rows, wide = columns > kLanes;
        (two ? (wide ? multiply_split<true, true> : multiply_split<true, false>)
             : (wide ? multiply_split<false, true> : multiply_split<false, false>))(a, b, groups,
                                                                                    to);
        finish_split(g, rows, waiting);
        waiting = {to, block, i, count, j, columns};
      }
    }
  }
  finish_split(g, rows, waiting);
  _tile_release();
}

/// The nearest bfloat16, towards zero where that would be an infinity, in the upper halves.
[[gnu::always_inline]] inline I nearest_upper(F v) {
  const U bits = reinterpret_cast<U>(v);
  const U nearest = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
  const I overflows = (nearest & 0x7f800000u) == 0x7f800000u;
  return reinterpret_cast<I>(
      select(overflows, reinterpret_cast<F>(bits & 0xffff0000u), reinterpret_cast<F>(nearest)));
}

/// Splits `count` ≤ 32 depths of one column, rounded: what is left is exact, too. `to`: the
/// column's place in the tiles of its group.
void pack_split_depths(const float* w, int64_t count, int64_t stride, uint8_t* to) {
  float numbers[kSplitDepths] = {};
  if (stride == 1) {
    __builtin_memcpy(numbers, w, static_cast<size_t>(count) * sizeof(float));
  } else {
    for (int64_t d = 0; d < count; ++d) numbers[d] = w[d * stride];
  }
  const __m512i lines =
      _mm512_mullo_epi32(_mm512_set1_epi32(kTileBytes),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  F low = load(numbers), high = load(numbers + kLanes);
  for (int64_t part = 2; part >= 0; --part) {
    const I first = nearest_upper(low), second = nearest_upper(high);
    low = low - reinterpret_cast<F>(first);
    high = high - reinterpret_cast<F>(second);
    const U pairs = reinterpret_cast<U>(first) >> 16 | reinterpret_cast<U>(second);
    _mm512_i32scatter_epi32(to + part * kPartBytes, lines, reinterpret_cast<__m512i>(pairs), 1);
  }
}

void pack_split(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                int64_t taps, int64_t k, void* out) {
  __builtin_memset(out, 0, gemm_split_packed_bytes(n, taps, k));
  auto* to = static_cast<uint8_t*>(out);
  const int64_t depths = k - split_tail(taps, k);
  for (int64_t j0 = 0; j0 < n; j0 += kSplitColumns) {
    const int64_t columns = n - j0 < kSplitColumns ? n - j0 : kSplitColumns;
    if (bias != nullptr)
      __builtin_memcpy(to, bias + j0, static_cast<size_t>(columns) * sizeof(float));
    to += kSplitColumns * 4;
    for (int64_t d = depths; d < k; ++d, to += kSplitColumns * 4)
      for (int64_t j = 0; j < columns; ++j)
        __builtin_memcpy(to + j * 4, w + (j0 + j) * strides.n_stride + d * strides.k_stride, 4);
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t d = 0; d < depths; d += kSplitDepths, to += kGroupBytes)
        for (int64_t j = 0; j < columns; ++j)
          pack_split_depths(
              w + (j0 + j) * strides.n_stride + t * strides.tap_stride + d * strides.k_stride,
              depths - d < kSplitDepths ? depths - d : kSplitDepths, strides.k_stride,
              to + j / kTileRows * (kTileRows * kTileBytes) + j % kTileRows * 4);
  }
}
