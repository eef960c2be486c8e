// SPDX-License-Identifier: Apache-2.0
// The transforms of Winograd's minimal filtering; see WinogradIn and WinogradOut. With the points
// 0, ±p_1 … ±p_q, ∞ (T = 2q + 2 of them) a row of T inputs d becomes
//   at 0: Σ_i z_i d[2i], at ∞: Σ_i z_i d[2i + 1], at ±p_j: Σ_i b_i (d[2i + 2] ± p_j d[2i + 1])
// with z the coefficients of Π (x − p_l²) and b those of the product without l = j; and T sums m
// become the outputs y[k] = Σ_j p_j^k m_j, the sum at ∞ added to the last.

/// What the transforms of T positions multiply with.
template <int T>
struct WinogradFactors {
  static constexpr int kPairs = (T - 2) / 2;
  float zero[kPairs + 1] = {};      ///< z
  float pair[kPairs][kPairs] = {};  ///< b of each pair
  float power[kPairs][T - 2] = {};  ///< p_j^k

  constexpr WinogradFactors() {
    const float* p = kWinogradPoints[kPairs - 1];
    multiply(p, -1, zero);
    for (int j = 0; j < kPairs; ++j) {
      multiply(p, j, pair[j]);
      power[j][0] = 1;
      for (int k = 1; k < T - 2; ++k) power[j][k] = power[j][k - 1] * p[j];
    }
  }

  /// Coefficients of Π_{l ≠ without} (x − p_l²), the constant one first.
  static constexpr void multiply(const float* p, int without, float* out) {
    double c[kPairs + 1] = {1};
    int degree = 0;
    for (int l = 0; l < kPairs; ++l) {
      if (l == without) continue;
      const double square = static_cast<double>(p[l]) * static_cast<double>(p[l]);
      c[degree + 1] = c[degree];
      for (int i = degree; i > 0; --i) c[i] = c[i - 1] - square * c[i];
      c[0] *= -square;
      ++degree;
    }
    for (int i = 0; i <= degree; ++i) out[i] = static_cast<float>(c[i]);
  }
};

/// T inputs → T positions.
template <int T>
[[gnu::always_inline]] inline void winograd_in_line(const F* d, F* v) {
  if constexpr (T == 1) {
    v[0] = d[0];
  } else {
    constexpr WinogradFactors<T> kBy;
    constexpr int kPairs = (T - 2) / 2;
    F zero = d[T - 2];
    F infinity = d[T - 1];
    for (int i = 0; i < kPairs; ++i) {
      zero = fma(set(kBy.zero[i]), d[2 * i], zero);
      infinity = fma(set(kBy.zero[i]), d[2 * i + 1], infinity);
    }
    v[0] = zero;
    v[T - 1] = infinity;
    for (int j = 0; j < kPairs; ++j) {
      F even = d[T - 2];
      F odd = d[T - 3];
      for (int i = 0; i + 1 < kPairs; ++i) {
        even = fma(set(kBy.pair[j][i]), d[2 * i + 2], even);
        odd = fma(set(kBy.pair[j][i]), d[2 * i + 1], odd);
      }
      v[2 * j + 1] = fma(set(kBy.power[j][1]), odd, even);
      v[2 * j + 2] = fma(set(-kBy.power[j][1]), odd, even);
    }
  }
}

/// T positions → M outputs.
template <int T, int M>
[[gnu::always_inline]] inline void winograd_out_line(const F* m, F* y) {
  if constexpr (T == 1) {
    y[0] = m[0];
  } else {
    constexpr WinogradFactors<T> kBy;
    constexpr int kPairs = (T - 2) / 2;
    F even[kPairs], odd[kPairs];
    for (int j = 0; j < kPairs; ++j) {
      even[j] = m[2 * j + 1] + m[2 * j + 2];
      odd[j] = m[2 * j + 1] - m[2 * j + 2];
    }
    y[0] = m[0];
    for (int j = 0; j < kPairs; ++j) y[0] = y[0] + even[j];
    for (int k = 1; k < M; ++k) {
      const F* from = k % 2 == 0 ? even : odd;
      y[k] = from[0] * set(kBy.power[0][k]);
      for (int j = 1; j < kPairs; ++j) y[k] = fma(set(kBy.power[j][k]), from[j], y[k]);
    }
    y[M - 1] = y[M - 1] + m[T - 1];
  }
}

/// One vector of channels of a tile: from[Th·Tw] inputs, `ch` elements on, to as many planes.
template <int Th, int Tw>
void winograd_in_vector(const float* const* from, int64_t ch, float* out, int64_t plane_stride) {
  F columns[Tw][Th];
#pragma GCC unroll 1
  for (int x = 0; x < Tw; ++x) {
    F d[Th];
    for (int y = 0; y < Th; ++y) d[y] = load(from[y * Tw + x] + ch);
    winograd_in_line<Th>(d, columns[x]);
  }
#pragma GCC unroll 1
  for (int y = 0; y < Th; ++y) {
    F d[Tw], v[Tw];
    for (int x = 0; x < Tw; ++x) d[x] = columns[x][y];
    winograd_in_line<Tw>(d, v);
    for (int x = 0; x < Tw; ++x) store(out + (y * Tw + x) * plane_stride, v[x]);
  }
}

template <int Th, int Tw>
void winograd_in_tile(const WinogradIn& g) {
  const float* from[Th * Tw];
  for (int y = 0; y < Th; ++y) {
    for (int x = 0; x < Tw; ++x) {
      const bool inside = y >= g.top && y < g.bottom && x >= g.left && x < g.right;
      from[y * Tw + x] =
          inside ? g.image + (g.origin + y * g.row_stride + x * g.pixel_stride) : g.zero;
    }
  }
  int64_t ch = 0;
  for (; ch + kLanes <= g.c; ch += kLanes) {
    winograd_in_vector<Th, Tw>(from, ch, g.planes + ch, g.plane_stride);
  }
  if (ch == g.c) return;
  float last[Th * Tw][kLanes];
  for (int i = 0; i < Th * Tw; ++i) {
    store(last[i], load_n(from[i] + ch, g.c - ch));
    from[i] = last[i];
  }
  winograd_in_vector<Th, Tw>(from, 0, g.planes + ch, g.plane_stride);
}

template <int Th, int Tw, int Mh, int Mw>
void winograd_out_tile(const WinogradOut& g) {
  const F lo = set(g.lo);
  const F hi = set(g.hi);
  for (int64_t ch = 0; ch < g.c; ch += kLanes) {
    F columns[Tw][Mh];
#pragma GCC unroll 1
    for (int x = 0; x < Tw; ++x) {
      F m[Th];
      for (int y = 0; y < Th; ++y) m[y] = load(g.planes + (y * Tw + x) * g.plane_stride + ch);
      winograd_out_line<Th, Mh>(m, columns[x]);
    }
    const F bias = load(g.bias + ch);
#pragma GCC unroll 1
    for (int y = 0; y < g.rows; ++y) {
      F m[Tw], v[Mw];
      for (int x = 0; x < Tw; ++x) m[x] = columns[x][y];
      winograd_out_line<Tw, Mw>(m, v);
      for (int x = 0; x < Mw; ++x) {
        if (x >= g.columns) break;
        float* out = g.out + y * g.row_stride + x * g.pixel_stride + ch;
        const F limited = minimum(maximum(v[x] + bias, lo), hi);
        if (ch + kLanes <= g.c) {
          store(out, limited);
        } else {
          store_n(out, limited, g.c - ch);
        }
      }
    }
  }
}

void winograd_in(const WinogradIn& g) {
  switch (g.kind) {
    case WinogradKind::f2x2_3x3:
      return winograd_in_tile<4, 4>(g);
    case WinogradKind::f4x4_3x3:
    case WinogradKind::f2x2_5x5:
      return winograd_in_tile<6, 6>(g);
    case WinogradKind::f1x4_1x3:
      return winograd_in_tile<1, 6>(g);
    case WinogradKind::f4x1_3x1:
      return winograd_in_tile<6, 1>(g);
    case WinogradKind::f1x2_1x7:
      return winograd_in_tile<1, 8>(g);
    case WinogradKind::f2x1_7x1:
      return winograd_in_tile<8, 1>(g);
  }
}

void winograd_out(const WinogradOut& g) {
  switch (g.kind) {
    case WinogradKind::f2x2_3x3:
      return winograd_out_tile<4, 4, 2, 2>(g);
    case WinogradKind::f4x4_3x3:
      return winograd_out_tile<6, 6, 4, 4>(g);
    case WinogradKind::f2x2_5x5:
      return winograd_out_tile<6, 6, 2, 2>(g);
    case WinogradKind::f1x4_1x3:
      return winograd_out_tile<1, 6, 1, 4>(g);
    case WinogradKind::f4x1_3x1:
      return winograd_out_tile<6, 1, 4, 1>(g);
    case WinogradKind::f1x2_1x7:
      return winograd_out_tile<1, 8, 1, 2>(g);
    case WinogradKind::f2x1_7x1:
      return winograd_out_tile<8, 1, 2, 1>(g);
  }
}
