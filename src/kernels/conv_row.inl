// SPDX-License-Identifier: Apache-2.0
// Convolution with few output channels, pixels in the lanes; see ConvRowF32, ConvRowQ8. Needs
// requantize.inl and reduce.inl.

/// Vectors of pixels whose sums of N columns are in registers together.
template <int N>
constexpr int kRowVectors = kVecBytes == 64 ? (N == 1 ? 8 : 16 / N) : (N == 1 ? 8 : 8 / N);

/// Calls block<N, vectors>(first pixel) for all pixels; the last vector may be partly beyond them.
template <int N, class Block>
[[gnu::always_inline]] inline void each_block(int64_t pixels, const Block& block) {
  constexpr int kVectors = kRowVectors<N>;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= pixels; i += kVectors * kLanes)
    block.template operator()<N, kVectors>(i);
  if constexpr (kVectors > 2) {
    for (; i + 2 * kLanes <= pixels; i += 2 * kLanes) block.template operator()<N, 2>(i);
  }
  for (; i < pixels; i += kLanes) block.template operator()<N, 1>(i);
}

/// The same with room for kConvRowColumns columns or, where fewer are left, 1 or 2.
template <class Block>
[[gnu::always_inline]] inline void each_block(int64_t columns, int64_t pixels, const Block& block) {
  if (columns == 1) return each_block<1>(pixels, block);
  if (columns == 2) return each_block<2>(pixels, block);
  each_block<4>(pixels, block);
}

template <int first, int... i>
[[gnu::always_inline]] inline F interleaved_pairs(F a, F b, Lanes<i...>) {
  return __builtin_shufflevector(a, b, (2 * first + i / 4 * 2 + i % 2 + i % 4 / 2 * kLanes)...);
}
/// Pairs of lanes of a and b in turn.
[[gnu::always_inline]] inline void interleave_pairs(F a, F b, F* low, F* high) {
  *low = interleaved_pairs<0>(a, b, FirstLanes<kLanes>::Type{});
  *high = interleaved_pairs<kLanes / 4>(a, b, FirstLanes<kLanes>::Type{});
}

template <int q>
[[gnu::always_inline]] inline void store_quad(F v, float* out) {
  const auto quad = __builtin_shufflevector(v, v, 4 * q, 4 * q + 1, 4 * q + 2, 4 * q + 3);
  __builtin_memcpy(out, &quad, sizeof quad);
}
/// Stores each four lanes, `step` elements from one four to the next.
[[gnu::always_inline]] inline void store_quads(F v, int64_t step, float* out) {
  store_quad<0>(v, out);
  if constexpr (kLanes > 4) store_quad<1>(v, out + step);
  if constexpr (kLanes > 8) {
    store_quad<2>(v, out + 2 * step);
    store_quad<3>(v, out + 3 * step);
  }
}

/// N vectors of columns, pixels in the lanes → the N numbers of each pixel, one after the other.
template <int N>
[[gnu::always_inline]] inline void join_columns(F (&v)[N]) {
  if constexpr (N == 2) {
    const F low = interleave_low(v[0], v[1]);
    v[1] = interleave_high(v[0], v[1]);
    v[0] = low;
  } else if constexpr (N == 4) {
    const F low = interleave_low(v[0], v[1]), high = interleave_high(v[0], v[1]),
            low2 = interleave_low(v[2], v[3]), high2 = interleave_high(v[2], v[3]);
    interleave_pairs(low, low2, &v[0], &v[1]);
    interleave_pairs(high, high2, &v[2], &v[3]);
  }
}

/// Stores the first N of `columns` elements of each of `pixels` pixels, n elements apart; in `from`
/// they are N apart.
template <int N, class T>
inline void store_columns(const T* from, int64_t pixels, int64_t columns, int64_t n, T* out) {
#pragma GCC unroll 1
  for (int64_t i = 0; i < pixels; ++i, from += N, out += n) {
    if (columns >= N) {
      __builtin_memcpy(out, from, N * sizeof(T));
    } else {
      for (int64_t j = 0; j < columns; ++j) out[j] = from[j];
    }
  }
}

/// Stores sums [vectors][N], up to `end`, of the pixels from i on and the columns from j0 on.
template <int N>
[[gnu::noinline]] void finish_row(const ConvRowF32& g, const F* acc, const F* end, int64_t i,
                                  int64_t j0) {
#pragma GCC unroll 1
  for (; acc < end; acc += N, i += kLanes) {
    F v[N];
    repeat<N>([&](int j) { v[j] = minimum(maximum(acc[j], set(g.lo)), set(g.hi)); });
    join_columns(v);
    const int64_t pixels = g.pixels - i < kLanes ? g.pixels - i : kLanes;
    float* out = g.out + i * g.n + j0;
    if (g.n == N && pixels == kLanes) {
      repeat<N>([&](int j) { store(out + j * kLanes, v[j]); });
    } else if (N == 4 && g.n - j0 >= N && pixels == kLanes) {
      repeat<N>([&](int j) { store_quads(v[j], g.n, out + j * (kLanes / 4) * g.n); });
    } else {
      float numbers[N * kLanes];
      repeat<N>([&](int j) { store(numbers + j * kLanes, v[j]); });
      store_columns<N>(numbers, pixels, g.n - j0, g.n, out);
    }
  }
}
template <int N>
[[gnu::noinline]] void finish_row(const ConvRowQ8& g, const I* acc, const I* end, int64_t i,
                                  int64_t j0) {
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
#pragma GCC unroll 1
  for (; acc < end; acc += N, i += kLanes) {
    // A pixel's bytes lie in its lane, the first one lowest.
    I bytes = {};
    repeat<N>(
        [&](int j) { bytes |= (requantize(acc[j], set(g.scale[j0 + j]), q) & 255) << (8 * j); });
    const int64_t pixels = g.pixels - i < kLanes ? g.pixels - i : kLanes;
    uint8_t* out = g.out + i * g.n + j0;
    if (g.n == N && pixels == kLanes) {
      if constexpr (N == 4) {
        store_i(out, bytes);
      } else if constexpr (N == 2) {
        const auto words = __builtin_convertvector(bytes, HalfWords);
        __builtin_memcpy(out, &words, sizeof words);
      } else {
        store_u8(out, bytes);
      }
    } else {
      int32_t words[kLanes];
      store_i(words, bytes);
      store_columns<4>(reinterpret_cast<const uint8_t*>(words), pixels, g.n - j0, g.n, out);
    }
  }
}

void conv_row_f32(const ConvRowF32& g) {
  for (int64_t j0 = 0; j0 < g.n; j0 += kConvRowColumns) {
    const float* weights = g.weights + j0 * g.count;
    each_block(g.n - j0, g.pixels, [&]<int N, int V>(int64_t i) {
      F acc[V][N];
      repeat<V>([&](int v) { repeat<N>([&](int j) { acc[v][j] = set(g.bias[j0 + j]); }); });
#pragma GCC unroll 1
      for (int64_t t = 0; t < g.count; ++t) {
        const float *in = g.terms[t] + i, *w = weights + t * kConvRowColumns;
        F x[V];
        repeat<V>([&](int v) { x[v] = load(in + v * kLanes); });
        repeat<N>(
            [&](int j) { repeat<V>([&](int v) { acc[v][j] = fma(x[v], set(w[j]), acc[v][j]); }); });
      }
      F done[V * N];
      repeat<V>([&](int v) { repeat<N>([&](int j) { done[v * N + j] = acc[v][j]; }); });
      finish_row<N>(g, done, done + V * N, i, j0);
    });
  }
}

void conv_row_q8(const ConvRowQ8& g) {
  for (int64_t j0 = 0; j0 < g.n; j0 += kConvRowColumns) {
    const int32_t* weights = g.weights + j0 * g.count;
    each_block(g.n - j0, g.pixels, [&]<int N, int V>(int64_t i) {
      I acc[V][N];
      repeat<V>([&](int v) { repeat<N>([&](int j) { acc[v][j] = set_i(g.bias[j0 + j]); }); });
#pragma GCC unroll 1
      for (int64_t t = 0; t < g.count; ++t) {
        const int32_t *in = g.terms[t] + i, *w = weights + t * kConvRowColumns;
        repeat<V>([&](int v) {
          const DotA x = dot_a(load_i(in + v * kLanes));
          repeat<N>([&](int j) { acc[v][j] = dot4(acc[v][j], x, dot_w(set_i(w[j]))); });
        });
      }
      I done[V * N];
      repeat<V>([&](int v) { repeat<N>([&](int j) { done[v * N + j] = acc[v][j]; }); });
      finish_row<N>(g, done, done + V * N, i, j0);
    });
  }
}

template <int channel, int... i>
[[gnu::always_inline]] inline F every_third(const F (&v)[3], Lanes<i...>) {
  // Of the lanes of v[0] and v[1] those that are there, then those of v[2].
  constexpr int kBoth = 2 * kLanes;
  const F start =
      __builtin_shufflevector(v[0], v[1], (3 * i + channel < kBoth ? 3 * i + channel : 0)...);
  return __builtin_shufflevector(
      start, v[2], (3 * i + channel < kBoth ? i : 3 * i + channel - kBoth + kLanes)...);
}

/// C vectors of pixels of C channels → C vectors of channels.
template <int C>
[[gnu::always_inline]] inline void split_vectors(F (&v)[C]) {
  if constexpr (C == 3) {
    using All = typename FirstLanes<kLanes>::Type;
    const F t[3] = {every_third<0>(v, All{}), every_third<1>(v, All{}), every_third<2>(v, All{})};
    repeat<3>([&](int i) { v[i] = t[i]; });
  } else if constexpr (C % 2 == 0) {
    F even[C / 2], odd[C / 2];
    repeat<C / 2>([&](int i) {
      even[i] = even_lanes(v[2 * i], v[2 * i + 1]);
      odd[i] = odd_lanes(v[2 * i], v[2 * i + 1]);
    });
    split_vectors(even);
    split_vectors(odd);
    repeat<C / 2>([&](int i) { v[2 * i] = even[i], v[2 * i + 1] = odd[i]; });
  }
}

/// Splits as many whole vectors of pixels as there are; how many pixels.
template <int C>
inline int64_t split_whole(const float* in, int64_t pixels, float* out, int64_t stride) {
  int64_t i = 0;
  for (; i + kLanes <= pixels; i += kLanes) {
    F v[C];
    repeat<C>([&](int k) { v[k] = load(in + i * C + k * kLanes); });
    split_vectors(v);
    repeat<C>([&](int k) { store(out + k * stride + i, v[k]); });
  }
  return i;
}

void split_channels_f32(const float* in, int64_t pixels, int64_t c, float* out, int64_t stride) {
  const int64_t done = c == 1   ? split_whole<1>(in, pixels, out, stride)
                       : c == 2 ? split_whole<2>(in, pixels, out, stride)
                       : c == 3 ? split_whole<3>(in, pixels, out, stride)
                       : c == 6 ? split_whole<6>(in, pixels, out, stride)
                       : c == 4 ? split_whole<4>(in, pixels, out, stride)
                       : c == 8 ? split_whole<8>(in, pixels, out, stride)
                                : 0;
  for (int64_t ch = 0; ch < c; ++ch) {
    for (int64_t i = done; i < pixels; ++i) out[ch * stride + i] = in[i * c + ch];
  }
}

void split_quads_q8(const uint8_t* in, int64_t pixels, int64_t step, uint8_t flip, int32_t* out) {
  const auto flips = static_cast<int32_t>(flip * 0x01010101u);
  int64_t i = 0;
  for (; step <= 2 && i + kLanes <= pixels; i += kLanes) {
    I v;
    if (step == 1) {
      v = interleave4(in + i, in + i + 1, in + i + 2, in + i + 3);
    } else {
      HalfWords low, high;
      __builtin_memcpy(&low, in + 2 * i, sizeof low);
      __builtin_memcpy(&high, in + 2 * i + 2, sizeof high);
      v = __builtin_convertvector(low, I) | __builtin_convertvector(high, I) << 16;
    }
    store_i(out + i, v ^ flips);
  }
  for (; i < pixels; ++i) {
    int32_t v;
    __builtin_memcpy(&v, in + i * step, sizeof v);
    out[i] = v ^ flips;
  }
}
