// SPDX-License-Identifier: Apache-2.0
// Sums, maxima and windows. Needs map.inl and gemm_q8.inl.

float sum_f32(const float* in, int64_t n) {
  F sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) sum[j] += load(in + i + j * kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) sum[0] += load(in + i);
  if (i < n) sum[1] += load_n(in + i, n - i);
  return sum_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]))[0];
}

void row_sums_f32(const float* in, int64_t rows, int64_t n, float* out) {
  if (n > 4 * kLanes) {
    for (int64_t r = 0; r < rows; ++r) out[r] = sum_f32(in + r * n, n);
    return;
  }
  for (int64_t r = 0; r < rows; ++r, in += n) {
    F sum = {};
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) sum += load(in + i);
    if (i < n) sum += load_n(in + i, n - i);
    out[r] = sum_lanes(sum)[0];
  }
}

float max_f32(const float* in, int64_t n) {
  const float lowest = -__builtin_inff();
  // The second operand is the result where the first is not a number.
  const auto larger = [](F best, F x) { return maximum(best, x); };
  F best[4];
  for (int j = 0; j < 4; ++j) best[j] = set(lowest);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) best[j] = larger(best[j], load(in + i + j * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) best[0] = larger(best[0], load(in + i));
  float result = fold_lanes(larger(larger(best[0], best[1]), larger(best[2], best[3])), larger)[0];
  for (; i < n; ++i) result = result < in[i] ? in[i] : result;
  return result;
}

/// Largest (x ^ flip), 0 … 255.
inline int32_t max_biased(const uint8_t* in, int64_t n, uint8_t flip) {
  uint8_t best = 0;
  int64_t i = 0;
  if (n >= kVecBytes) {
    VecBytes most = load_bytes(in) ^ flip;
    for (i = kVecBytes; i + kVecBytes <= n; i += kVecBytes)
      most = larger_bytes(most, load_bytes(in + i) ^ flip);
    // The last whole vector covers what is left, some of it twice.
    most = larger_bytes(most, load_bytes(in + n - kVecBytes) ^ flip);
    for (int j = 0; j < kVecBytes; ++j) best = best < most[j] ? most[j] : best;
    return best;
  }
  for (; i < n; ++i) {
    const uint8_t x = in[i] ^ flip;
    best = best < x ? x : best;
  }
  return best;
}

int32_t max_q8(const uint8_t* in, int64_t n, uint8_t flip) {
  return max_biased(in, n, flip) - flip;
}

/// Index of the first element equal to `value`; 0 if there is none. Whole parts are compared
/// without branches, then the part that has it is searched.
template <typename T>
int64_t find_first(const T* in, int64_t n, T value) {
  constexpr int64_t kPart = 256;
  for (int64_t i = 0; i < n; i += kPart) {
    const int64_t end = n - i < kPart ? n : i + kPart;
    int found = 0;
    for (int64_t j = i; j < end; ++j) found |= in[j] == value ? 1 : 0;
    if (found == 0) continue;
    for (int64_t j = i; j < end; ++j) {
      if (in[j] == value) return j;
    }
  }
  return 0;
}

int64_t argmax_f32(const float* in, int64_t n) {
  return find_first(in, n, max_f32(in, n));
}

int64_t argmax_q8(const uint8_t* in, int64_t n, uint8_t flip) {
  return find_first(in, n, static_cast<uint8_t>(max_biased(in, n, flip) ^ flip));
}

// ---- sums of bytes

int64_t sum_q8(const uint8_t* in, int64_t n, uint8_t flip) {
  using W = WideFull;
  constexpr int64_t kMost = 1 << 20;  // of vectors; a lane gets at most 8 · 255 of each
  const W::V flips = W::set8(flip);
  const auto add = [](F a, F b) {
    return reinterpret_cast<F>(reinterpret_cast<I>(a) + reinterpret_cast<I>(b));
  };
  int64_t total = 0;
  for (int64_t i = 0; i < n;) {
    I sum[2] = {};
    const int64_t end = n - i < kMost * W::kBytes ? n : i + kMost * W::kBytes;
    for (; i + 2 * W::kBytes <= end; i += 2 * W::kBytes) {
      for (int j = 0; j < 2; ++j)
        sum[j] += reinterpret_cast<I>(W::byte_sums(W::load(in + i + j * W::kBytes) ^ flips));
    }
    for (; i < end; i += W::kBytes) {
      const bool whole = i + W::kBytes <= end;
      const W::V v = whole ? W::load(in + i) : W::load_n(in + i, end - i);
      if (!whole) total -= (W::kBytes - (end - i)) * flip;
      sum[0] += reinterpret_cast<I>(W::byte_sums(v ^ flips));
    }
    const F all = reinterpret_cast<F>(sum[0] + sum[1]);
    total += reinterpret_cast<I>(fold_lanes(all, add))[0];
  }
  return total;
}

void row_sums_q8(const uint8_t* in, int64_t rows, int64_t n, uint8_t flip, int32_t* out) {
  using W = WideFull;
  const W::V flips = W::set8(flip);
  const auto add = [](F a, F b) {
    return reinterpret_cast<F>(reinterpret_cast<I>(a) + reinterpret_cast<I>(b));
  };
  const int64_t whole = n / W::kBytes * W::kBytes, rest = n - whole;
  const auto beyond = static_cast<int32_t>((W::kBytes - rest) * flip);
  for (int64_t r = 0; r < rows; ++r, in += n) {
    I sum = {};
    for (int64_t i = 0; i < whole; i += W::kBytes)
      sum += reinterpret_cast<I>(W::byte_sums(W::load(in + i) ^ flips));
    if (rest > 0) sum += reinterpret_cast<I>(W::byte_sums(W::load_n(in + whole, rest) ^ flips));
    out[r] =
        reinterpret_cast<I>(fold_lanes(reinterpret_cast<F>(sum), add))[0] - (rest > 0 ? beyond : 0);
  }
}

constexpr int kMostSummed = 257;  // bytes in 16 bits: 257 · 255 = 2^16 − 1

// ---- windows

/// Calls fn(pixel) for each pixel of the window.
template <typename T, typename Fn>
[[gnu::always_inline]] inline void for_window(const T* a, const Window& window, Fn fn) {
  for (int64_t y = 0; y < window.h; ++y) {
    for (int64_t x = 0; x < window.w; ++x) fn(a + y * window.h_stride + x * window.w_stride);
  }
}

/// Folds Nv vectors of channels (or the first n lanes of one) over the window.
template <int Nv, typename Fn>
[[gnu::always_inline]] inline void fold_f32(const float* a, const Window& window, float start,
                                            int64_t n, F (&acc)[Nv], Fn fn) {
  for (int j = 0; j < Nv; ++j) acc[j] = set(start);
  for_window(a, window, [&](const float* p) {
    if (Nv == 1 && n < kLanes) {
      acc[0] = fn(acc[0], load_n(p, n));
    } else {
      for (int j = 0; j < Nv; ++j) acc[j] = fn(acc[j], load(p + j * kLanes));
    }
  });
}

template <typename Fn, typename Finish>
[[gnu::always_inline]] inline void window_f32(const float* a, const Window& window, int64_t c,
                                              float start, float* out, Fn fn, Finish finish) {
  for (int64_t k = 0; k < window.count; ++k, a += window.step, out += c) {
    int64_t i = 0;
    for (; i + 4 * kLanes <= c; i += 4 * kLanes) {
      F acc[4];
      fold_f32(a + i, window, start, kLanes, acc, fn);
      for (int j = 0; j < 4; ++j) store(out + i + j * kLanes, finish(acc[j]));
    }
    for (; i < c; i += kLanes) {
      F acc[1];
      const int64_t n = c - i < kLanes ? c - i : kLanes;
      fold_f32(a + i, window, start, n, acc, fn);
      if (n == kLanes) {
        store(out + i, finish(acc[0]));
      } else {
        store_n(out + i, finish(acc[0]), n);
      }
    }
  }
}

void window_sum_f32(const float* a, const Window& window, int64_t c, float divisor, float lo_limit,
                    float hi_limit, float* out) {
  const F lo = set(lo_limit);
  const F hi = set(hi_limit);
  const F d = set(divisor);
  window_f32(
      a, window, c, 0.0f, out, [](F acc, F x) { return acc + x; },
      [&](F acc) { return clamp_f(acc / d, lo, hi); });
}

void window_max_f32(const float* a, const Window& window, int64_t c, float lo_limit, float hi_limit,
                    float* out) {
  const F lo = set(lo_limit);
  const F hi = set(hi_limit);
  window_f32(
      a, window, c, -__builtin_inff(), out, [](F acc, F x) { return select(acc < x, x, acc); },
      [&](F acc) { return clamp_f(acc, lo, hi); });
}

/// Sums of W::kBytes channels in 16 bits: words of two channels as they are, and the upper ones by
/// themselves: what those are of the sum goes off its low 16 bits.
template <class W>
struct WordSums {
  using V = typename W::V;
  using Ints = typename W::Ints;
  typedef uint16_t Sums __attribute__((vector_size(W::kBytes)));
  Sums both, upper;

  [[gnu::always_inline]] void add(V bytes) {
    const Sums v = reinterpret_cast<Sums>(bytes);
    both += v;
    upper += v >> 8;
  }
  [[gnu::always_inline]] void add_to(Ints (&sums)[4]) const {
    const V zero = W::set8(0);
    const V even = reinterpret_cast<V>(both - (upper << 8));
    const V odd = reinterpret_cast<V>(upper);
    const V low = W::lo16(even, odd);
    const V high = W::hi16(even, odd);
    sums[0] += reinterpret_cast<Ints>(W::lo16(low, zero));
    sums[1] += reinterpret_cast<Ints>(W::hi16(low, zero));
    sums[2] += reinterpret_cast<Ints>(W::lo16(high, zero));
    sums[3] += reinterpret_cast<Ints>(W::hi16(high, zero));
  }
};

template <class W>
[[gnu::always_inline]] inline void store_means(const typename W::Ints (&sums)[4], const MeanQ8& g,
                                               const WideLimits<W>& limits, uint8_t* out) {
  using Floats = typename W::Floats;
  typename W::V parts[4];
  const Floats scale = g.scale - Floats{};
  repeat<4>([&](int k) {
    parts[k] = W::to_int(W::limited(__builtin_convertvector(sums[k] + g.offset, Floats) * scale));
  });
  W::store(out, W::narrow(parts[0], parts[1], parts[2], parts[3], limits));
}

/// The means of W::kBytes channels of a window.
template <class W>
[[gnu::always_inline]] inline void window_mean_block(const uint8_t* a, const Window& window,
                                                     const MeanQ8& g, const WideLimits<W>& limits,
                                                     uint8_t* out) {
  const typename W::V flip = W::set8(g.flip);
  typename W::Ints sums[4] = {};
  WordSums<W> words = {};
  int left = kMostSummed;
  for_window(a, window, [&](const uint8_t* p) {
    words.add(W::load(p) ^ flip);
    if (--left > 0) return;
    words.add_to(sums);
    words = WordSums<W>{};
    left = kMostSummed;
  });
  words.add_to(sums);
  store_means<W>(sums, g, limits, out);
}

constexpr int64_t kMostSlidColumns = 8;

/// Whether windows go on by one column, so that their sums do by a column more and one less.
inline bool window_slides(const Window& window) {
  return window.count > 1 && window.step == window.w_stride && window.w > 1 &&
         window.w <= kMostSlidColumns && window.h <= kMostSummed / kMostSlidColumns;
}

/// The means of W::kBytes channels of all windows.
template <class W>
void window_mean_slid(const uint8_t* a, const Window& window, int64_t c, const MeanQ8& g,
                      const WideLimits<W>& limits, uint8_t* out) {
  const typename W::V flip = W::set8(g.flip);
  WordSums<W> columns[kMostSlidColumns] = {};  // a ring
  WordSums<W> words = {};
  int64_t at = 0;
  for (int64_t x = 0; x < window.w + window.count - 1; ++x, a += window.w_stride) {
    WordSums<W> column = {};
    for (int64_t y = 0; y < window.h; ++y) column.add(W::load(a + y * window.h_stride) ^ flip);
    words.both += column.both - columns[at].both;
    words.upper += column.upper - columns[at].upper;
    columns[at] = column;
    at = at + 1 < window.w ? at + 1 : 0;
    if (x < window.w - 1) continue;
    typename W::Ints sums[4] = {};
    words.add_to(sums);
    store_means<W>(sums, g, limits, out);
    out += c;
  }
}

/// c ≥ W::kBytes channels; the last block may lie over channels before it.
template <class W>
void window_mean_blocks(const uint8_t* a, const Window& window, int64_t c, const MeanQ8& g,
                        uint8_t* out) {
  const int to_signed = g.flip != 0 ? 0 : -128;
  const WideLimits<W> limits{W::set16(g.zero_point + to_signed), W::set8(g.lo + to_signed),
                             W::set8(g.hi + to_signed), W::set8(g.flip ^ 0x80)};
  for (int64_t i = 0; i < c && window_slides(window); i += W::kBytes) {
    const int64_t at = i + W::kBytes <= c ? i : c - W::kBytes;
    window_mean_slid<W>(a + at, window, c, g, limits, out + at);
    if (at + W::kBytes == c) return;
  }
  for (int64_t k = 0; k < window.count; ++k, a += window.step, out += c) {
    for (int64_t i = 0; i < c; i += W::kBytes) {
      const int64_t at = i + W::kBytes <= c ? i : c - W::kBytes;
      window_mean_block<W>(a + at, window, g, limits, out + at);
    }
  }
}

/// Fewer channels than the smallest vector has.
inline void window_mean_few(const uint8_t* a, const Window& window, int64_t c, const MeanQ8& g,
                            const Requant& q, uint8_t* out) {
  int32_t sums[kVecBytes] = {};
  for_window(a, window, [&](const uint8_t* p) {
    for (int64_t i = 0; i < c; ++i) sums[i] += p[i] ^ g.flip;
  });
  for (int64_t i = 0; i < c; i += kLanes) {
    const I v = requantize(load_i(sums + i) + g.offset, set(g.scale), q);
    if (c - i >= kLanes) {
      store_u8(out + i, v);
    } else {
      store_n_u8(out + i, v, c - i);
    }
  }
}

void window_mean_q8(const uint8_t* a, const Window& window, int64_t c, const MeanQ8& g,
                    uint8_t* out) {
  if (c >= WideFull::kBytes) return window_mean_blocks<WideFull>(a, window, c, g, out);
  if (c >= WideHalf::kBytes) return window_mean_blocks<WideHalf>(a, window, c, g, out);
  if (c >= Wide16::kBytes) return window_mean_blocks<Wide16>(a, window, c, g, out);
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
  for (int64_t k = 0; k < window.count; ++k, a += window.step, out += c)
    window_mean_few(a, window, c, g, q, out);
}

/// The largest of N · Nv channels; T is int8_t or uint8_t.
template <typename T, int N, int Nv>
[[gnu::always_inline]] inline void window_max_block(const uint8_t* a, const Window& window, T lo,
                                                    T hi, uint8_t* out) {
  typedef T V __attribute__((vector_size(N)));
  V best[Nv];
  for (int j = 0; j < Nv; ++j) best[j] = V{} + lo;
  for_window(a, window, [&](const uint8_t* p) {
    for (int j = 0; j < Nv; ++j) {
      V x;
      __builtin_memcpy(&x, p + j * N, sizeof x);
      best[j] = x > best[j] ? x : best[j];
    }
  });
  for (int j = 0; j < Nv; ++j) {
    const V limit = V{} + hi;
    best[j] = best[j] > limit ? limit : best[j];
    __builtin_memcpy(out + j * N, &best[j], N);
  }
}

/// All channels of a window, c ≥ 1, by vectors of N bytes, or of less where c is.
template <typename T, int N>
[[gnu::always_inline]] inline void window_max_row(const uint8_t* a, const Window& window, int64_t c,
                                                  T lo, T hi, uint8_t* out) {
  if constexpr (N > 1) {
    if (c < N) return window_max_row<T, N / 2>(a, window, c, lo, hi, out);
  }
  int64_t i = 0;
  if constexpr (N == kVecBytes) {
    for (; i + 4 * N <= c; i += 4 * N) window_max_block<T, N, 4>(a + i, window, lo, hi, out + i);
  }
  for (; i < c; i += N) {
    const int64_t at = i + N <= c ? i : c - N;  // the last ones may come twice
    window_max_block<T, N, 1>(a + at, window, lo, hi, out + at);
  }
}

template <typename T>
void window_max_codes(const uint8_t* a, const Window& window, int64_t c, T lo, T hi, uint8_t* out) {
  for (int64_t k = 0; k < window.count; ++k, a += window.step, out += c)
    window_max_row<T, kVecBytes>(a, window, c, lo, hi, out);
}

void window_max_q8(const uint8_t* a, const Window& window, int64_t c, uint8_t flip, int32_t lo,
                   int32_t hi, uint8_t* out) {
  if (c <= 0) return;
  if (flip != 0)
    return window_max_codes(a, window, c, static_cast<int8_t>(lo), static_cast<int8_t>(hi), out);
  window_max_codes(a, window, c, static_cast<uint8_t>(lo), static_cast<uint8_t>(hi), out);
}
