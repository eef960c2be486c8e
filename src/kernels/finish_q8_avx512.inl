// SPDX-License-Identifier: Apache-2.0
// From int32 sums to stored results, 64 at a time; see GemmQ8. Needs simd/avx512.h.

#include "kernels/finish_q8_common.inl"

/// Parameters of the results in the signed domain of 8 bits.
struct Narrowing {
  F most;             ///< limits before rounding, so that every sum converts
  __m512i zero;       ///< int16 lanes
  __m512i low, high;  ///< int8 lanes
  __m512i flip;       ///< to the domain of the type
  bool bounded;       ///< low, high or flip change anything
};

[[gnu::always_inline]] inline Narrowing make_narrowing(const GemmQ8& g) {
  const int32_t shift = g.hi > 127 ? 128 : 0;
  return {set(static_cast<float>(g.hi - g.zero_point)),
          _mm512_set1_epi16(static_cast<int16_t>(g.zero_point - shift)),
          _mm512_set1_epi8(static_cast<char>(g.lo - shift)),
          _mm512_set1_epi8(static_cast<char>(g.hi - shift)),
          _mm512_set1_epi8(static_cast<char>(shift)),
          g.lo > -128 || g.hi < 127 || shift != 0};
}

/// rint(min(float(sum) · scale, most)), any other number below −2^31 for those below it. Without
/// Limited no product reaches 2^31.
template <bool Limited>
[[gnu::always_inline]] inline __m512i scaled(I sum, F scale, F most) {
  const F v = to_float(sum) * scale;
  return _mm512_cvtps_epi32(Limited ? minimum(v, most) : v);
}

/// Four vectors of sums as 64 bytes, one after the other. Saturation keeps order, so what the
/// limits make of the result is the same as without it.
template <bool Limited>
[[gnu::always_inline]] inline __m512i narrowed(const I* v, const F* scale, const Narrowing& q) {
  const __m512i first = _mm512_packs_epi32(scaled<Limited>(v[0], scale[0], q.most),
                                           scaled<Limited>(v[1], scale[1], q.most));
  const __m512i second = _mm512_packs_epi32(scaled<Limited>(v[2], scale[2], q.most),
                                            scaled<Limited>(v[3], scale[3], q.most));
  __m512i bytes =
      _mm512_packs_epi16(_mm512_adds_epi16(first, q.zero), _mm512_adds_epi16(second, q.zero));
  if (q.bounded) {
    bytes = _mm512_min_epi8(_mm512_max_epi8(bytes, q.low), q.high);
    bytes = _mm512_xor_si512(bytes, q.flip);
  }
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, bytes);
}

/// Stores a row's bytes, Nv · 16 of them or fewer.
template <int Nv>
[[gnu::always_inline]] inline void store_row(uint8_t* out, __m512i bytes, int part,
                                             __mmask32 columns) {
  if constexpr (Nv == 2) {
    _mm256_mask_storeu_epi8(
        out, columns,
        part == 0 ? _mm512_castsi512_si256(bytes) : _mm512_extracti64x4_epi64(bytes, 1));
  } else {
    const __m128i row = part == 0   ? _mm512_castsi512_si128(bytes)
                        : part == 1 ? _mm512_extracti32x4_epi32(bytes, 1)
                        : part == 2 ? _mm512_extracti32x4_epi32(bytes, 2)
                                    : _mm512_extracti32x4_epi32(bytes, 3);
    _mm_mask_storeu_epi8(out, static_cast<__mmask16>(columns), row);
  }
}

template <int Nv, bool Limited>
[[gnu::always_inline]] inline void finish_bytes(const FinishQ8& f, const Narrowing q) {
  constexpr int kRows = 4 / Nv;  // together
  F scale[4];
  I bias[4];
  repeat<4>([&](int e) __attribute__((always_inline)) {
    __builtin_memcpy(&scale[e], f.scales + e % Nv * kVecBytes, sizeof scale[e]);
    bias[e] = f.bias != nullptr ? load_i(f.bias + e % Nv * kVecBytes) : I{};
  });
  const auto columns =
      static_cast<__mmask32>(f.columns >= 32 ? ~__mmask32{0} : (__mmask32{1} << f.columns) - 1);
  const bool whole = f.columns >= 32;
  const int64_t stride = f.g->out_stride;
  uint8_t* out = static_cast<uint8_t*>(f.g->out) + f.i0 * stride + f.j0;
  const I* sums = f.sums;
  const int32_t* corrections = f.corrections;
  for (int left = f.rows; left > 0; left -= kRows, sums += 4, out += kRows * stride) {
    I v[4];
    repeat<4>([&](int e) __attribute__((always_inline)) { v[e] = wrapping_add(sums[e], bias[e]); });
    if (corrections != nullptr) {
      repeat<4>([&](int e) __attribute__((always_inline)) {
        v[e] = wrapping_add(v[e], set_i(e / Nv < left ? corrections[e / Nv] : 0));
      });
      corrections += kRows;
    }
    const __m512i bytes = narrowed<Limited>(v, scale, q);
    if (Nv == 2 && whole && left > 1) {
      _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(out), _mm512_castsi512_si256(bytes));
      _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(out + stride),
                          _mm512_extracti64x4_epi64(bytes, 1));
      continue;
    }
    store_row<Nv>(out, bytes, 0, columns);
    if (left > 1) store_row<Nv>(out + stride, bytes, 1, columns);
    if constexpr (Nv == 1) {
      if (left > 2) store_row<Nv>(out + 2 * stride, bytes, 2, columns);
      if (left > 3) store_row<Nv>(out + 3 * stride, bytes, 3, columns);
    }
  }
}

/// Whether a product of sums and scales may reach 2^31.
template <int Nv>
[[gnu::always_inline]] inline bool is_limited(const uint8_t* scales) {
  F largest = set(0.0f);
  repeat<Nv>([&](int j) __attribute__((always_inline)) {
    F scale;
    __builtin_memcpy(&scale, scales + j * kVecBytes, sizeof scale);
    largest = maximum(largest, scale);
  });
  return _mm512_cmp_ps_mask(largest, set(0.5f), _CMP_GT_OQ) != 0;
}

/// Finishes and stores `rows` rows of Nv (1 or 2) vectors of sums.
template <int Nv>
[[gnu::noinline]] void finish_q8(const FinishQ8& f) {
  if (f.g->store == StoreQ8::s32) return finish_words<Nv>(f);
  if (f.g->store == StoreQ8::f32) return finish_floats<Nv>(f);
  const Narrowing q = make_narrowing(*f.g);
  if (is_limited<Nv>(f.scales)) return finish_bytes<Nv, true>(f, q);
  finish_bytes<Nv, false>(f, q);
}
