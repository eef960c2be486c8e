// SPDX-License-Identifier: Apache-2.0
// Bilinear resize of a row; see BilinearRow and LerpPixelsQ8. Needs map.inl and zip.inl.

void bilinear_f32(const BilinearRow& g) {
  float* out = g.out;
  const float wy = g.y_weight;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const float* tl = g.top + g.left[i];
    const float* tr = g.top + g.right[i];
    const float* bl = g.bottom + g.left[i];
    const float* br = g.bottom + g.right[i];
    const float wx = g.x_weight[i];
    int64_t c = 0;
    for (; c + kLanes <= g.c; c += kLanes) {
      const F t = load(tl + c) + (load(tr + c) - load(tl + c)) * wx;
      const F b = load(bl + c) + (load(br + c) - load(bl + c)) * wx;
      store(out + c, t + (b - t) * wy);
    }
    for (; c < g.c; ++c) {
      const float t = tl[c] + (tr[c] - tl[c]) * wx;
      const float b = bl[c] + (br[c] - bl[c]) * wx;
      out[c] = t + (b - t) * wy;
    }
  }
}

void lerp_rows_f32(const float* top, const float* bottom, int64_t n, float weight, float* out) {
  const F w = set(weight);
  const auto mix = [&](F a, F b) { return fma(b - a, w, a); };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, mix(load(top + i), load(bottom + i)));
  if (i < n) store_n(out + i, mix(load_n(top + i, n - i), load_n(bottom + i, n - i)), n - i);
}

inline float lerp1_f32(float a, float b, float w) {
  return a + (b - a) * w;
}

/// Pixels of one channel: their sources lie close together in ascending order, mostly within one
/// vector, and are picked out of it.
void lerp_elements_f32(const LerpPixelsF32& g) {
  int64_t i = 0;
  if constexpr (kHasPermute) {
    for (; i + kLanes <= g.w; i += kLanes) {
      const int64_t first = g.left[i];
      const I left = load_i(g.left + i) - static_cast<int32_t>(first);
      const I right = load_i(g.right + i) - static_cast<int32_t>(first);
      if (first + kLanes > g.row_elements ||
          !all_lanes(reinterpret_cast<U>(left | right) < kLanes)) {
        for (int64_t j = i; j < i + kLanes; ++j)
          g.out[j] = lerp1_f32(g.row[g.left[j]], g.row[g.right[j]], g.weight[j]);
        continue;
      }
      const F v = load(g.row + first);
      const F a = permute(v, left);
      store(g.out + i, fma(permute(v, right) - a, load(g.weight + i), a));
    }
  }
  for (; i < g.w; ++i) g.out[i] = lerp1_f32(g.row[g.left[i]], g.row[g.right[i]], g.weight[i]);
}

void lerp_pixels_f32(const LerpPixelsF32& g) {
  if (g.c == 1) return lerp_elements_f32(g);
  float* out = g.out;
  for (int64_t i = 0; i < g.w; ++i, out += g.c) {
    const float* l = g.row + g.left[i];
    const float* r = g.row + g.right[i];
    const F w = set(g.weight[i]);
    int64_t c = 0;
    for (; c + kLanes <= g.c; c += kLanes) {
      const F a = load(l + c);
      store(out + c, fma(load(r + c) - a, w, a));
    }
    if (c == g.c) continue;
    if (g.c >= kLanes) {  // the last ones, some of them twice
      c = g.c - kLanes;
      const F a = load(l + c);
      store(out + c, fma(load(r + c) - a, w, a));
    } else {
      const F a = load_n(l + c, g.c - c);
      store_n(out + c, fma(load_n(r + c, g.c - c) - a, w, a), g.c - c);
    }
  }
}

[[gnu::always_inline]] inline S16 load_s16(const int16_t* p) {
  S16 v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

/// (p ^ flip) · 2^7
[[gnu::always_inline]] inline S16 load_scaled(const uint8_t* p, uint8_t flip) {
  HalfBytes b;
  __builtin_memcpy(&b, p, sizeof b);
  return __builtin_convertvector(b ^ flip, S16) << 7;
}

/// a + (b − a)·weight / 2^15, for 0 ≤ a, b < 2^15. Lanes past the end of a row hold anything: they
/// wrap around.
[[gnu::always_inline]] inline W16 lerp(S16 a, S16 b, S16 weight) {
  const W16 start = reinterpret_cast<W16>(a);
  const W16 difference = reinterpret_cast<W16>(b) - start;
  return start + reinterpret_cast<W16>(mulhrs(reinterpret_cast<S16>(difference), weight));
}
[[gnu::always_inline]] inline int32_t lerp1(int32_t a, int32_t b, int32_t weight) {
  return a + (((b - a) * weight + (1 << 14)) >> 15);
}

void lerp_rows_q8(const uint8_t* top, const uint8_t* bottom, int64_t n, int16_t weight,
                  uint8_t flip, int16_t* out) {
  const S16 w = weight - S16{};
  int64_t i = 0;
  for (; i + kHalfLanes <= n; i += kHalfLanes) {
    const W16 v = lerp(load_scaled(top + i, flip), load_scaled(bottom + i, flip), w);
    __builtin_memcpy(out + i, &v, sizeof v);
  }
  for (; i < n; ++i)
    out[i] = static_cast<int16_t>(lerp1((top[i] ^ flip) << 7, (bottom[i] ^ flip) << 7, weight));
}

/// Half a vector of words.
using HalfLine = int16_t __attribute__((vector_size(kHalfLanes)));
template <int... i>
[[gnu::always_inline]] inline S16 join(HalfLine a, HalfLine b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, i...);
}
[[gnu::always_inline]] inline S16 join(HalfLine a, HalfLine b) {
  return join(a, b, FirstLanes<kHalfLanes>::Type{});
}
[[gnu::always_inline]] inline S16 join_at(const int16_t* a, const int16_t* b) {
  HalfLine low, high;
  __builtin_memcpy(&low, a, sizeof low);
  __builtin_memcpy(&high, b, sizeof high);
  return join(low, high);
}

/// Mixes l and r and stores kHalfLanes bytes.
[[gnu::always_inline]] inline void store_mixed(S16 l, S16 r, S16 weight, uint8_t flip,
                                               uint8_t* out) {
  const W16 v = lerp(l, r, weight);
  const HalfBytes b = __builtin_convertvector((v + 64) >> 7, HalfBytes) ^ flip;
  __builtin_memcpy(out, &b, sizeof b);
}
[[gnu::always_inline]] inline uint8_t mixed1(int32_t l, int32_t r, int32_t weight, uint8_t flip) {
  return static_cast<uint8_t>((lerp1(l, r, weight) + 64) >> 7) ^ flip;
}

/// Offsets of kHalfLanes elements from `first`; false where one is not within kHalfLanes.
[[gnu::always_inline]] inline bool word_indices(const int32_t* at, int32_t first, S16& indices) {
  const I low = load_i(at) - first;
  const I high = load_i(at + kLanes) - first;
  indices = low_words(low, high);
  return all_lanes(reinterpret_cast<U>(low | high) < kHalfLanes);
}

/// Pixels of one channel, as lerp_elements_f32.
void lerp_elements_q8(const LerpPixelsQ8& g) {
  int64_t i = 0;
  if constexpr (kHasWordPermute) {
    for (; i + kHalfLanes <= g.w; i += kHalfLanes) {
      S16 left, right;
      const bool near = word_indices(g.left + i, g.left[i], left);
      if (!word_indices(g.right + i, g.left[i], right) || !near) {
        for (int64_t j = i; j < i + kHalfLanes; ++j)
          g.out[j] = mixed1(g.row[g.left[j]], g.row[g.right[j]], g.weight[j], g.flip);
        continue;
      }
      const Words v = reinterpret_cast<Words>(load_s16(g.row + g.left[i]));
      const auto pick = [&](S16 indices) {
        return reinterpret_cast<S16>(permute_words(v, reinterpret_cast<Words>(indices)));
      };
      store_mixed(pick(left), pick(right), load_s16(g.weight + i), g.flip, g.out + i);
    }
  }
  for (; i < g.w; ++i) g.out[i] = mixed1(g.row[g.left[i]], g.row[g.right[i]], g.weight[i], g.flip);
}

#if defined(__AVX512BW__)
/// Where the quadwords of pairs of pixels of c channels are among the packed left and right
/// results of 64 elements, c = 8 … 64: of the first 64 bytes, of the others.
inline void pair_order(int64_t c, int64_t (&order)[16]) {
  for (int64_t q = 0; q < 16; ++q) {
    const int64_t size = c / 8, from = q / (2 * size) * size + q % size;
    order[q] = (from < 4 ? 2 * from : 2 * from - 7) + (q / size % 2 == 0 ? 0 : 8);
  }
}

/// All pairs, of at least 64 elements; c divides 64.
void lerp_pairs_q8(const LerpPixelsQ8& g) {
  const LerpPairs& pairs = g.pairs;
  const int64_t n = pairs.count * pairs.c;
  uint8_t* out = g.out + pairs.skipped * pairs.c;
  const S16 first = pairs.weights[0] - S16{}, second = pairs.weights[1] - S16{};
  int64_t order[16];
  if (pairs.c >= 8) pair_order(pairs.c, order);
  const __m512i low = _mm512_loadu_si512(order), high = _mm512_loadu_si512(order + 8);
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(g.flip));
  const auto mixed = [](S16 l, S16 r, S16 weight) {
    return reinterpret_cast<__m512i>((lerp(l, r, weight) + 64) >> 7);
  };
  const auto both = [&](int64_t i, auto interleave) {
    const S16 l0 = load_s16(g.row + i), l1 = load_s16(g.row + i + 32);
    const S16 r0 = load_s16(g.row + i + pairs.c), r1 = load_s16(g.row + i + pairs.c + 32);
    const __m512i a = _mm512_packus_epi16(mixed(l0, r0, first), mixed(l1, r1, first)) ^ flip;
    const __m512i b = _mm512_packus_epi16(mixed(l0, r0, second), mixed(l1, r1, second)) ^ flip;
    __m512i x, y;
    interleave(a, b, x, y);
    _mm512_storeu_si512(out + 2 * i, x);
    _mm512_storeu_si512(out + 2 * i + 64, y);
  };
  const auto all = [&](auto interleave) {
    int64_t i = 0;
    for (; i + 64 <= n; i += 64) both(i, interleave);
    if (i < n) both(n - 64, interleave);
  };
  using V = __m512i;
  switch (pairs.c) {
    case 1:
      return all([](V a, V b, V& x, V& y) {
        x = _mm512_unpacklo_epi8(a, b), y = _mm512_unpackhi_epi8(a, b);
      });
    case 2:
      return all([](V a, V b, V& x, V& y) {
        x = _mm512_unpacklo_epi16(a, b), y = _mm512_unpackhi_epi16(a, b);
      });
    case 4:
      return all([](V a, V b, V& x, V& y) {
        x = _mm512_unpacklo_epi32(a, b), y = _mm512_unpackhi_epi32(a, b);
      });
    default:
      return all([&](V a, V b, V& x, V& y) {
        x = _mm512_permutex2var_epi64(a, low, b), y = _mm512_permutex2var_epi64(a, high, b);
      });
  }
}
#endif

// A pixel is stored in whole vectors: what is too much falls on pixels that come later, or, at the
// end of the row, is left to the plain loop.
void lerp_any_pixels_q8(const LerpPixelsQ8& g) {
  if (g.c == 1) return lerp_elements_q8(g);
  uint8_t* out = g.out;
  const uint8_t* end = out + g.w * g.c;
  int64_t i = 0;
  if (2 * g.c == kHalfLanes) {
    for (; i + 2 <= g.w; i += 2, out += kHalfLanes) {
      const S16 w = join(HalfLine{} + g.weight[i], HalfLine{} + g.weight[i + 1]);
      store_mixed(join_at(g.row + g.left[i], g.row + g.left[i + 1]),
                  join_at(g.row + g.right[i], g.row + g.right[i + 1]), w, g.flip, out);
    }
  }
  for (; i < g.w; ++i, out += g.c) {
    const int16_t* l = g.row + g.left[i];
    const int16_t* r = g.row + g.right[i];
    const S16 w = g.weight[i] - S16{};
    int64_t c = 0;
    for (; c < g.c && end - (out + c) >= kHalfLanes; c += kHalfLanes)
      store_mixed(load_s16(l + c), load_s16(r + c), w, g.flip, out + c);
    for (; c < g.c; ++c) out[c] = mixed1(l[c], r[c], g.weight[i], g.flip);
  }
}

void lerp_pixels_q8(const LerpPixelsQ8& g) {
#if defined(__AVX512BW__)
  const LerpPairs& pairs = g.pairs;
  if (pairs.count > 0 && pairs.count * pairs.c >= 64 && 64 % pairs.c == 0) {
    lerp_pairs_q8(g);
    const int64_t unit = pairs.c / g.c, done = (pairs.skipped + 2 * pairs.count) * unit;
    LerpPixelsQ8 rest = g;
    rest.w = pairs.skipped * unit;
    lerp_any_pixels_q8(rest);
    rest.w = g.w - done;
    rest.left += done;
    rest.right += done;
    rest.weight += done;
    rest.out += done * g.c;
    return lerp_any_pixels_q8(rest);
  }
#endif
  lerp_any_pixels_q8(g);
}
