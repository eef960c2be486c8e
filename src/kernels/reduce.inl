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
  const F all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  float total = 0;
  for (int j = 0; j < kLanes; ++j) total += all[j];
  return total;
}

float max_f32(const float* in, int64_t n) {
  const float lowest = -__builtin_inff();
  F best[2] = {set(lowest), set(lowest)};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    for (int j = 0; j < 2; ++j) {
      const F x = load(in + i + j * kLanes);
      best[j] = select(best[j] < x, x, best[j]);
    }
  }
  float result = lowest;
  for (int j = 0; j < kLanes; ++j) {
    const float x = best[0][j] < best[1][j] ? best[1][j] : best[0][j];
    result = result < x ? x : result;
  }
  for (; i < n; ++i) result = result < in[i] ? in[i] : result;
  return result;
}

/// Largest (x ^ flip), 0 … 255.
inline int32_t max_biased(const uint8_t* in, int64_t n, uint8_t flip) {
  uint8_t best = 0;
  for (int64_t i = 0; i < n; ++i) {
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

int64_t argmax_f32(const float* in, int64_t n) { return find_first(in, n, max_f32(in, n)); }

int64_t argmax_q8(const uint8_t* in, int64_t n, uint8_t flip) {
  return find_first(in, n, static_cast<uint8_t>(max_biased(in, n, flip) ^ flip));
}

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

void window_sum_f32(const float* a, const Window& window, int64_t c, float divisor, float lo_limit,
                    float hi_limit, float* out) {
  const F lo = set(lo_limit);
  const F hi = set(hi_limit);
  window_f32(
      a, window, c, 0.0f, out, [](F acc, F x) { return acc + x; },
      [&](F acc) { return clamp_f(acc / divisor, lo, hi); });
}

void window_max_f32(const float* a, const Window& window, int64_t c, float lo_limit, float hi_limit,
                    float* out) {
  const F lo = set(lo_limit);
  const F hi = set(hi_limit);
  window_f32(
      a, window, c, -__builtin_inff(), out, [](F acc, F x) { return select(acc < x, x, acc); },
      [&](F acc) { return clamp_f(acc, lo, hi); });
}

void window_sum_q8(const uint8_t* a, const Window& window, int64_t c, uint8_t flip,
                   int32_t* __restrict out) {
  for (int64_t i = 0; i < c; ++i) out[i] = 0;
  for_window(a, window, [&](const uint8_t* __restrict p) {
    for (int64_t i = 0; i < c; ++i) out[i] += p[i] ^ flip;
  });
}

void window_max_q8(const uint8_t* a, const Window& window, int64_t c, uint8_t flip, int32_t lo,
                   int32_t hi, uint8_t* __restrict out) {
  // Biased form: limits and data move up by `flip`; the result is moved back at the end.
  const auto low = static_cast<uint8_t>(lo + flip);
  const auto high = static_cast<uint8_t>(hi + flip);
  for (int64_t i = 0; i < c; ++i) out[i] = low;
  for_window(a, window, [&](const uint8_t* __restrict p) {
    for (int64_t i = 0; i < c; ++i) {
      const uint8_t x = p[i] ^ flip;
      out[i] = out[i] < x ? x : out[i];
    }
  });
  for (int64_t i = 0; i < c; ++i) out[i] = (out[i] < high ? out[i] : high) ^ flip;
}
