// SPDX-License-Identifier: Apache-2.0
// Matrix products by tiles; everything else is the tier below.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "kernels/tiers.h"

namespace cygnet::isa_amx {
namespace {
constexpr bool kVnni = true;
#include "kernels/simd/avx512.h"
//
#include "kernels/finish_q8_avx512.inl"
#include "kernels/rows.inl"
//
#include "kernels/tiles_amx.inl"
//
#include "kernels/gemm_amx.inl"
//
#include "kernels/gemm_split.inl"
}  // namespace

void fill(KernelTable& t) {
  gemm_q8_lower = t.gemm_q8;
  t.gemm_q8 = gemm_q8_amx;
  t.gemm_q8_mr = 2 * kTileRows;
  t.gather_q8_bytes = gather_q8_bytes;
  t.conv_q8 = conv_q8_amx;
  t.gemm_split = gemm_split;
  t.pack_split = pack_split;
}

}  // namespace cygnet::isa_amx
