// SPDX-License-Identifier: Apache-2.0
// The right side of a product in the form that gemm_f32 and gemm_q8 read, made while running; see
// pack.h for the layouts. Needs gemm_q8.inl.

/// a[0], b[0], a[1], b[1], … from the first halves resp. the second halves of two vectors.
template <class V>
[[gnu::always_inline]] inline V interleave_first(V a, V b) {
  if constexpr (sizeof(V) == 16) {
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
  } else if constexpr (sizeof(V) == 32) {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  } else {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }
}
template <class V>
[[gnu::always_inline]] inline V interleave_second(V a, V b) {
  if constexpr (sizeof(V) == 16) {
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
  } else if constexpr (sizeof(V) == 32) {
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  } else {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
  }
}

/// Exchanges rows and columns of a square of kLanes × kLanes. Each stage interleaves row i with row
/// i + kLanes / 2: the number of a row gives its highest bit to the number of the lane.
[[gnu::always_inline]] inline void transpose_square(I (&v)[kLanes]) {
  constexpr int kHalf = kLanes / 2;
  for (int stage = 1; stage < kLanes; stage *= 2) {
    I t[kLanes];
    for (int i = 0; i < kHalf; ++i) {
      t[2 * i] = interleave_first(v[i], v[i + kHalf]);
      t[2 * i + 1] = interleave_second(v[i], v[i + kHalf]);
    }
    for (int i = 0; i < kLanes; ++i) v[i] = t[i];
  }
}

/// `columns` ≤ kLanes columns of k words as k rows of kLanes words, those behind the last column
/// zero. load_words(c, i): column c's words from i on; store_row(i, row) takes row i.
template <class Load, class Store>
[[gnu::always_inline]] inline void transpose_columns(int64_t columns, int64_t k, Load load_words,
                                                     Store store_row) {
  for (int64_t i = 0; i < k; i += kLanes) {
    I v[kLanes];
    for (int c = 0; c < kLanes; ++c) v[c] = c < columns ? load_words(c, i) : I{};
    transpose_square(v);
    for (int d = 0; d < kLanes; ++d) {
      if (i + d >= k) break;
      store_row(i + d, v[d]);
    }
  }
}

/// One vector's width of columns: `columns` ≤ kLanes, rows kNr floats apart.
inline void pack_vector_f32(const float* w, const WeightStrides& strides, int64_t columns,
                            int64_t k, float* out) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  if (strides.n_stride == 1) {
    for (int64_t i = 0; i < k; ++i, w += strides.k_stride, out += kNr) {
      store(out, columns == kLanes ? load(w) : load_n(w, columns));
    }
  } else if (strides.k_stride == 1) {
    transpose_columns(
        columns, k,
        [&](int c, int64_t i) {
          const float* from = w + c * strides.n_stride + i;
          return reinterpret_cast<I>(k - i >= kLanes ? load(from) : load_n(from, k - i));
        },
        [&](int64_t i, I row) { store_i(out + i * kNr, row); });
  } else {
    for (int64_t i = 0; i < k; ++i, out += kNr) {
      for (int64_t c = 0; c < kLanes; ++c) {
        out[c] = c < columns ? w[c * strides.n_stride + i * strides.k_stride] : 0.0f;
      }
    }
  }
}

void pack_columns_f32(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                      int64_t k, float* out) {
  constexpr int64_t kNr = kGemmF32Nv * kLanes;
  for (int64_t j0 = 0; j0 < n; j0 += kNr, out += (1 + k) * kNr) {
    for (int64_t j = 0; j < kNr; j += kLanes) {
      const int64_t left = n - j0 - j;
      const int64_t columns = left < 0 ? 0 : (left < kLanes ? left : kLanes);
      store(out + j, bias == nullptr ? F{} : load_n(bias + j0 + j, columns));
      pack_vector_f32(w + (columns == 0 ? 0 : (j0 + j) * strides.n_stride), strides, columns, k,
                      out + kNr + j);
    }
  }
}

/// Words of four depths of one vector's width of 8-bit columns, with their sums.
struct PackVectorQ8 {
  const uint8_t* w;
  WeightStrides strides;
  int64_t columns;
  int64_t k;
  I flip;   ///< of weights, four times
  I valid;  ///< −1 in lanes that have a column
  I sum;
  uint8_t* out;

  static constexpr int64_t kRow = int64_t{4} * kGemmQ8Nv * kLanes;

  [[gnu::always_inline]] inline void add(int64_t group, I words) {
    words = (words ^ flip) & valid;
    sum = dot4(sum, dot_a(set_i(0x01010101)), dot_w(words));
    store_i(out + group * kRow, words);
  }
};

/// Four rows of kLanes bytes; rows past the last one are those of `zero`, which become 0.
[[gnu::always_inline]] inline void pack_rows_q8(PackVectorQ8& p, uint8_t flip) {
  uint8_t zero[kLanes];
  for (int c = 0; c < kLanes; ++c) zero[c] = flip;
  for (int64_t i = 0; i < p.k; i += 4) {
    const uint8_t* row[4];
    for (int r = 0; r < 4; ++r) row[r] = i + r < p.k ? p.w + (i + r) * p.strides.k_stride : zero;
    p.add(i / 4, p.columns == kLanes ? interleave4(row[0], row[1], row[2], row[3])
                                     : interleave4_n(row[0], row[1], row[2], row[3], p.columns));
  }
}

/// Columns of contiguous depths: transposed by words of four.
[[gnu::always_inline]] inline void pack_depths_q8(PackVectorQ8& p, uint8_t flip) {
  transpose_columns(
      p.columns, (p.k + 3) / 4,
      [&](int c, int64_t i) {
        const uint8_t* from = p.w + c * p.strides.n_stride + 4 * i;
        const int64_t left = p.k - 4 * i;
        if (left >= kVecBytes) return load_i(from);
        uint8_t bytes[kVecBytes];
        for (int d = 0; d < kVecBytes; ++d) bytes[d] = d < left ? from[d] : flip;
        return load_i(bytes);
      },
      [&](int64_t i, I words) { p.add(i, words); });
}

inline void pack_scattered_q8(PackVectorQ8& p, uint8_t flip) {
  for (int64_t i = 0; i < p.k; i += 4) {
    uint8_t bytes[kVecBytes];
    for (int64_t d = 0; d < kVecBytes; ++d) {
      const int64_t at = i + d % 4;
      bytes[d] = d / 4 < p.columns && at < p.k
                     ? p.w[d / 4 * p.strides.n_stride + at * p.strides.k_stride]
                     : flip;
    }
    p.add(i / 4, load_i(bytes));
  }
}

[[gnu::always_inline]] inline void pack_vector_q8(PackVectorQ8& p, uint8_t flip) {
  if (p.strides.n_stride == 1) return pack_rows_q8(p, flip);
  if (p.strides.k_stride == 1) return pack_depths_q8(p, flip);
  pack_scattered_q8(p, flip);
}

void pack_columns_q8(const void* w, const WeightStrides& strides, const PackQ8& params, int64_t n,
                     int64_t k, void* out) {
  constexpr int64_t kNr = kGemmQ8Nv * kLanes;
  auto* to = static_cast<uint8_t*>(out);
  const int64_t block = (8 + (k + 3) / 4 * 4) * kNr;
  I lane;
  for (int c = 0; c < kLanes; ++c) lane[c] = c;
  const uint32_t zeros = static_cast<uint32_t>(params.weight_zero_point) * static_cast<uint32_t>(k);
  for (int64_t j0 = 0; j0 < n; j0 += kNr, to += block) {
    for (int64_t j = 0; j < kNr; j += kLanes) {
      const int64_t left = n - j0 - j;
      const int64_t columns = left < 0 ? 0 : (left < kLanes ? left : kLanes);
      PackVectorQ8 p = {
          .w = static_cast<const uint8_t*>(w) + (columns == 0 ? 0 : (j0 + j) * strides.n_stride),
          .strides = strides,
          .columns = columns,
          .k = k,
          .flip = set_i(static_cast<int32_t>(params.weight_flip * 0x01010101u)),
          .valid = lane < set_i(static_cast<int32_t>(columns)),
          .sum = {},
          .out = to + 8 * kNr + 4 * j};
      pack_vector_q8(p, params.weight_flip);
      I bias = {};
      F scale = {};
      if (params.bias != nullptr) bias = load_n_i(params.bias + j0 + j, columns);
      if (params.scale != nullptr) {
        scale = params.scale_stride == 0 ? set(params.scale[0])
                                         : load_n(params.scale + j0 + j, columns);
      }
      const I weights = wrapping_add(p.sum, set_i(static_cast<int32_t>(0u - zeros)));
      bias = wrapping_add(bias, wrapping_mul(weights, set_i(-params.input_zero_point)));
      store_i(to + 4 * j, bias & p.valid);
      store_i(to + 4 * (kNr + j), reinterpret_cast<I>(scale) & p.valid);
    }
  }
}
