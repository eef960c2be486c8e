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

/// Where row i of two tiles of `rows` rows lies, counted in rows of whole tiles.
inline int64_t line_of(int64_t i, int rows) {
  return i < rows ? i : i + kTileRows - rows;
}

/// Splits rows [i0, i0 + count) into a panel, `rows` to a tile: some depths at a time, while the
/// tiles work.
struct RowSplitter {
  const GemmSplit& g;
  int64_t i0 = 0, count = 0;
  int rows = 1;
  uint8_t* panel = nullptr;
  int64_t row = 0, tap = 0, d = 0;  ///< what comes next
  uint8_t* to = nullptr;

  /// The next panel: rows from `from` on.
  bool done() const { return row >= count; }
  void start(int64_t from, int rows_of_tile, uint8_t* to_panel) {
    i0 = from, rows = rows_of_tile, panel = to_panel, row = 0;
    count = from >= g.m ? 0 : g.m - from < 2 * rows ? g.m - from : 2 * rows;
  }

  /// Goes on with `steps` groups of a row at most.
  void run(int64_t steps) {
    const int64_t taps = g.taps, depths = g.k - split_tail(taps, g.k), rows_left = count;
    int64_t i = row, t = tap, from = d;
    uint8_t* out = to;
    while (steps > 0 && i < rows_left) {
      if (t == 0 && from == 0) out = panel + line_of(i, rows) * kTileBytes;
      const float* in = row_at(g, i0 + i, t);
      for (; steps > 0 && from < depths; --steps, from += kSplitDepths, out += kGroupBytes) {
        const int64_t left = depths - from;
        if (left >= kSplitDepths) {
          split_depths(load(in + from), load(in + from + kLanes), out);
        } else {
          split_depths(left < kLanes ? load_n(in + from, left) : load(in + from),
                       left <= kLanes ? F{} : load_n(in + from + kLanes, left - kLanes), out);
        }
      }
      if (from < depths) break;
      from = 0;
      if (++t == taps) t = 0, ++i;
    }
    row = i, tap = t, d = from, to = out;
  }
};

/// Sums of two tiles of rows and of columns that wait to be finished while the tiles work.
struct WaitingSplit {
  const float* sums = nullptr;    ///< [2 · kTileRows][kSplitColumns]; null: nothing waits
  const uint8_t* bias = nullptr;  ///< and the tail's weights
  int64_t i0 = 0, count = 0, j0 = 0, columns = 0;
  int64_t row = 0;  ///< the next one to be finished
};

/// Finishes `count` rows more at most. Tail: there are depths of split_tail.
template <bool Tail>
void finish_rows(const GemmSplit& g, int rows, const WaitingSplit& w, int64_t count) {
  const int64_t tail = Tail ? split_tail(g.taps, g.k) : 0, columns = w.columns, i0 = w.i0;
  const auto* start = reinterpret_cast<const float*>(w.bias);
  const float* all = w.sums;
  const F bias[2] = {load(start), load(start + kLanes)};
  const F lo = set(g.lo), hi = set(g.hi);
  float* out = g.out + (i0 + w.row) * g.out_stride + w.j0;
  for (int64_t i = w.row, end = i + count; i < end; ++i, out += g.out_stride) {
    const float* sums = all + line_of(i, rows) * kSplitColumns;
    F v[2] = {load(sums) + bias[0], load(sums + kLanes) + bias[1]};
    if constexpr (Tail) {
      const float *in = row_at(g, i0 + i, 0) + (g.k - tail), *weights = start;
      for (int64_t t = 0; t < tail; ++t) {
        weights += kSplitColumns;
        v[0] = fma(set(in[t]), load(weights), v[0]);
        v[1] = fma(set(in[t]), load(weights + kLanes), v[1]);
      }
    }
    const F first = minimum(maximum(v[0], lo), hi);
    if (columns <= kLanes) {
      store_n(out, first, columns);
      continue;
    }
    store(out, first);
    store_n(out + kLanes, minimum(maximum(v[1], lo), hi), columns - kLanes);
  }
}
void finish_split(const GemmSplit& g, int rows, WaitingSplit& w, int64_t count) {
  if (w.count - w.row < count) count = w.count - w.row;
  if (count == 0) return;
  if (split_tail(g.taps, g.k) == 0) {
    finish_rows<false>(g, rows, w, count);
  } else {
    finish_rows<true>(g, rows, w, count);
  }
  w.row += count;
}

/// What is done between the products of a pair of panels.
struct SplitWork {
  const GemmSplit& g;
  int rows;
  WaitingSplit waiting = {};
  RowSplitter next = {g};
  const uint8_t *ahead = nullptr, *ahead_end = nullptr;        ///< weights to bring nearer
  int64_t finish_share = 0, split_share = 0, ahead_share = 0;  ///< of a step
  int64_t steps = 0;                                           ///< how many do something

  /// Shares so that in `most` steps the waiting sums are finished and `groups` groups of rows are
  /// split; as few steps as it takes.
  void share(int64_t most, int64_t groups) {
    finish_share = (waiting.count + most - 1) / most;
    split_share = (groups + most - 1) / most;
    steps = groups > 0 || ahead < ahead_end ? most : waiting.count;
  }
  /// Weights that are to be brought nearer in `most` steps.
  void fetch(const uint8_t* from, int64_t bytes, int64_t most) {
    ahead = from, ahead_end = from + bytes;
    ahead_share = (bytes / kTileBytes + most - 1) / most * kTileBytes;
  }
  [[gnu::noinline]] void step() {
    finish_split(g, rows, waiting, finish_share);
    next.run(split_share);
    const uint8_t* end = ahead_end - ahead < ahead_share ? ahead_end : ahead + ahead_share;
    for (; ahead < end; ahead += kTileBytes) __builtin_prefetch(ahead, 0, 2);
  }
  void finish() { finish_split(g, rows, waiting, waiting.count); }
};

/// Sums of one or two tiles of rows and of columns, left in tiles 0 … 3.
template <bool Two, bool Wide, bool Busy>
void multiply_panel(const uint8_t* a, const uint8_t* b, int64_t groups, SplitWork& work) {
  constexpr int64_t kTile = kTileRows * kTileBytes;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  [[maybe_unused]] int64_t steps = work.steps;
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
    if constexpr (Busy) {
      if (steps-- > 0) work.step();
    }
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
void multiply_split(const uint8_t* a, const uint8_t* b, int64_t groups, SplitWork& work,
                    float* sums) {
  if (work.steps > 0) {
    multiply_panel<Two, Wide, true>(a, b, groups, work);
  } else {
    multiply_panel<Two, Wide, false>(a, b, groups, work);
  }
  store_sums<Two, Wide>(sums);
}

/// The panels of a product, those that are multiplied together one after the other in the scratch.
struct SplitPlan {
  int64_t groups, panel_bytes, header, block_bytes;
  int rows;          ///< of a tile
  int64_t together;  ///< panels
  bool meanwhile;    ///< Rows are split and sums finished between products of parts.
  bool ahead;        ///< There is room for one more, split with all blocks of the one before.
  bool far;          ///< The weights come from far away: the next block is fetched meanwhile.

  static constexpr int64_t kLeastGroups = 3;           ///< with fewer it takes longer than it saves
  static constexpr int64_t kNearWeights = 512 * 1024;  ///< that are soon read again

  explicit SplitPlan(const GemmSplit& g) {
    const int64_t tail = split_tail(g.taps, g.k), tiles = (g.m + kTileRows - 1) / kTileRows;
    header = (1 + tail) * kSplitColumns * 4;
    groups = g.taps * ((g.k - tail + kSplitDepths - 1) / kSplitDepths);
    panel_bytes = groups * kGroupBytes;
    block_bytes = header + panel_bytes;
    rows = static_cast<int>((g.m + tiles - 1) / tiles);
    const int64_t room = static_cast<int64_t>(g.scratch_bytes) / panel_bytes;
    const bool near = (g.n + kSplitColumns - 1) / kSplitColumns * block_bytes <= kNearWeights;
    meanwhile = groups >= kLeastGroups;
    ahead = meanwhile && room == 2 && near;
    far = meanwhile && !near;
    together = ahead ? 1 : room;
  }
  int64_t both() const { return 2 * rows; }
};

/// A pair of panels, of rows from i on and columns from j on.
void multiply_pair(const GemmSplit& g, const SplitPlan& plan, const uint8_t* panel,
                   const uint8_t* block, int64_t i, int64_t j, SplitWork& work, float* sums) {
  const int64_t both = plan.both(), count = g.m - i < both ? g.m - i : both,
                columns = g.n - j < kSplitColumns ? g.n - j : kSplitColumns;
  const bool two = count > plan.rows, wide = columns > kLanes;
  (two ? (wide ? multiply_split<true, true> : multiply_split<true, false>)
       : (wide ? multiply_split<false, true> : multiply_split<false, false>))(
      panel, block + plan.header, plan.groups, work, sums);
  work.finish();
  work.waiting = {sums, block, i, count, j, columns};
}

void gemm_split(const GemmSplit& g) {
  if (g.m == 0) return;
  const SplitPlan plan(g);
  const int64_t both = plan.both(), blocks = (g.n + kSplitColumns - 1) / kSplitColumns,
                steps = 6 * plan.groups;
  TileConfig config;
  for (int i = 0; i < 8; ++i) config.shape(i, i < 6 ? plan.rows : kTileRows, kTileBytes);
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
  alignas(64) float sums[2][2 * kTileRows * kSplitColumns];
  int which = 0;
  SplitWork work{g, plan.rows};
  const auto panel = [&](int64_t place) {
    return static_cast<uint8_t*>(g.scratch) + place * plan.panel_bytes;
  };
  const auto start = [&](int64_t i, int64_t place) { work.next.start(i, plan.rows, panel(place)); };
  if (plan.meanwhile) start(0, 0);
  if (plan.far) {
    work.split_share = 1;
    work.fetch(static_cast<const uint8_t*>(g.parts), plan.block_bytes,
               work.next.count * plan.groups);
    while (!work.next.done()) work.step();
  }
  int64_t first = 0;  // where the panels that are multiplied begin
  for (int64_t i0 = 0; i0 < g.m; i0 += plan.together * both) {
    const auto* block = static_cast<const uint8_t*>(g.parts);
    const int64_t left_panels = (g.m - i0 + both - 1) / both,
                  together = left_panels < plan.together ? left_panels : plan.together;
    for (int64_t p = 0; p < together && !plan.meanwhile; ++p) {
      start(i0 + p * both, p);
      work.next.run(INT64_MAX);
    }
    for (int64_t b = 0; b < blocks; ++b, block += plan.block_bytes) {
      if (plan.far) {
        const bool more = b + 1 < blocks;
        work.fetch(more ? block + plan.block_bytes : static_cast<const uint8_t*>(g.parts),
                   more || i0 + plan.together * both < g.m ? plan.block_bytes : 0,
                   steps * together);
      }
      for (int64_t p = 0; p < together; ++p) {
        const int64_t i = i0 + p * both;
        // With the first block each panel is made while the one before it is multiplied.
        if (b == 0 && plan.meanwhile) {
          work.next.run(INT64_MAX);
          const bool more = p + 1 < plan.together || plan.ahead;
          start(more ? i + both : g.m, plan.ahead ? 1 - first : p + 1);
        }
        const int64_t left = (work.next.count - work.next.row) * plan.groups;
        if (plan.meanwhile)
          work.share(steps, plan.ahead ? (left + blocks - b - 1) / (blocks - b) : left);
        multiply_pair(g, plan, panel(first + p), block, i, b * kSplitColumns, work, sums[which]);
        which = 1 - which;
      }
    }
    if (plan.ahead) {
      first = 1 - first;
    } else {
      start(i0 + plan.together * both, 0);
    }
  }
  work.finish();
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
