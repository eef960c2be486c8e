// SPDX-License-Identifier: Apache-2.0
// 8-bit depthwise convolution with 3×3 and 5×5 filters of stride 1, for VNNI: two rows of outputs
// at once, which share the interleaved rows of the image, and several pixels of few channels in a
// vector.
// Needs depthwise_q8.inl up to its blocks.

constexpr int64_t kDwWeights = 12 * 64;  ///< bytes of a set of a block's weights

/// The weights of the rows 0 … 2 of four, to those of the rows 1 … 3.
inline void dw_q8_lower(const uint8_t* weights, int64_t sets, uint8_t* lower) {
  for (int64_t i = 0; i < sets * kDwWeights; i += 64)
    Wide64::store(lower + i, _mm512_slli_epi32(Wide64::load(weights + i), 8));
}

/// 64 results of three columns of four rows: of the upper row of outputs, of the lower one. Only
/// where kLimited can there be a second set of weights.
template <bool kLimited>
[[gnu::always_inline]] inline __m512i dw_q8_of_columns(const __m512i (&v)[3][4],
                                                       const uint8_t* weights,
                                                       const DwBlock<Wide64>& b) {
  using Ops = WideOperands<Wide64>;
  __m512i acc[4];
  for (int n = 0; n < 4; ++n) acc[n] = b.first[n];
  const auto add_set = [&](const uint8_t* set) {
    for (int kx = 0; kx < 3; ++kx) {
      for (int n = 0; n < 4; ++n)
        acc[n] = Ops::dot(acc[n], v[kx][n], Ops::weights(set + (4 * kx + n) * 64));
    }
  };
  add_set(weights);
  if (kLimited && b.sets > 1) [[unlikely]]
    add_set(weights + kDwWeights);
  return dw_bytes<Wide64, kLimited>(b, acc);
}

/// Two rows of a run of outputs, 64 channels. With kLimited, results have limits or are uint8, or
/// there are two sets of weights.
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
inline bool dw_q8_by_pairs(const DepthwiseQ8& g, int64_t sets) {
  return (g.kh == 3 || (g.kh == 5 && sets == 1)) && g.kw == g.kh && g.row_step == 1 && !g.real &&
         dw_classes(g).columns == 1;
}
inline bool dw_q8_limited(const DepthwiseQ8& g, int64_t sets) {
  return sets > 1 || g.flip == 0 || g.lo > -128 || g.hi < 127;
}

// 5×5: of six rows of the image the upper four are interleaved, and the other two with themselves
// in the next column. A row of outputs has five products of the former and three of the latter.
constexpr int64_t kDwFiveVectors = 4 * (5 + 3);
constexpr int64_t kDwFiveRun = 28;  ///< outputs of which the columns are kept

/// Weights of the upper row of outputs and of the lower one.
struct DwFive {
  alignas(64) uint8_t weights[2][kDwFiveVectors * 64];
};

inline void dw_q8_five_weights(const uint8_t* weights, DwFive* to) {
  // Rows 3 and 4 of the filter are the rows 4 and 5 of the lower row's image.
  const auto last_rows = [&](int kx, int n, bool lower) {
    const __m512i first = Wide64::load(weights + (4 * kx + n) * 64);
    const __m512i second = Wide64::load(weights + (4 * (5 + kx) + n) * 64);
    return lower ? _mm512_srli_epi32(first, 24) | _mm512_slli_epi32(second, 8) : second;
  };
  for (int r = 0; r < 2; ++r) {
    for (int i = 0; i < 20; ++i) {
      const __m512i w = Wide64::load(weights + 64 * i);
      Wide64::store(to->weights[r] + 64 * i, r == 0 ? w : _mm512_slli_epi32(w, 8));
    }
    for (int i = 0; i < 12; ++i) {
      __m512i w = last_rows(i / 4 * 2, i % 4, r == 1);
      if (i < 8) w |= _mm512_slli_epi32(last_rows(i / 4 * 2 + 1, i % 4, r == 1), 16);
      Wide64::store(to->weights[r] + 64 * (20 + i), w);
    }
  }
}

/// kRows rows of a run of outputs, 64 channels.
template <bool kLimited, int kRows>
[[gnu::noinline]] void dw_q8_five(const DepthwiseQ8& g, const DwRows& rows, const DwRun& run,
                                  const DwBlock<Wide64>& b, const DwFive& five) {
  using Ops = WideOperands<Wide64>;
  const __m512i flip = Wide64::set8(g.flip), outside = Wide64::set8(g.zero ^ g.flip);
  __m512i columns[kDwFiveRun + 5][8];
  uint8_t* out = static_cast<uint8_t*>(g.out) + rows.out + run.out + b.start;
  for (int64_t m = 0; m < run.pixels; m += kDwFiveRun) {
    const int64_t count = run.pixels - m < kDwFiveRun ? run.pixels - m : kDwFiveRun;
    __m512i low = outside, high = outside;  // of rows 4 and 5, in the column before
    for (int64_t k = 0; k < count + 4; ++k) {
      const int64_t x = run.x + (m + k) * run.step, at = x * g.c + b.start;
      __m512i next_low = outside, next_high = outside;
      for (int n = 0; n < 4; ++n) columns[k + 1][n] = outside;
      if (x >= 0 && x < g.w) {
        const uint8_t* const p[] = {rows.at(0, at), rows.at(1, at), rows.at(2, at), rows.at(3, at)};
        dw_interleave<Wide64, 4, true>(p, 64, flip, columns[k + 1]);
        const __m512i r4 = Wide64::load(rows.at(4, at)) ^ flip;
        const __m512i r5 = Wide64::load(rows.at(5, at)) ^ flip;
        next_low = Wide64::lo8(r4, r5);
        next_high = Wide64::hi8(r4, r5);
      }
      columns[k][4] = Wide64::lo16(low, next_low);
      columns[k][5] = Wide64::hi16(low, next_low);
      columns[k][6] = Wide64::lo16(high, next_high);
      columns[k][7] = Wide64::hi16(high, next_high);
      low = next_low;
      high = next_high;
    }
    const __m512i last[] = {Wide64::lo16(low, low), Wide64::hi16(low, low),
                            Wide64::lo16(high, high), Wide64::hi16(high, high)};
    for (int n = 0; n < 4; ++n) columns[count + 4][4 + n] = last[n];
    for (int64_t k = 0; k < count; ++k, out += run.out_step) {
      __m512i acc[kRows][4];
      for (int r = 0; r < kRows; ++r) {
        for (int n = 0; n < 4; ++n) acc[r][n] = b.first[n];
      }
      repeat<kDwFiveVectors>([&](int i) {
        const __m512i v =
            i < 20 ? columns[k + 1 + i / 4][i % 4] : columns[k + 1 + (i - 20) / 4 * 2][4 + i % 4];
        for (int r = 0; r < kRows; ++r)
          acc[r][i % 4] = Ops::dot(acc[r][i % 4], v, Ops::weights(five.weights[r] + 64 * i));
      });
      for (int r = 0; r < kRows; ++r)
        Wide64::store(out + r * g.out_row, dw_bytes<Wide64, kLimited>(b, acc[r]));
    }
  }
}

/// As many rows as go in pairs, of 5×5 filters all. Returns how many.
[[gnu::noinline]] int64_t dw_q8_row_pairs(const DepthwiseQ8& g, const DwRows& rows,
                                          const DwBlock<Wide64>& b) {
  alignas(64) uint8_t lower[2 * kDwWeights];
  DwFive five;
  const bool limited = dw_q8_limited(g, b.sets);
  auto* three = limited ? dw_q8_row_pair<true> : dw_q8_row_pair<false>;
  auto* two_of_five = limited ? dw_q8_five<true, 2> : dw_q8_five<false, 2>;
  if (g.kh == 3) {
    dw_q8_lower(b.weights, b.sets, lower);
  } else {
    dw_q8_five_weights(b.weights, &five);
  }
  const DwClasses of = dw_classes(g);
  int64_t r = 0;
  for (; r < g.out_rows; r += 2) {
    const bool two = r + 2 <= g.out_rows;
    if (!two && g.kh == 3) return r;
    const DwRows row{rows.first + r, rows.masks + r, r * g.out_row};
    for (int64_t first = 0; first < of.classes; ++first) {
      const DwRun run = dw_run(g, of, first);
      if (g.kh == 3) {
        three(g, row, run, b, lower);
      } else if (two) {
        two_of_five(g, row, run, b, five);
      } else {
        dw_q8_five<true, 1>(g, row, run, b, five);
      }
    }
  }
  return g.out_rows;
}

// ---- Several pixels in a vector

/// A block of 4, 8 or 16 … 32 channels of a 3×3 filter for as many pixels side by side as fill a
/// vector.
struct DwPixels {
  alignas(64) uint8_t weights[2][2 * kDwWeights];  ///< of the rows 0 … 2 of four, of the rows 1 … 3
  DwBlock<Wide64> block;
};

/// Whether DwPixels serve: nothing lies between the pixels, and the results are the usual ones.
inline bool dw_q8_by_pixels(const DepthwiseQ8& g, int64_t sets) {
  const bool few =
      (sets == 1 && (g.c == 4 || g.c == 8)) || (g.c >= 16 && g.c <= 32 && g.pixels >= 4);
  return few && g.out_stride == g.c && g.kh == 3 && g.kw == 3 && g.stride == 1 && g.dilation == 1 &&
         !g.real;
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
  block.sets = b.sets;
  for (int64_t i = 0; i < b.sets * 12; ++i) {
    const uint8_t* set = b.weights + i / 12 * b.set_bytes;
    Wide64::store(to->weights[0] + 64 * i, repeated(set, i % 12));
  }
  dw_q8_lower(to->weights[0], b.sets, to->weights[1]);
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
  // What is read beyond a pixel is of the next one.
  const bool inside = x >= 0 && x + Many + (g.c % 16 == 0 ? 0 : 1) <= g.w;
  __m512i r[4];
  for (int i = 0; i < 4; ++i) {
    if (!inside) {
      constexpr int kBytes = 64 / Many;
      alignas(64) uint8_t pixels[64];
      for (int k = 0; k < Many; ++k) {
        const bool there = x + k >= 0 && x + k < g.w;
        Wide32::store_n(
            pixels + k * kBytes,
            there ? Wide32::load_n(rows.at(i, (x + k) * g.c), g.c) : Wide32::set8(g.zero), kBytes);
      }
      r[i] = Wide64::load(pixels) ^ flip;
    } else if (Many == 4) {
      r[i] = Wide64::load(rows.at(i, x * g.c)) ^ flip;
    } else {
      const __m256i second = Wide32::load(rows.at(i, (x + 1) * g.c));
      r[i] = _mm512_castsi256_si512(Wide32::load(rows.at(i, x * g.c)));
      r[i] = _mm512_mask_broadcast_i64x4(r[i], 0xf0, second) ^ flip;
    }
  }
  const __m512i lo01 = Wide64::lo8(r[0], r[1]), hi01 = Wide64::hi8(r[0], r[1]);
  const __m512i lo23 = Wide64::lo8(r[2], r[3]), hi23 = Wide64::hi8(r[2], r[3]);
  out[0] = Wide64::lo16(lo01, lo23);
  out[1] = Wide64::hi16(lo01, lo23);
  out[2] = Wide64::lo16(hi01, hi23);
  out[3] = Wide64::hi16(hi01, hi23);
}

/// One or two rows of at least Many outputs of 16 … 32 channels, which share the interleaved rows
/// of the image.
template <int Many, bool kLimited>
[[gnu::noinline]] void dw_q8_many(const DepthwiseQ8& g, const DwRows& rows, int count,
                                  const DwPixels& pixels) {
  constexpr int kStep = 8 / Many;  // quadwords of a pixel
  __m512i v[3][4];
  dw_four_rows<Many>(g, rows, -g.pad, v[0]);
  for (int64_t i = 0; i < g.pixels; i += Many) {
    if (i + Many > g.pixels) {  // some outputs twice
      i = g.pixels - Many;
      dw_four_rows<Many>(g, rows, i - g.pad, v[0]);
    }
    __m512i next[4];
    dw_four_rows<Many>(g, rows, i - g.pad + Many, next);
    for (int n = 0; n < 4; ++n) {
      v[1][n] = _mm512_alignr_epi64(next[n], v[0][n], kStep);
      v[2][n] = Many == 2 ? next[n] : _mm512_alignr_epi64(next[n], v[0][n], 2 * kStep % 8);
    }
    for (int r = 0; r < count; ++r) {
      const __m512i bytes = dw_q8_of_columns<kLimited>(v, pixels.weights[r], pixels.block);
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
}

/// A row of outputs of 4 or 8 channels; those at its ends, whose windows are not within the image,
/// one by one.
[[gnu::noinline]] void dw_q8_pixels(const DepthwiseQ8& g, const DwRows& rows,
                                    const DwPixels& pixels, const DwBlock<Wide32>& b) {
  using Ops = WideOperands<Wide64>;
  const auto ends = [&](int64_t begin, int64_t end) {
    if (begin < end)
      dw_q8_square<Wide32, 3, 1, false, true>(g, rows,
                                              {begin - g.pad, 1, end - begin, begin * g.c, g.c}, b);
  };
  const int64_t many = 64 / g.c, inner = g.w + g.pad - 2;
  const int64_t begin = g.pad < g.pixels ? g.pad : g.pixels;
  const int64_t last = (inner < g.pixels ? inner : g.pixels) - many;
  if (last < begin) return ends(0, g.pixels);
  ends(0, begin);
  for (int64_t i = begin; i < last + many; i += many) {
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
  const bool limited = dw_q8_limited(g, b.sets);
  auto* many = limited ? dw_q8_many<2, true> : dw_q8_many<2, false>;
  if (g.c == 16) many = limited ? dw_q8_many<4, true> : dw_q8_many<4, false>;
  for (int64_t r = 0; r < g.out_rows; ++r) {
    const DwRows row{rows.first + r * g.row_step, rows.masks + r * g.row_step, r * g.out_row};
    if (g.c < 16) {
      dw_q8_pixels(g, row, pixels, b);
      continue;
    }
    const bool two = g.row_step == 1 && r + 1 < g.out_rows;
    many(g, row, two ? 2 : 1, pixels);
    r += two ? 1 : 0;
  }
}
