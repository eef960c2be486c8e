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

/// What turns powers into results: limits and zero point of int8, and what turns int8 into the
/// type.
struct Result {
  __m512 factor;
  __m512i zero_point, lo, hi, flip;
};

/// 64 results of p. A power is at most the sum, so that none is above 2^8 before rounding.
[[gnu::always_inline]] inline __m512i results(const Powers& p, const Result& r) {
  const __m512i zero = _mm512_setzero_si512();
  const auto rounded = [&](__m512i powers) {
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(powers), r.factor));
  };
  const auto words = [&](__m512i lower, __m512i upper) {
    const __m512i v = _mm512_packs_epi32(rounded(_mm512_unpacklo_epi16(lower, upper)),
                                         rounded(_mm512_unpackhi_epi16(lower, upper)));
    return _mm512_adds_epi16(v, r.zero_point);
  };
  const __m512i low =
      words(_mm512_unpacklo_epi8(p.plane[0], p.plane[1]), _mm512_unpacklo_epi8(p.plane[2], zero));
  const __m512i high =
      words(_mm512_unpackhi_epi8(p.plane[0], p.plane[1]), _mm512_unpackhi_epi8(p.plane[2], zero));
  const __m512i v = _mm512_packs_epi16(low, high);
  return _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(v, r.lo), r.hi), r.flip);
}

/// Two rows of n ≤ 32 elements, one in each half of a vector.
[[gnu::always_inline]] inline void two_short_rows(const PowerTable& table, Result r, float scale,
                                                  uint8_t flip, const uint8_t* in, int64_t n,
                                                  uint8_t* out) {
  const auto inside = static_cast<__mmask32>(first_bytes(n));
  const __mmask64 in_both = uint64_t{inside} << 32 | inside;
  const auto folded = [](__m512i v, auto combine) {
    v = combine(v, _mm512_shuffle_i64x2(v, v, 0xb1));
    return combine(v, _mm512_shuffle_epi32(v, static_cast<_MM_PERM_ENUM>(0x4e)));
  };
  const auto larger = [](__m512i a, __m512i b) { return _mm512_max_epu8(a, b); };
  __m512i x = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(inside, in)),
                                 _mm256_maskz_loadu_epi8(inside, in + n), 1);
  x = _mm512_maskz_mov_epi8(in_both,
                            _mm512_xor_si512(x, _mm512_set1_epi8(static_cast<char>(flip))));
  __m512i max = folded(x, larger);
  max = larger(max, _mm512_shuffle_epi32(max, static_cast<_MM_PERM_ENUM>(0xb1)));
  max = larger(max, _mm512_rol_epi32(max, 16));
  max = larger(max, _mm512_rol_epi32(max, 8));
  const Powers p = powers_of(table, _mm512_sub_epi8(max, x), in_both);
  const __m512i none = _mm512_setzero_si512();
  const __m512i low = _mm512_sad_epu8(p.plane[0], none);
  const __m512i middle = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[1], none), 8);
  const __m512i high = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[2], none), 16);
  // Below 32 · 2^24.
  const __m512i sum = folded(_mm512_add_epi64(low, _mm512_add_epi64(middle, high)),
                             [](__m512i a, __m512i b) { return _mm512_add_epi64(a, b); });
  const __m512 total =
      _mm512_cvtepi32_ps(_mm512_shuffle_epi32(sum, static_cast<_MM_PERM_ENUM>(0xa0)));
  r.factor = _mm512_div_ps(_mm512_set1_ps(scale), total);
  const __m512i y = results(p, r);
  _mm256_mask_storeu_epi8(out, inside, _mm512_castsi512_si256(y));
  _mm256_mask_storeu_epi8(out + n, inside, _mm512_extracti64x4_epi64(y, 1));
}

void softmax_q8(const SoftmaxQ8& g, const uint8_t* in, int64_t rows, int64_t n, uint8_t* out) {
  constexpr int64_t kKept = 8;  // vectors of a row whose powers are kept
  const PowerTable table = make_power_table(g.powers);
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(g.flip));
  const __m512i none = _mm512_setzero_si512();
  const int to_signed = g.flip != 0 ? 0 : -128;
  const auto bytes = [](int v) { return _mm512_set1_epi8(static_cast<char>(v)); };
  Result r;
  r.lo = bytes(g.lo + to_signed);
  r.hi = bytes(g.hi + to_signed);
  r.flip = bytes(to_signed);
  r.zero_point = _mm512_set1_epi16(static_cast<int16_t>(g.zero_point + to_signed));
  Powers kept[kKept];
  const auto part_at = [&](int64_t i, __mmask64& inside) {
    inside = first_bytes(n - i);
    return _mm512_maskz_mov_epi8(inside,
                                 _mm512_xor_si512(_mm512_maskz_loadu_epi8(inside, in + i), flip));
  };
  for (; n <= 32 && rows >= 2; rows -= 2, in += 2 * n, out += 2 * n)
    two_short_rows(table, r, g.out_inverse_scale, g.flip, in, n, out);
  for (; rows > 0; --rows, in += n, out += n) {
    __mmask64 inside;
    __m512i most = part_at(0, inside);
    for (int64_t i = 64; i < n; i += 64) most = _mm512_max_epu8(most, part_at(i, inside));
    const __m512i max = bytes(largest(most));
    __m512i sum = none;
    for (int64_t i = 0; i < n; i += 64) {
      const __m512i x = part_at(i, inside);
      const Powers p = powers_of(table, _mm512_sub_epi8(max, x), inside);
      if (i < 64 * kKept) kept[i / 64] = p;
      const __m512i low = _mm512_sad_epu8(p.plane[0], none);
      const __m512i middle = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[1], none), 8);
      const __m512i high = _mm512_slli_epi64(_mm512_sad_epu8(p.plane[2], none), 16);
      sum = _mm512_add_epi64(_mm512_add_epi64(sum, low), _mm512_add_epi64(middle, high));
    }
    const auto total = static_cast<uint64_t>(_mm512_reduce_add_epi64(sum));
    r.factor = _mm512_set1_ps(g.out_inverse_scale / static_cast<float>(total));
    for (int64_t i = 0; i < n; i += 64) {
      if (i < 64 * kKept) {
        _mm512_mask_storeu_epi8(out + i, first_bytes(n - i), results(kept[i / 64], r));
        continue;
      }
      const __m512i x = part_at(i, inside);
      const Powers p = powers_of(table, _mm512_sub_epi8(max, x), inside);
      _mm512_mask_storeu_epi8(out + i, inside, results(p, r));
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
