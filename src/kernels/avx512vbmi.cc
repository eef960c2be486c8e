// SPDX-License-Identifier: Apache-2.0
// What VBMI's byte permutations make faster; everything else is the tier below.
#include <immintrin.h>

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet::isa_avx512vbmi {
namespace {

/// The table in four registers.
struct Table {
  __m512i part[4];
};

/// table[x] of 64 bytes: one permutation answers for x < 128, one for the others.
[[gnu::always_inline]] inline __m512i look_up(const Table& t, __m512i x) {
  const __m512i low = _mm512_permutex2var_epi8(t.part[0], x, t.part[1]);
  const __m512i high = _mm512_permutex2var_epi8(t.part[2], x, t.part[3]);
  return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(x), high);
}

[[gnu::always_inline]] inline Table make_table(const uint8_t* bytes) {
  Table t;
  for (int i = 0; i < 4; ++i) t.part[i] = _mm512_loadu_si512(bytes + 64 * i);
  return t;
}

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  const Table t = make_table(table);
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    _mm512_storeu_si512(out + i, look_up(t, _mm512_loadu_si512(in + i)));
  }
  if (i < n) {
    const __mmask64 rest = (uint64_t{1} << (n - i)) - 1;
    _mm512_mask_storeu_epi8(out + i, rest, look_up(t, _mm512_maskz_loadu_epi8(rest, in + i)));
  }
}

// ---- softmax

/// The three lower bytes of 256 numbers below 2^24.
struct PowerTable {
  Table plane[3];
};

PowerTable make_power_table(const uint32_t* powers) {
  alignas(64) uint8_t planes[3][256];
  for (int i = 0; i < 256; i += 16) {
    __m512i v = _mm512_loadu_si512(powers + i);
    for (auto& plane : planes) {
      _mm_store_si128(reinterpret_cast<__m128i*>(plane + i), _mm512_cvtepi32_epi8(v));
      v = _mm512_srli_epi32(v, 8);
    }
  }
  PowerTable t;
  for (int p = 0; p < 3; ++p) {
    for (int i = 0; i < 4; ++i) t.plane[p].part[i] = _mm512_load_si512(planes[p] + 64 * i);
  }
  return t;
}

[[gnu::always_inline]] inline __mmask64 first_bytes(int64_t n) {
  return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
}

/// The largest of 64 bytes.
[[gnu::always_inline]] inline int32_t largest(__m512i v) {
  __m256i half = _mm256_max_epu8(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
  __m128i x = _mm_max_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  x = _mm_xor_si128(x, _mm_set1_epi8(-1));
  x = _mm_min_epu8(x, _mm_srli_epi16(x, 8));
  return 255 - (_mm_cvtsi128_si32(_mm_minpos_epu16(x)) & 255);
}

/// The powers of up to 64 elements, by planes; none for elements beyond.
struct Powers {
  __m512i plane[3];
};

[[gnu::always_inline]] inline Powers powers_of(const PowerTable& t, __m512i distance,
                                               __mmask64 inside) {
  Powers p;
  for (int i = 0; i < 3; ++i) {
    p.plane[i] = _mm512_maskz_mov_epi8(inside, look_up(t.plane[i], distance));
  }
  return p;
}

/// Sixteen elements of `part` (0 … 3) as floats.
template <int part>
[[gnu::always_inline]] inline __m512 power_floats(const Powers& p) {
  const __m512i low = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(p.plane[0], part));
  const __m512i middle = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(p.plane[1], part));
  const __m512i high = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(p.plane[2], part));
  const __m512i v = _mm512_or_si512(
      low, _mm512_or_si512(_mm512_slli_epi32(middle, 8), _mm512_slli_epi32(high, 16)));
  return _mm512_cvtepi32_ps(v);
}

/// Limits and zero point of a result, as in requantize.inl.
struct Result {
  __m512 lo, hi, factor;
  __m512i zero_point;
};

template <int part>
[[gnu::always_inline]] inline void store_results(const Powers& p, const Result& r, int64_t n,
                                                 uint8_t* out) {
  if (n <= 16 * part) return;
  __m512 v = _mm512_mul_ps(power_floats<part>(p), r.factor);
  v = _mm512_min_ps(_mm512_max_ps(v, r.lo), r.hi);
  const __m512i q = _mm512_add_epi32(
      _mm512_castps_si512(_mm512_add_ps(v, _mm512_set1_ps(12582912.0f))), r.zero_point);
  const auto inside = static_cast<__mmask16>(first_bytes(n - 16 * part));
  _mm_mask_storeu_epi8(out + 16 * part, inside, _mm512_cvtepi32_epi8(q));
}

void softmax_q8(const SoftmaxQ8& g, const uint8_t* in, int64_t rows, int64_t n, uint8_t* out) {
  const PowerTable table = make_power_table(g.powers);
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(g.flip));
  const __m512i none = _mm512_setzero_si512();
  Result r;
  r.lo = _mm512_set1_ps(static_cast<float>(g.lo - g.zero_point));
  r.hi = _mm512_set1_ps(static_cast<float>(g.hi - g.zero_point));
  r.zero_point = _mm512_set1_epi32(g.zero_point - 0x4b400000);
  const auto part_at = [&](int64_t i, __mmask64& inside) {
    inside = first_bytes(n - i);
    return _mm512_maskz_mov_epi8(inside,
                                 _mm512_xor_si512(_mm512_maskz_loadu_epi8(inside, in + i), flip));
  };
  for (; rows > 0; --rows, in += n, out += n) {
    __mmask64 inside;
    __m512i most = part_at(0, inside);
    for (int64_t i = 64; i < n; i += 64) most = _mm512_max_epu8(most, part_at(i, inside));
    const __m512i max = _mm512_set1_epi8(static_cast<char>(largest(most)));
    __m512i sum = none;
    for (int64_t i = 0; i < n; i += 64) {
      const __m512i x = part_at(i, inside);
      const Powers p = powers_of(table, _mm512_sub_epi8(max, x), inside);
      const __m512i low = _mm512_sad_epu8(p.plane[0], none);
      const __m512i middle = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[1], none), 8);
      const __m512i high = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[2], none), 16);
      sum = _mm512_add_epi64(_mm512_add_epi64(sum, low), _mm512_add_epi64(middle, high));
    }
    const auto total = static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
    r.factor = _mm512_set1_ps(g.out_inverse_scale / static_cast<float>(total));
    for (int64_t i = 0; i < n; i += 64) {
      const __m512i x = part_at(i, inside);
      const Powers p = powers_of(table, _mm512_sub_epi8(max, x), inside);
      store_results<0>(p, r, n - i, out + i);
      store_results<1>(p, r, n - i, out + i);
      store_results<2>(p, r, n - i, out + i);
      store_results<3>(p, r, n - i, out + i);
    }
  }
}

/// One byte of each pair of a table of 256 pairs.
Table every_second(const uint8_t* pairs, int first) {
  uint8_t bytes[256];
  for (int i = 0; i < 256; ++i) bytes[i] = pairs[2 * i + first];
  return make_table(bytes);
}

void softmax_pairs_q8(const uint8_t* in, int64_t rows, const uint8_t* table, uint8_t flip,
                      uint8_t* out) {
  const Table large = every_second(table + 2 * 255, 0);
  const Table small = every_second(table + 2 * 255, 1);
  const __m512i bias = _mm512_set1_epi8(static_cast<char>(flip));
  for (int64_t i = 0; i < 2 * rows; i += 64) {
    const __mmask64 inside = first_bytes(2 * rows - i);
    const __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi8(inside, in + i), bias);
    const __m512i other = _mm512_or_si512(_mm512_srli_epi16(x, 8), _mm512_slli_epi16(x, 8));
    const __m512i distance = _mm512_sub_epi8(_mm512_max_epu8(x, other), _mm512_min_epu8(x, other));
    const __mmask64 lower = _mm512_cmplt_epu8_mask(x, other);
    const __m512i y =
        _mm512_mask_mov_epi8(look_up(large, distance), lower, look_up(small, distance));
    _mm512_mask_storeu_epi8(out + i, inside, y);
  }
}

}  // namespace

void fill(KernelTable& t) {
  t.lut_q8 = lut_q8;
  t.softmax_q8 = softmax_q8;
  t.softmax_pairs_q8 = softmax_pairs_q8;
}

}  // namespace cygnet::isa_avx512vbmi
