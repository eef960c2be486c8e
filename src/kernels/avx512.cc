// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet::isa_avx512 {
namespace {
constexpr bool kVnni = false;
#include "kernels/simd/avx512.h"
//
#include "kernels/simd/x86_dot.inl"
//
#include "kernels/finish_q8_avx512.inl"
//
#include "kernels/all.inl"
//
#include "kernels/lut.inl"
}  // namespace

void fill(KernelTable& t) {
  fill_all(t);
  t.lut_q8 = lut_by_parts;
}

}  // namespace cygnet::isa_avx512
