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

void lut_q8(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out) {
  Table t;
  for (int i = 0; i < 4; ++i) t.part[i] = _mm512_loadu_si512(table + 64 * i);
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    _mm512_storeu_si512(out + i, look_up(t, _mm512_loadu_si512(in + i)));
  }
  if (i < n) {
    const __mmask64 rest = (uint64_t{1} << (n - i)) - 1;
    _mm512_mask_storeu_epi8(out + i, rest, look_up(t, _mm512_maskz_loadu_epi8(rest, in + i)));
  }
}

}  // namespace

void fill(KernelTable& t) {
  t.lut_q8 = lut_q8;
}

}  // namespace cygnet::isa_avx512vbmi
