// SPDX-License-Identifier: Apache-2.0
// 8-bit matrix product by indirection; see GemmQ8. Needs gemm_f32.inl and requantize.inl.

/// Σ of n unsigned bytes.
inline int64_t sum_u8(const uint8_t* in, int64_t n) {
  // Parts of 2^16 bytes keep the int32 sum below 2^24.
  int64_t total = 0;
  while (n > 0) {
    const int64_t part = n < 65536 ? n : 65536;
    int32_t sum = 0;
    for (int64_t i = 0; i < part; ++i) sum += in[i];
    total += sum;
    in += part;
    n -= part;
  }
  return total;
}

/// −weight_zero_point · Σ_t Σ_k row(i, t)[k]
inline int32_t row_correction(const GemmQ8& g, int64_t i) {
  int64_t sum = 0;
  for (int64_t t = 0; t < g.taps; ++t) sum += sum_u8(row_at(g, i, t), g.k);
  return static_cast<int32_t>(-g.weight_zero_point * sum);
}

[[gnu::always_inline]] inline I broadcast4(const uint8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return set_i(bytes);
}

/// One vector of row i from column j on, as StoreQ8::f32 has it.
[[gnu::always_inline]] inline F hybrid_row(const HybridQ8& h, int64_t i, int64_t j, I acc, F scale,
                                           int64_t left) {
  const DynamicQuant& quant = h.quants[i * h.quant_step];
  const bool whole = left >= kLanes;
  if (h.sums != nullptr) {
    const I sums = whole ? load_i(h.sums + j) : load_n_i(h.sums + j, left);
    acc = wrapping_add(acc, wrapping_mul(sums, set_i(-quant.zero)));
  }
  F v = to_float(acc) * (set(quant.scale) * scale);
  if (h.bias != nullptr) v = v + (whole ? load(h.bias + j) : load_n(h.bias + j, left));
  return minimum(maximum(v, set(h.lo)), set(h.hi));
}

/// Stores one vector of finished row i from column j on.
[[gnu::always_inline]] inline void gemm_q8_store(const GemmQ8& g, int64_t i, int64_t j, I acc,
                                                 F scale, const Requant& q, int64_t left) {
  const int64_t at = i * g.out_stride + j;
  if (g.store == StoreQ8::f32) {
    float* out = static_cast<float*>(g.out) + at;
    const F v = hybrid_row(g.hybrid, i, j, acc, scale, left);
    if (left >= kLanes) {
      store(out, v);
    } else {
      store_n(out, v, left);
    }
    return;
  }
  if (g.store == StoreQ8::s32) {
    int32_t* out = static_cast<int32_t*>(g.out) + at;
    if (left >= kLanes) {
      store_i(out, acc);
    } else {
      store_n_i(out, acc, left);
    }
    return;
  }
  uint8_t* out = static_cast<uint8_t*>(g.out) + at;
  const I v = requantize(acc, scale, q);
  if (left >= kLanes) {
    store_u8(out, v);
  } else {
    store_n_u8(out, v, left);
  }
}

template <int Mr, int Nv>
void gemm_q8_tile(const GemmQ8& g, const uint8_t* w, int64_t i0, int rows, int64_t j0,
                  int64_t columns) {
  constexpr int kNr = kGemmQ8Nv * kLanes;
  const uint8_t* const head = w;
  I acc[Mr][Nv];
  for (int i = 0; i < Mr; ++i) {
    for (int j = 0; j < Nv; ++j) acc[i][j] = load_i(w + j * kVecBytes);
  }
  w += 8 * kNr;
  const int64_t k = g.k;
  for (int64_t t = 0; t < g.taps; ++t) {
    const uint8_t* p[Mr];
    for (int i = 0; i < Mr; ++i) p[i] = row_at(g, i0 + (i < rows ? i : rows - 1), t);
    for (int64_t d = 0; d < k; d += 4) {
      DotW wv[Nv];
      for (int j = 0; j < Nv; ++j) wv[j] = dot_w(load_i(w + j * kVecBytes));
      for (int i = 0; i < Mr; ++i) {
        const DotA a = dot_a(broadcast4(p[i] + d));
        for (int j = 0; j < Nv; ++j) acc[i][j] = dot4(acc[i][j], a, wv[j]);
      }
      w += 4 * kNr;
    }
  }
  const Requant q = make_requant(g.zero_point, g.lo, g.hi);
  for (int i = 0; i < Mr; ++i) {
    if (i >= rows) break;
    const I correction = set_i(g.weight_zero_point != 0 ? row_correction(g, i0 + i) : 0);
    for (int j = 0; j < Nv; ++j) {
      const int64_t left = columns - j * kLanes;
      if (left <= 0) break;
      F scale;
      __builtin_memcpy(&scale, head + 4 * kNr + j * kVecBytes, sizeof scale);
      gemm_q8_store(g, i0 + i, j0 + j * kLanes, wrapping_add(acc[i][j], correction), scale, q,
                    left);
    }
  }
}

template <int Mr>
void gemm_q8_block(const GemmQ8& g, const uint8_t* w, int64_t i0, int rows, int64_t j0,
                   int64_t columns) {
  if constexpr (Mr > 1) {
    if (rows <= Mr / 2) {
      gemm_q8_block<Mr / 2>(g, w, i0, rows, j0, columns);
      return;
    }
  }
  if (columns <= kLanes) {
    gemm_q8_tile<Mr, 1>(g, w, i0, rows, j0, columns);
  } else {
    gemm_q8_tile<Mr, kGemmQ8Nv>(g, w, i0, rows, j0, columns);
  }
}

void gemm_q8(const GemmQ8& g) {
  constexpr int kMr = kGemmQ8Mr;
  constexpr int64_t kNr = kGemmQ8Nv * kLanes;
  const int64_t depth = g.taps * ((g.k + 3) / 4) * 4;
  const int64_t block = (8 + depth) * kNr;
  const int64_t together = rows_together(g.n * depth, depth, kMr);
  for (int64_t i0 = 0; i0 < g.m; i0 += together) {
    const int64_t end = i0 + together < g.m ? i0 + together : g.m;
    const auto* w = static_cast<const uint8_t*>(g.weights);
    for (int64_t j = 0; j < g.n; j += kNr, w += block) {
      const int64_t columns = g.n - j < kNr ? g.n - j : kNr;
      for (int64_t i = i0; i < end; i += kMr) {
        const int rows = end - i < kMr ? static_cast<int>(end - i) : kMr;
        gemm_q8_block<kMr>(g, w, i, rows, j, columns);
      }
    }
  }
}
