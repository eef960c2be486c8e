// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.h"

#include <cstring>

namespace cygnet {
namespace {

int64_t blocks_of(int64_t n, int nr) {
  return (n + nr - 1) / nr;
}

/// Writes bias and scale of one block; bytes behind them are left to the caller.
/// sum[j] is Σ (weight − weight_zero_point) of column j0 + j.
void write_head(const PackQ8& params, int64_t j0, int64_t columns, int nr, const int64_t* sum,
                uint8_t* out) {
  for (int j = 0; j < nr; ++j) {
    int32_t bias = 0;
    float scale = 0;
    if (j < columns) {
      const int64_t start = params.bias != nullptr ? params.bias[j0 + j] : 0;
      // Reduced modulo 2^32: the kernel's accumulator returns into range with the products added.
      const uint64_t folded =
          static_cast<uint64_t>(start) -
          static_cast<uint64_t>(params.input_zero_point) * static_cast<uint64_t>(sum[j]);
      bias = static_cast<int32_t>(static_cast<uint32_t>(folded));
      if (params.scale != nullptr) scale = params.scale[(j0 + j) * params.scale_stride];
    }
    std::memcpy(out + 4 * j, &bias, 4);
    std::memcpy(out + 4 * (nr + j), &scale, 4);
  }
}

int8_t weight_at(const uint8_t* w, int64_t at, uint8_t flip) {
  return static_cast<int8_t>(w[at] ^ flip);
}

constexpr int kMaxNr = 128;

}  // namespace

size_t gemm_f32_block_bytes(int64_t taps, int64_t k, int nr) {
  return static_cast<size_t>((1 + taps * k) * nr) * sizeof(float);
}

size_t gemm_f32_packed_bytes(int64_t n, int64_t taps, int64_t k, int nr) {
  return static_cast<size_t>(blocks_of(n, nr)) * gemm_f32_block_bytes(taps, k, nr);
}

size_t gemm_q8_block_bytes(int64_t taps, int64_t k, int nr) {
  return static_cast<size_t>((2 + taps * ((k + 3) / 4)) * nr) * 4;
}

size_t gemm_q8_packed_bytes(int64_t n, int64_t taps, int64_t k, int nr) {
  return static_cast<size_t>(blocks_of(n, nr)) * gemm_q8_block_bytes(taps, k, nr);
}

size_t depthwise_f32_packed_bytes(int64_t c, int64_t taps, int nr) {
  return static_cast<size_t>(blocks_of(c, nr) * (1 + taps) * nr) * sizeof(float);
}

size_t depthwise_q8_packed_bytes(int64_t c, int64_t taps, int nr) {
  return static_cast<size_t>(blocks_of(c, nr) * (2 + (taps + 3) / 4) * nr) * 4;
}

void pack_gemm_f32(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                   int64_t taps, int64_t k, int nr, float* out) {
  for (int64_t j0 = 0; j0 < n; j0 += nr) {
    const int64_t columns = n - j0 < nr ? n - j0 : nr;
    for (int j = 0; j < nr; ++j) *out++ = (bias != nullptr && j < columns) ? bias[j0 + j] : 0.0f;
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t i = 0; i < k; ++i) {
        const float* from =
            w + j0 * strides.n_stride + t * strides.tap_stride + i * strides.k_stride;
        for (int j = 0; j < nr; ++j) *out++ = j < columns ? from[j * strides.n_stride] : 0.0f;
      }
    }
  }
}

void pack_gemm_q8(const void* w, const WeightStrides& strides, const PackQ8& params, int64_t n,
                  int64_t taps, int64_t k, int nr, void* out) {
  const auto* from = static_cast<const uint8_t*>(w);
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t j0 = 0; j0 < n; j0 += nr) {
    const int64_t columns = n - j0 < nr ? n - j0 : nr;
    uint8_t* head = to;
    to += 8 * nr;
    int64_t sum[kMaxNr] = {};
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t i0 = 0; i0 < k; i0 += 4) {
        for (int j = 0; j < nr; ++j) {
          for (int64_t i = i0; i < i0 + 4; ++i) {
            int8_t value = 0;
            if (j < columns && i < k) {
              const int64_t at =
                  (j0 + j) * strides.n_stride + t * strides.tap_stride + i * strides.k_stride;
              value = weight_at(from, at, params.weight_flip);
              sum[j] += value - params.weight_zero_point;
            }
            *to++ = static_cast<uint8_t>(value);
          }
        }
      }
    }
    write_head(params, j0, columns, nr, sum, head);
  }
}

void pack_depthwise_f32(const float* w, const float* bias, int64_t c, int64_t taps, int nr,
                        float* out) {
  for (int64_t c0 = 0; c0 < c; c0 += nr) {
    const int64_t channels = c - c0 < nr ? c - c0 : nr;
    for (int j = 0; j < nr; ++j) *out++ = (bias != nullptr && j < channels) ? bias[c0 + j] : 0.0f;
    for (int64_t t = 0; t < taps; ++t) {
      for (int j = 0; j < nr; ++j) *out++ = j < channels ? w[t * c + c0 + j] : 0.0f;
    }
  }
}

void pack_depthwise_q8(const void* w, const PackQ8& params, int64_t c, int64_t taps, int nr,
                       void* out) {
  const auto* from = static_cast<const uint8_t*>(w);
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t c0 = 0; c0 < c; c0 += nr) {
    const int64_t channels = c - c0 < nr ? c - c0 : nr;
    uint8_t* head = to;
    to += 8 * nr;
    int64_t sum[kMaxNr] = {};
    for (int64_t t0 = 0; t0 < taps; t0 += 4) {
      for (int j = 0; j < nr; ++j) {
        for (int64_t t = t0; t < t0 + 4; ++t) {
          int8_t value = 0;
          if (j < channels && t < taps) {
            value = weight_at(from, t * c + c0 + j, params.weight_flip);
            sum[j] += value - params.weight_zero_point;
          }
          *to++ = static_cast<uint8_t>(value);
        }
      }
    }
    write_head(params, c0, channels, nr, sum, head);
  }
}

}  // namespace cygnet
