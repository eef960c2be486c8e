// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstring>

#include "kernels/pack.h"

namespace cygnet {
namespace {

constexpr int64_t kDepths = 32;  // of a tile
constexpr int64_t kTileBytes = 1024;

int64_t groups_of(int64_t taps, int64_t k) {
  return taps * ((k + kDepths - 1) / kDepths);
}

// The upper half of a float, a bfloat16.
uint16_t upper_half(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}
float from_upper_half(uint16_t half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// The nearest bfloat16, towards zero where that would be an infinity.
uint16_t nearest(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits += 0x7fffu + (bits >> 16 & 1u);
  const auto half = static_cast<uint16_t>(bits >> 16);
  return std::isfinite(x) && std::isfinite(from_upper_half(half)) ? half : upper_half(x);
}

}  // namespace

size_t gemm_split_packed_bytes(int64_t n, int64_t taps, int64_t k) {
  const int64_t blocks = (n + kSplitColumns - 1) / kSplitColumns,
                block = kSplitColumns * 4 + groups_of(taps, k) * 6 * kTileBytes;
  return static_cast<size_t>(blocks * block);
}

size_t split_scratch_bytes(int64_t rows, int64_t taps, int64_t k) {
  return static_cast<size_t>((rows + 31) / 32 * groups_of(taps, k) * 6 * kTileBytes);
}

void pack_gemm_split(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                     int64_t taps, int64_t k, void* out) {
  const int64_t tap_groups = groups_of(1, k),
                block = kSplitColumns * 4 + taps * tap_groups * 6 * kTileBytes;
  std::memset(out, 0, gemm_split_packed_bytes(n, taps, k));
  for (int64_t j = 0; j < n; ++j) {
    const int64_t column = j % kSplitColumns;
    uint8_t* to = static_cast<uint8_t*>(out) + j / kSplitColumns * block;
    if (bias != nullptr) std::memcpy(to + column * 4, bias + j, 4);
    to += kSplitColumns * 4 + column / 16 * kTileBytes + column % 16 * 4;
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t d = 0; d < k; ++d) {
        float left = w[j * strides.n_stride + t * strides.tap_stride + d * strides.k_stride];
        uint8_t* place = to + (t * tap_groups + d / kDepths) * 6 * kTileBytes + d % 16 * 64 +
                         d % kDepths / 16 * 2;
        for (int64_t part = 2; part >= 0; --part) {
          const uint16_t half = nearest(left);
          std::memcpy(place + part * 2 * kTileBytes, &half, sizeof half);
          left -= from_upper_half(half);
        }
      }
  }
}

}  // namespace cygnet
