// SPDX-License-Identifier: Apache-2.0
// 8-bit depthwise convolution with 3×3 filters of stride 1, for VNNI: two rows of outputs at once,
// which share the interleaved rows of the image, and several pixels of few channels in a vector.
// Needs depthwise_q8.inl up to its blocks.

constexpr int64_t kDwWeights = 12 * 64;  ///< bytes of a block's weights

/// The weights of the rows 0 … 2 of four, to those of the rows 1 … 3.
inline void dw_q8_lower(const uint8_t* weights, uint8_t* lower) {
  for (int i = 0; i < kDwWeights; i += 64)
    Wide64::store(lower + i, _mm512_slli_epi32(Wide64::load(weights + i), 8));
}

/// 64 results of three columns of four rows: of the upper row of outputs, of the lower one.
template <bool kLimited>
[[gnu::always_inline]] inline __m512i dw_q8_of_columns(const __m512i (&v)[3][4],
                                                       const uint8_t* weights,
                                                       const DwBlock<Wide64>& b) {
  using Ops = WideOperands<Wide64>;
  __m512i acc[4];
  for (int n = 0; n < 4; ++n) acc[n] = b.first[n];
  for (int kx = 0; kx < 3; ++kx) {
    for (int n = 0; n < 4; ++n)
      acc[n] = Ops::dot(acc[n], v[kx][n], Ops::weights(weights + (4 * kx + n) * 64));
  }
  return dw_bytes<Wide64, kLimited>(b, acc);
}

/// Two rows of a run of outputs, 64 channels. With kLimited, results have limits or are uint8.
template <bool kLimited>
[[gnu::noinline]] void dw_q8_row_pair(const DepthwiseQ8& g, const DwRows& rows, const DwRun& run,
                                      const DwBlock<Wide64>& b, const uint8_t* lower) {
  const __m512i flip = Wide64::set8(g.flip), outside = Wide64::set8(g.zero ^ g.flip);
  const auto column = [&](int64_t x, __m512i* v) {
    for (int n = 0; n < 4; ++n) v[n] = outside;
    if (x < 0 || x >= g.w) return;
    const int64_t at = x * g.c + b.start;
    const uint8_t* const p[] = {rows.at(0, at), rows.at(1, at), rows.at(2, at), rows.at(3, at)};
    dw_interleave<Wide64, 4, true>(p, 64, flip, v);
  };
  __m512i v[3][4];
  column(run.x, v[0]);
  column(run.x + run.step, v[1]);
  int64_t x = run.x + 2 * run.step;
  uint8_t* out = static_cast<uint8_t*>(g.out) + rows.out + run.out + b.start;
  for (int64_t m = 0; m < run.pixels; ++m, x += run.step, out += run.out_step) {
    column(x, v[2]);
    Wide64::store(out, dw_q8_of_columns<kLimited>(v, b.weights, b));
    Wide64::store(out + g.out_row, dw_q8_of_columns<kLimited>(v, lower, b));
    for (int n = 0; n < 4; ++n) {
      v[0][n] = v[1][n];
      v[1][n] = v[2][n];
    }
  }
}

/// Whether two rows at once serve, and whether results are all of int8.
inline bool dw_q8_by_pairs(const DepthwiseQ8& g) {
  return g.kh == 3 && g.kw == 3 && g.row_step == 1 && !g.real && !g.two_sets &&
         dw_classes(g).columns == 1;
}
inline bool dw_q8_limited(const DepthwiseQ8& g) {
  return g.flip == 0 || g.lo > -128 || g.hi < 127;
}

/// All but the last of an odd number of rows. Returns how many.
[[gnu::noinline]] int64_t dw_q8_row_pairs(const DepthwiseQ8& g, const DwRows& rows,
                                          const DwBlock<Wide64>& b) {
  uint8_t lower[kDwWeights];
  dw_q8_lower(b.weights, lower);
  auto* pair = dw_q8_limited(g) ? dw_q8_row_pair<true> : dw_q8_row_pair<false>;
  const DwClasses of = dw_classes(g);
  int64_t r = 0;
  for (; r + 2 <= g.out_rows; r += 2) {
    const DwRows row{rows.first + r, rows.masks + r, r * g.out_row};
    for (int64_t first = 0; first < of.classes; ++first)
      pair(g, row, dw_run(g, of, first), b, lower);
  }
  return r;
}

// ---- Several pixels in a vector

/// A block of 4, 8 or 16 … 32 channels of a 3×3 filter for as many pixels side by side as fill a
/// vector.
struct DwPixels {
  uint8_t weights[2][kDwWeights];  ///< of the rows 0 … 2 of four, of the rows 1 … 3
  DwBlock<Wide64> block;
};

/// Whether DwPixels serve: nothing lies between the pixels, and the results are the usual ones.
inline bool dw_q8_by_pixels(const DepthwiseQ8& g) {
  return (g.c == 4 || g.c == 8 || (g.c >= 16 && g.c <= 32)) && g.out_stride == g.c && g.kh == 3 &&
         g.kw == 3 && g.stride == 1 && g.dilation == 1 && !g.real && !g.two_sets;
}

/// From a block of 32 channels: the first 16 bytes of its vectors are those of the first channels.
[[gnu::noinline]] void dw_q8_pixels_of(const DepthwiseQ8& g, const DwBlock<Wide32>& b,
                                       DwPixels* to) {
  const auto repeated = [&](const void* from, int64_t i) {
    const auto* p = static_cast<const uint8_t*>(from);
    if (g.c > 16) return _mm512_broadcast_i64x4(Wide32::load(p + 32 * i));
    const int64_t part = i / 4 * 4 + i % 4 % (g.c / 4);
    return _mm512_broadcast_i32x4(Wide16::load(p + 32 * part));
  };
  DwBlock<Wide64>& block = to->block;
  block.start = 0;
  block.count = 64;
  block.weights = to->weights[0];
  block.sets = 1;
  for (int i = 0; i < 12; ++i) Wide64::store(to->weights[0] + 64 * i, repeated(b.weights, i));
  dw_q8_lower(to->weights[0], to->weights[1]);
  for (int i = 0; i < 4; ++i) {
    block.first[i] = repeated(b.first, i);
    Wide64::store(block.scale + 16 * i, repeated(b.scale, i));
  }
  const auto wide = [](__m256i v) { return _mm512_broadcast_i64x4(v); };
  block.limits = {wide(b.limits.zero_point), wide(b.limits.lo), wide(b.limits.hi),
                  wide(b.limits.flip)};
}

/// Many (4 of 16 channels, else 2) pixels of four rows from pixel x on, interleaved.
template <int Many>
[[gnu::always_inline]] inline void dw_four_rows(const DepthwiseQ8& g, const DwRows& rows, int64_t x,
                                                __m512i* out) {
  const __m512i flip = Wide64::set8(g.flip);
  __m512i r[4];
  for (int i = 0; i < 4; ++i) {
    const uint8_t* p = rows.at(i, x * g.c);
    if (Many == 4) {
      r[i] = Wide64::load(p) ^ flip;
    } else {
      r[i] = _mm512_mask_broadcast_i64x4(_mm512_castsi256_si512(Wide32::load(p)), 0xf0,
                                         Wide32::load(rows.at(i, (x + 1) * g.c))) ^
             flip;
    }
  }
  const __m512i lo01 = Wide64::lo8(r[0], r[1]), hi01 = Wide64::hi8(r[0], r[1]);
  const __m512i lo23 = Wide64::lo8(r[2], r[3]), hi23 = Wide64::hi8(r[2], r[3]);
  out[0] = Wide64::lo16(lo01, lo23);
  out[1] = Wide64::hi16(lo01, lo23);
  out[2] = Wide64::lo16(hi01, hi23);
  out[3] = Wide64::hi16(hi01, hi23);
}

/// Two rows of outputs, which share the interleaved rows of the image, from pixel `begin` on as
/// long as whole vectors can be read. Returns the next pixel.
template <int Many>
[[gnu::noinline]] int64_t dw_q8_two_rows(const DepthwiseQ8& g, const DwRows& rows,
                                         const DwPixels& pixels, int64_t begin) {
  constexpr int kStep = 8 / Many;  // quadwords of a pixel
  const int64_t end = g.w + g.pad - 2 * Many - (Many == 2 ? 1 : 0);
  const int64_t last = end < g.pixels - Many ? end : g.pixels - Many;
  if (begin > last) return begin;
  __m512i v[3][4];
  dw_four_rows<Many>(g, rows, begin - g.pad, v[0]);
  int64_t i = begin;
  for (; i <= last; i += Many) {
    __m512i next[4];
    dw_four_rows<Many>(g, rows, i - g.pad + Many, next);
    for (int n = 0; n < 4; ++n) {
      v[1][n] = _mm512_alignr_epi64(next[n], v[0][n], kStep);
      v[2][n] = Many == 2 ? next[n] : _mm512_alignr_epi64(next[n], v[0][n], 2 * kStep % 8);
    }
    for (int r = 0; r < 2; ++r) {
      const __m512i bytes = dw_q8_of_columns<true>(v, pixels.weights[r], pixels.block);
      uint8_t* out = static_cast<uint8_t*>(g.out) + rows.out + r * g.out_row + i * g.c;
      if (Many == 4 || g.c == 32) {
        Wide64::store(out, bytes);
      } else {
        Wide32::store_n(out, _mm512_castsi512_si256(bytes), g.c);
        Wide32::store_n(out + g.c, _mm512_extracti64x4_epi64(bytes, 1), g.c);
      }
    }
    for (int n = 0; n < 4; ++n) v[0][n] = next[n];
  }
  return i;
}

/// A row of outputs; those at its ends, whose windows are not within the image, one by one. Those
/// between pixel pad and pixel `done` are there.
[[gnu::noinline]] void dw_q8_pixels(const DepthwiseQ8& g, const DwRows& rows,
                                    const DwPixels& pixels, const DwBlock<Wide32>& b,
                                    int64_t done) {
  using Ops = WideOperands<Wide64>;
  const auto ends = [&](int64_t begin, int64_t end) {
    if (begin < end)
      dw_q8_square<Wide32, 3, 1, false, true>(g, rows,
                                              {begin - g.pad, 1, end - begin, begin * g.c, g.c}, b);
  };
  const int64_t many = 64 / g.c, inner = g.w + g.pad - 2;
  const int64_t begin = g.pad < g.pixels ? g.pad : g.pixels;
  const int64_t last = (inner < g.pixels ? inner : g.pixels) - many;
  if (done < begin) done = begin;
  if (last < done || 64 % g.c != 0) {
    if (done == begin) return ends(0, g.pixels);
    ends(0, begin);
    return ends(done, g.pixels);
  }
  ends(0, begin);
  for (int64_t i = done; i < last + many; i += many) {
    if (i > last) i = last;
    Wide64::V acc[4];
    for (int n = 0; n < 4; ++n) acc[n] = pixels.block.first[n];
    for (int64_t kx = 0; kx < 3; ++kx) {
      const int64_t at = (i - g.pad + kx) * g.c;
      const uint8_t* const p[] = {rows.at(0, at), rows.at(1, at), rows.at(2, at)};
      Ops::A v[4];
      dw_interleave<Wide64, 3, true>(p, 64, Wide64::set8(g.flip), v);
      for (int n = 0; n < 4; ++n)
        acc[n] = Ops::dot(acc[n], v[n], Ops::weights(pixels.weights[0] + (4 * kx + n) * 64));
    }
    dw_finish<Wide64, true, true>(g, pixels.block, acc, rows.out + i * g.c);
  }
  ends(last + many, g.pixels);
}

/// All rows of outputs.
[[gnu::noinline]] void dw_q8_pixel_rows(const DepthwiseQ8& g, const DwRows& rows,
                                        const DwBlock<Wide32>& b) {
  DwPixels pixels;
  dw_q8_pixels_of(g, b, &pixels);
  const auto row_at = [&](int64_t r) {
    return DwRows{rows.first + r * g.row_step, rows.masks + r * g.row_step, r * g.out_row};
  };
  for (int64_t r = 0; r < g.out_rows; ++r) {
    int64_t done = 0;
    const bool both = g.c >= 16 && g.row_step == 1 && r + 1 < g.out_rows;
    if (both)
      done = g.c == 16 ? dw_q8_two_rows<4>(g, row_at(r), pixels, g.pad)
                       : dw_q8_two_rows<2>(g, row_at(r), pixels, g.pad);
    dw_q8_pixels(g, row_at(r), pixels, b, done);
    if (both) dw_q8_pixels(g, row_at(++r), pixels, b, done);
  }
}
