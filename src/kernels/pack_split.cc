// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.h"

namespace cygnet {
namespace {

// Bytes of the parts of 32 depths of 32 columns or rows.
constexpr int64_t kGroupBytes = 3 * 2 * 1024;

int64_t groups_of(int64_t taps, int64_t k) {
  return taps * ((k + 31) / 32);
}

}  // namespace

size_t gemm_split_packed_bytes(int64_t n, int64_t taps, int64_t k) {
  const int64_t blocks = (n + kSplitColumns - 1) / kSplitColumns;
  return static_cast<size_t>(blocks * (kSplitColumns * 4 + groups_of(taps, k) * kGroupBytes));
}

size_t split_scratch_bytes(int64_t rows, int64_t taps, int64_t k) {
  return static_cast<size_t>((rows + 31) / 32 * groups_of(taps, k) * kGroupBytes);
}

}  // namespace cygnet
