// SPDX-License-Identifier: Apache-2.0
// 8-bit matrix product by AMX tiles; see GemmQ8. Included inside an unnamed namespace inside the
// ISA's namespace. Needs simd/avx512.h, tiles_amx.inl, gemm_f32.inl (row_at) and
// finish_q8_avx512.inl.
//
// A tile is 16 rows of 64 bytes. Two tiles of rows meet two tiles of 16 columns, so that each tile
// of activations or weights that is loaded is used twice. Weights are read as pack_gemm_q8 leaves
// them. Rows are gathered into a buffer first: the taps of a row follow each other there, and no
// row of a tile crosses a cache line, which costs the load several times its time.

using LowerGemm = void (*)(const GemmQ8&);
/// The kernel of the tier below, for products too small for tiles.
LowerGemm gemm_q8_lower = nullptr;

constexpr int kAmxNr = 32;
constexpr int kMostRows = 4 * kTileRows;  // whose sums are kept
/// Rows are gathered in groups of two tiles, as many as fit the caller's scratch or kGatherBytes.
constexpr int64_t kGatherBytes = 72 * 1024;
constexpr int64_t kMostGathered = 256;
/// Fewest rows for which tiles are faster than the tier below.
constexpr int64_t kLeastTileRows = 5;
/// Weights of this size are streamed for each two tiles of rows; larger ones for more rows at once.
constexpr int64_t kStreamBytes = 1 << 20;

/// Three tiles of rows meet two of columns from these bytes of a row and of the image on.
constexpr int64_t kTallDepth = 1536, kTallImage = 160 * 1024;

/// Tiles 0 … 3: sums of rows 0, 1 × columns 0, 1. 4 and 5: whole parts of the depth of activations
/// and weights; 6 and 7: its last part of `tail` bytes.
void configure_tiles(int rows, int64_t tail) {
  TileConfig config;
  for (int i = 0; i < 4; ++i) config.shape(i, rows, kTileBytes);
  config.shape(4, rows, kTileBytes);
  config.shape(5, kTileRows, kTileBytes);
  const int64_t last = tail == 0 ? kTileBytes : tail;
  config.shape(6, rows, last);
  config.shape(7, last / 4, kTileBytes);
  // Not _tile_loadconfig: gcc 12's names only the first 8 bytes as an operand.
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

/// What a call works with.
struct AmxGemm {
  const GemmQ8& g;
  int rows = 0;            ///< of a tile
  int64_t tap_bytes = 0;   ///< k, rounded up to 4
  int64_t depth = 0;       ///< taps · tap_bytes
  int64_t row_stride = 0;  ///< bytes from one row to the next
  uint8_t* gathered = nullptr;
  int32_t* corrections = nullptr;  ///< of gathered rows; null without a weight zero point
  const int32_t* at = nullptr;     ///< [runs], where a row's runs of bytes begin
  int64_t runs = 1;
  int64_t run = 0;                             ///< bytes
  int64_t line = INT64_MAX, kept = INT64_MAX;  ///< as in ConvQ8
  int64_t first_line = 0, first_place = 0;     ///< Waiting's, of the rows at work
  int together = 0;                            ///< Waiting's, of two vectors
  bool tall = false;                           ///< three tiles of rows meet two of columns
  Narrowing narrowing = {};                    ///< StoreQ8::q8
};

/// 64 bytes of a row, or those that `which` names and zeros.
[[gnu::always_inline]] inline __m512i flipped(const uint8_t* in, __mmask64 which, __m512i flip) {
  return _mm512_xor_si512(_mm512_maskz_loadu_epi8(which, in), flip);
}

/// Copies rows [i0, i0 + count) into the gathered form, in the unsigned domain. Writes up to a line
/// beyond a row: rows come one after the other.
void gather_rows(const AmxGemm& x, int64_t i0, int64_t count) {
  const GemmQ8& g = x.g;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(g.flip));
  const int64_t whole = g.k / kTileBytes * kTileBytes;
  const __mmask64 rest = (__mmask64{1} << (g.k - whole)) - 1;
  const __m512i rest_flip = _mm512_maskz_mov_epi8(rest, flip);
  uint8_t* out = x.gathered;
  for (int64_t i = 0; i < count; ++i, out += x.row_stride) {
    uint8_t* to = out;
    for (int64_t t = 0; t < g.taps; ++t, to += x.tap_bytes) {
      const uint8_t* in = row_at(g, i0 + i, t);
      for (int64_t d = 0; d < whole; d += kTileBytes) {
        _mm512_storeu_si512(to + d, _mm512_xor_si512(_mm512_loadu_si512(in + d), flip));
      }
      if (rest != 0) _mm512_storeu_si512(to + whole, flipped(in + whole, rest, rest_flip));
    }
  }
}

/// The same for taps of up to 16 or 32 bytes, of which a whole line each would be most of the work.
template <class V, class Load, class Store>
[[gnu::always_inline]] inline void gather_narrow_rows(const AmxGemm& x, int64_t i0, int64_t count,
                                                      V flip, const Load& load_tap,
                                                      const Store& store_tap) {
  uint8_t* out = x.gathered;
  for (int64_t i = 0; i < count; ++i, out += x.row_stride) {
    uint8_t* to = out;
    for (int64_t t = 0; t < x.g.taps; ++t, to += x.tap_bytes)
      store_tap(to, load_tap(row_at(x.g, i0 + i, t)) ^ flip);
  }
}
void gather_16(const AmxGemm& x, int64_t i0, int64_t count) {
  const auto which = static_cast<__mmask16>((1u << x.g.k) - 1u);
  gather_narrow_rows(
      x, i0, count, _mm_maskz_set1_epi8(which, static_cast<char>(x.g.flip)),
      [&](const uint8_t* in) { return _mm_maskz_loadu_epi8(which, in); },
      [](uint8_t* to, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i_u*>(to), v); });
}
void gather_32(const AmxGemm& x, int64_t i0, int64_t count) {
  const auto which = static_cast<__mmask32>((uint64_t{1} << x.g.k) - 1u);
  gather_narrow_rows(
      x, i0, count, _mm256_maskz_set1_epi8(which, static_cast<char>(x.g.flip)),
      [&](const uint8_t* in) { return _mm256_maskz_loadu_epi8(which, in); },
      [](uint8_t* to, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(to), v); });
}

/// The same for rows of one tap, a line of each at a time.
void gather_plain_rows(const AmxGemm& x, int64_t i0, int64_t count) {
  const GemmQ8& g = x.g;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(g.flip));
  for (int64_t d = 0; d < g.k; d += kTileBytes) {
    const int64_t left = g.k - d;
    const __mmask64 which = left < kTileBytes ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
    const __m512i part_flip = _mm512_maskz_mov_epi8(which, flip);
    const uint8_t* in = g.a + i0 * g.a_stride + d;
    uint8_t* out = x.gathered + d;
    for (int64_t i = 0; i < count; ++i, in += g.a_stride, out += x.row_stride) {
      _mm512_storeu_si512(out, flipped(in, which, part_flip));
    }
  }
}

/// −weight_zero_point · Σ of each gathered row. What lies behind a tap's k bytes is zero.
void correct_rows(const AmxGemm& x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* row = x.gathered + i * x.row_stride;
    __m512i sum = _mm512_setzero_si512();
    for (int64_t d = 0; d < x.depth; d += kTileBytes) {
      const int64_t left = x.depth - d;
      const __mmask64 which = left < kTileBytes ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
      const __m512i v = _mm512_maskz_loadu_epi8(which, row + d);
      sum = _mm512_add_epi64(sum, _mm512_sad_epu8(v, _mm512_setzero_si512()));
    }
    const int64_t total = _mm512_reduce_add_epi64(sum);
    x.corrections[i] = static_cast<int32_t>(-x.g.weight_zero_point * total);
  }
}

/// Sums that wait to be finished while the tiles work on the next ones.
struct Waiting {
  FinishQ8 finish;  ///< of those that are left, but for i0
  int vectors = 0;
  bool limited = false;
  int together = 0;             ///< rows finished after each part of the depth
  int64_t line = 0, place = 0;  ///< of the first row: its line's first result, place there
};

template <int Nv>
[[gnu::always_inline]] inline void finish_rows(const AmxGemm& x, const FinishQ8& f, bool limited) {
  if (x.g.store != StoreQ8::q8 || f.corrections != nullptr) return finish_q8<Nv>(f);
  if (limited) return finish_bytes<Nv, true>(f, x.narrowing);
  finish_bytes<Nv, false>(f, x.narrowing);
}

/// Finishes `count` rows, or as many as wait.
[[gnu::noinline]] void finish_some(const AmxGemm& x, Waiting* w, int count) {
  FinishQ8& f = w->finish;
  int left = f.rows;
  count = count < left ? count : left;
  left -= count;
  while (count > 0) {
    const int64_t end = x.line - w->place, kept = x.kept - w->place;
    const int rows = count < end ? count : static_cast<int>(end);
    f.i0 = w->line + w->place;
    f.rows = rows < kept ? rows : static_cast<int>(kept);
    if (w->vectors == 2) {
      finish_rows<2>(x, f, w->limited);
    } else {
      finish_rows<1>(x, f, w->limited);
    }
    f.sums += rows * w->vectors;
    if (f.corrections != nullptr) f.corrections += rows;
    count -= rows;
    w->place += rows;
    if (w->place == x.line) w->place = 0, w->line += x.kept;
  }
  f.rows = left;
}

[[gnu::always_inline]] inline void finish_part(const AmxGemm& x, Waiting* waiting) {
  if (waiting->finish.rows > 0) finish_some(x, waiting, waiting->together);
}

/// Adds the products of a part of the depth, in tiles A and B, of up to two tiles of rows, `stride`
/// bytes between rows and `below` bytes between tiles, and two of columns.
template <bool Signed, int Nv, bool Two, int A, int B>
[[gnu::always_inline]] inline void multiply_part(const uint8_t* a, int64_t stride, int64_t below,
                                                 const uint8_t* w) {
  load_tile<A>(a, stride);
  load_tile<B>(w, 4 * kAmxNr);
  multiply_tile<Signed, 0, A, B>();
  if constexpr (Nv == 2) {
    load_tile<B>(w + kTileBytes, 4 * kAmxNr);
    multiply_tile<Signed, 1, A, B>();
  }
  if constexpr (Two) {
    load_tile<A>(a + below, stride);
    if constexpr (Nv == 2) {
      multiply_tile<Signed, 3, A, B>();
      load_tile<B>(w, 4 * kAmxNr);
    }
    multiply_tile<Signed, 2, A, B>();
  }
}

/// The same of two whole tiles of rows and of columns, where the last part is a whole one as well:
/// its tiles are free.
template <bool Signed>
[[gnu::always_inline]] inline void multiply_whole(const uint8_t* a, int64_t stride, int64_t below,
                                                  const uint8_t* w) {
  load_tile<4>(a, stride);
  load_tile<5>(w, 4 * kAmxNr);
  multiply_tile<Signed, 0, 4, 5>();
  load_tile<7>(w + kTileBytes, 4 * kAmxNr);
  multiply_tile<Signed, 1, 4, 7>();
  load_tile<6>(a + below, stride);
  multiply_tile<Signed, 2, 6, 5>();
  multiply_tile<Signed, 3, 6, 7>();
}

/// The sums of up to two tiles of rows, the second one `below` bytes behind the first, and two of
/// columns, left in tiles 0 … 3.
template <bool Signed, int Nv, bool Two>
[[gnu::always_inline]] inline void multiply_tiles(const AmxGemm& x, const uint8_t* a, int64_t below,
                                                  const uint8_t* block, Waiting* waiting) {
  constexpr int64_t kStep = int64_t{kAmxNr} * kTileBytes;
  _tile_zero(0);
  if constexpr (Nv == 2) _tile_zero(1);
  if constexpr (Two) _tile_zero(2);
  if constexpr (Two && Nv == 2) _tile_zero(3);
  const uint8_t* w = block + 8 * kAmxNr;
  const int64_t stride = x.row_stride, run = x.run;
  for (int64_t r = 0; r < x.runs; ++r) {
    const uint8_t* from = a + x.at[r];
    int64_t d = 0;
    if (Nv == 2 && Two && run % kTileBytes == 0) {
      for (; d < run; d += kTileBytes, w += kStep) {
        multiply_whole<Signed>(from + d, stride, below, w);
        finish_part(x, waiting);
      }
    }
    for (; d + kTileBytes <= run; d += kTileBytes, w += kStep) {
      multiply_part<Signed, Nv, Two, 4, 5>(from + d, stride, below, w);
      finish_part(x, waiting);
    }
    if (d == run) continue;
    multiply_part<Signed, Nv, Two, 6, 7>(from + d, stride, below, w);
    finish_part(x, waiting);
    w += kAmxNr * (run - d);
  }
}

/// The sums of three tiles of rows, the second one `below` and the last one `last` bytes behind the
/// first, and two of columns, left in tiles 0 … 5. Runs are whole parts.
[[gnu::always_inline]] inline void multiply_tall(const AmxGemm& x, const uint8_t* a, int64_t below,
                                                 int64_t last, const uint8_t* block,
                                                 Waiting* waiting) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  const uint8_t* w = block + 8 * kAmxNr;
  const int64_t stride = x.row_stride;
  for (int64_t r = 0; r < x.runs; ++r) {
    const uint8_t* from = a + x.at[r];
    for (const uint8_t* end = from + x.run; from < end; from += kTileBytes) {
      load_tile<7>(w, 4 * kAmxNr);
      load_tile<6>(from, stride);
      multiply_tile<true, 0, 6, 7>();
      load_tile<6>(from + below, stride);
      multiply_tile<true, 2, 6, 7>();
      load_tile<6>(from + last, stride);
      multiply_tile<true, 4, 6, 7>();
      load_tile<7>(w + kTileBytes, 4 * kAmxNr);
      multiply_tile<true, 5, 6, 7>();
      load_tile<6>(from + below, stride);
      multiply_tile<true, 3, 6, 7>();
      load_tile<6>(from, stride);
      multiply_tile<true, 1, 6, 7>();
      w += int64_t{kAmxNr} * kTileBytes;
      finish_part(x, waiting);
    }
  }
}

template <int Nv, bool Two>
[[gnu::always_inline]] inline void store_tiles(int64_t second_row, I* sums) {
  constexpr int64_t kStride = Nv * kTileBytes;
  store_tile<0>(sums, kStride);
  if constexpr (Nv == 2) store_tile<1>(sums + 1, kStride);
  I* below = sums + second_row * Nv;
  if constexpr (Two) store_tile<2>(below, kStride);
  if constexpr (Two && Nv == 2) store_tile<3>(below + 1, kStride);
}

/// Two groups of sums, one of which waits. Finishing reads a little behind them.
struct Sums {
  alignas(64) I of[2][6 * kTileRows + 4];
  int turn = 0;
  Waiting waiting;
};

/// One block of columns of `count` rows, the first of which is at `a`.
template <bool Signed, int Nv>
void multiply_block(const AmxGemm& x, const uint8_t* a, const uint8_t* block, int64_t count,
                    int64_t j0, int64_t columns, Sums* sums) {
  Waiting* waiting = &sums->waiting;
  const int both = 2 * x.rows;
  const bool limited = is_limited<Nv>(block + 4 * kAmxNr);
  int64_t line = x.first_line, place = x.first_place;
  for (int64_t i = 0, rows; i < count; i += rows, a += rows * x.row_stride) {
    I* to = sums->of[sums->turn];
    sums->turn ^= 1;
    // A last tile that is not full begins further up, but for gathered rows, behind which is room.
    const int64_t left = count - i;
    const int64_t second = Signed && left < both ? left - x.rows : x.rows;
    rows = left < both ? left : both;
    if (Signed && Nv == 2 && x.tall && left > both) {
      rows = left < both + x.rows ? left : both + x.rows;
      const int64_t last = rows - x.rows;
      multiply_tall(x, a, x.rows * x.row_stride, last * x.row_stride, block, waiting);
      store_tiles<2, true>(x.rows, to);
      store_tile<4>(to + 2 * last, 2 * kTileBytes);
      store_tile<5>(to + 2 * last + 1, 2 * kTileBytes);
    } else if (left > x.rows) {
      multiply_tiles<Signed, Nv, true>(x, a, second * x.row_stride, block, waiting);
      store_tiles<Nv, true>(second, to);
    } else {
      const int64_t up = Signed ? -second : 0;
      multiply_tiles<Signed, Nv, false>(x, a - up * x.row_stride, 0, block, waiting);
      store_tiles<Nv, false>(0, to);
      to += up * Nv;
    }
    if (waiting->finish.rows > 0) finish_some(x, waiting, kMostRows);
    *waiting = {.finish = {.g = &x.g,
                           .sums = to,
                           .bias = block,
                           .scales = block + 4 * kAmxNr,
                           .corrections = x.corrections == nullptr ? nullptr : x.corrections + i,
                           .rows = static_cast<int>(rows),
                           .j0 = j0,
                           .columns = columns},
                .vectors = Nv,
                .limited = limited,
                .together = Nv == 2 ? x.together : 2 * x.together,
                .line = line,
                .place = place};
    for (place += rows; place >= x.line; line += x.kept) place -= x.line;
  }
}

/// All columns of rows [i0, i0 + count), the first of which is at `a`.
template <bool Signed>
void multiply_rows(AmxGemm* x, const uint8_t* a, int64_t i0, int64_t count, Sums* sums) {
  const auto* block = static_cast<const uint8_t*>(x->g.weights);
  const int64_t n = x->g.n, block_bytes = (8 + x->depth) * kAmxNr;
  x->first_line = i0 / x->line * x->kept;
  x->first_place = i0 % x->line;
  for (int64_t j = 0; j < n; j += kAmxNr, block += block_bytes) {
    const int64_t columns = n - j < kAmxNr ? n - j : kAmxNr;
    if (columns > kLanes) {
      multiply_block<Signed, 2>(*x, a, block, count, j, columns, sums);
    } else {
      multiply_block<Signed, 1>(*x, a, block, count, j, columns, sums);
    }
  }
}

/// Copies rows [i0, i0 + count) to where tiles read them.
void gather(const AmxGemm& x, int64_t i0, int64_t count) {
  if (x.g.at == nullptr) {
    gather_plain_rows(x, i0, count);
  } else if (x.g.k <= 16) {
    gather_16(x, i0, count);
  } else if (x.g.k <= 32) {
    gather_32(x, i0, count);
  } else {
    gather_rows(x, i0, count);
  }
  if (x.corrections != nullptr) correct_rows(x, count);
}

/// From one gathered row to the next. An odd number of lines: rows don't fall on the same few sets
/// of the cache.
int64_t gathered_stride(int64_t depth) {
  return ((depth + kTileBytes - 1) / kTileBytes | 1) * kTileBytes;
}

/// Weights too large to be read again and again want all rows gathered.
size_t gather_q8_bytes(int64_t m, int64_t n, int64_t taps, int64_t k) {
  constexpr int64_t kMostBytes = 768 * 1024;
  const int64_t depth = taps * ((k + 3) / 4 * 4), stride = gathered_stride(depth);
  int64_t rows = m < kMostGathered ? m : kMostGathered;
  if (n * depth <= kStreamBytes || rows * stride <= kGatherBytes || m < kLeastTileRows) return 0;
  if (rows * stride > kMostBytes) rows = kMostBytes / stride;
  return static_cast<size_t>(rows * stride + kTileBytes);
}

/// What does not depend on where rows are read. `run`: bytes of each of `runs` runs of a row.
AmxGemm amx_gemm(const GemmQ8& g, int64_t runs, int64_t run) {
  AmxGemm x{.g = g, .runs = runs, .run = run, .narrowing = make_narrowing(g)};
  x.tap_bytes = (g.k + 3) / 4 * 4;
  x.depth = g.taps * x.tap_bytes;
  const int64_t tiles = (g.m + kTileRows - 1) / kTileRows;
  x.rows = g.m == 0 ? 0 : static_cast<int>((g.m + tiles - 1) / tiles);
  // finish_bytes takes two rows of two vectors at once; fewer than twice that don't pay for a call.
  constexpr int64_t kGroups = kTileRows;
  const int64_t parts = runs * ((run + kTileBytes - 1) / kTileBytes);
  const int64_t groups = parts == 0 ? 0 : (kGroups + parts - 1) / parts;
  x.together = groups < 2 ? 4 : static_cast<int>(2 * groups);
  return x;
}

void gemm_q8_amx(const GemmQ8& g) {
  alignas(64) uint8_t gathered[kGatherBytes + kTileBytes];
  int32_t corrections[kMostGathered];
  constexpr int32_t kStart = 0;
  Sums sums;
  AmxGemm x = amx_gemm(g, 1, g.taps * ((g.k + 3) / 4 * 4));
  x.row_stride = gathered_stride(x.depth);
  x.at = &kStart;
  const bool given = g.scratch_bytes > sizeof gathered;
  const int64_t room = static_cast<int64_t>(given ? g.scratch_bytes : sizeof gathered) - kTileBytes;
  int64_t together = room / x.row_stride;
  if (g.m < kLeastTileRows || x.depth == 0 || together < x.rows) return gemm_q8_lower(g);
  const int64_t both = 2 * x.rows;
  if (together > kMostGathered) together = kMostGathered;
  const bool streams = g.n * x.depth <= kStreamBytes;
  together = together < both ? x.rows : streams ? both : together / both * both;
  x.gathered = given ? static_cast<uint8_t*>(g.scratch) : gathered;
  if (g.weight_zero_point != 0) x.corrections = corrections;
  configure_tiles(x.rows, x.depth % kTileBytes);
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t left = g.m - i0, count = left < together ? left : together;
    gather(x, i0, count);
    multiply_rows<false>(&x, x.gathered, i0, count, &sums);
    if (x.corrections != nullptr) finish_some(x, &sums.waiting, kMostRows);
  }
  finish_some(x, &sums.waiting, kMostRows);
  _tile_release();
}

void conv_q8_amx(const ConvQ8& c) {
  Sums sums;
  AmxGemm x = amx_gemm(c, c.taps, (c.k + 3) / 4 * 4);
  if (c.m == 0 || x.depth == 0) return;
  x.row_stride = c.a_stride;
  x.at = c.at;
  x.line = c.line;
  x.kept = c.kept;
  // Neither the weights of a block nor the image stay in the first-level cache.
  x.tall = x.depth >= kTallDepth && c.m * c.a_stride >= kTallImage && x.run % kTileBytes == 0 &&
           c.m > 2 * kTileRows;
  if (x.tall) x.rows = kTileRows;
  configure_tiles(x.rows, x.run % kTileBytes);
  multiply_rows<true>(&x, c.a + c.first * c.a_stride, c.first, c.m, &sums);
  finish_some(x, &sums.waiting, kMostRows);
  _tile_release();
}
