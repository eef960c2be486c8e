// SPDX-License-Identifier: Apache-2.0
#include <wasm_simd128.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet::isa_wasm_simd128 {
namespace {
#include "kernels/simd/wasm.h"
//
#include "kernels/finish_q8.inl"
//
#include "kernels/all.inl"
//
#include "kernels/simd/wasm_lut.inl"
}  // namespace

void fill(KernelTable& t) {
  fill_all(t);
  t.lut_q8 = lut_by_parts;
}

}  // namespace cygnet::isa_wasm_simd128
