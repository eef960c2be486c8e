// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet::isa_neon {
namespace {
#include "kernels/simd/neon.h"
//
#include "kernels/simd/neon_dot.inl"
//
#include "kernels/finish_q8.inl"
//
#include "kernels/all.inl"
//
#include "kernels/simd/neon_lut.inl"
}  // namespace

void fill(KernelTable& t) {
  fill_all(t);
  t.lut_q8 = lut_by_quarters;
}

}  // namespace cygnet::isa_neon
