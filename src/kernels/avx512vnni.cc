// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

// All but the 8-bit products are the tier below's.
#pragma GCC diagnostic ignored "-Wunused-function"

namespace cygnet::isa_avx512vnni {
namespace {
constexpr bool kVnni = true;
#include "kernels/simd/avx512.h"
//
#include "kernels/simd/vnni_dot.inl"
//
#include "kernels/finish_q8_avx512.inl"
//
#include "kernels/all.inl"
}  // namespace

void fill(KernelTable& t) {
  fill_q8_products(t);
}

}  // namespace cygnet::isa_avx512vnni
