// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tiers.h"

namespace cygnet::isa_scalar {
namespace {
#include "kernels/simd/scalar.h"
//
#include "kernels/finish_q8.inl"
//
#include "kernels/all.inl"
}  // namespace

void fill(KernelTable& t) {
  fill_all(t);
}

}  // namespace cygnet::isa_scalar
