// SPDX-License-Identifier: Apache-2.0
#include "kernels/pack.h"

#include <cstring>

namespace cygnet {
namespace {

#include "kernels/depthwise_blocks.inl"

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

// Elements of a column that are packed before those of the next: a line of the cache of each.
constexpr int64_t kRun = 16;

// out[i][j] = w[j·n_stride + i·k_stride] for i < k, j < nr; 0 from column `columns` on.
void pack_columns(const float* w, int64_t n_stride, int64_t k_stride, int64_t columns, int64_t k,
                  int nr, float* out) {
  for (int64_t i0 = 0; i0 < k; i0 += kRun) {
    const int64_t end = k - i0 < kRun ? k : i0 + kRun;
    for (int64_t j = 0; j < columns; ++j) {
      const float* from = w + j * n_stride;
      for (int64_t i = i0; i < end; ++i) out[i * nr + j] = from[i * k_stride];
    }
    for (int64_t i = i0; i < end; ++i)
      for (int64_t j = columns; j < nr; ++j) out[i * nr + j] = 0.0f;
  }
}

// The same by groups of 4 elements: out[i / 4][j][i % 4]. Adds Σ out[..][j][..] to sum[j].
void pack_columns_q8(const uint8_t* w, int64_t n_stride, int64_t k_stride, uint8_t flip,
                     int64_t columns, int64_t k, int nr, int64_t* sum, uint8_t* out) {
  const int64_t groups = (k + 3) / 4;
  for (int64_t g0 = 0; g0 < groups; g0 += kRun) {
    const int64_t end = groups - g0 < kRun ? groups : g0 + kRun;
    for (int64_t j = 0; j < columns; ++j) {
      const uint8_t* from = w + j * n_stride;
      int32_t total = 0;
      for (int64_t g = g0; g < end; ++g) {
        uint8_t* to = out + (g * nr + j) * 4;
        if (k_stride == 1 && 4 * g + 4 <= k) {
          uint32_t four;
          std::memcpy(&four, from + 4 * g, 4);
          four ^= flip * 0x01010101u;
          std::memcpy(to, &four, 4);
          for (int shift = 0; shift < 32; shift += 8) total += static_cast<int8_t>(four >> shift);
          continue;
        }
        for (int64_t i = 4 * g; i < 4 * g + 4; ++i) {
          const int8_t value = i < k ? weight_at(from, i * k_stride, flip) : int8_t{0};
          *to++ = static_cast<uint8_t>(value);
          total += value;
        }
      }
      sum[j] += total;
    }
    for (int64_t g = g0; g < end; ++g)
      std::memset(out + (g * nr + columns) * 4, 0, static_cast<size_t>(nr - columns) * 4);
  }
}

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

void pack_gemm_f32(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                   int64_t taps, int64_t k, int nr, float* out) {
  for (int64_t j0 = 0; j0 < n; j0 += nr) {
    const int64_t columns = n - j0 < nr ? n - j0 : nr;
    for (int j = 0; j < nr; ++j) *out++ = (bias != nullptr && j < columns) ? bias[j0 + j] : 0.0f;
    for (int64_t t = 0; t < taps; ++t, out += k * nr)
      pack_columns(w + j0 * strides.n_stride + t * strides.tap_stride, strides.n_stride,
                   strides.k_stride, columns, k, nr, out);
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
    for (int64_t t = 0; t < taps; ++t, to += (k + 3) / 4 * nr * 4)
      pack_columns_q8(from + j0 * strides.n_stride + t * strides.tap_stride, strides.n_stride,
                      strides.k_stride, params.weight_flip, columns, k, nr, sum, to);
    for (int64_t j = 0; j < columns; ++j) sum[j] -= taps * k * params.weight_zero_point;
    write_head(params, j0, columns, nr, sum, head);
  }
}

void pack_depthwise_f32(const float* w, const float* bias, int64_t c, int64_t taps, int nr,
                        float* out) {
  for (int64_t from = 0; from < c; from += nr) {
    const int64_t c0 = c >= nr && from + nr > c ? c - nr : from;
    const int64_t channels = c - c0 < nr ? c - c0 : nr;
    for (int j = 0; j < nr; ++j) *out++ = (bias != nullptr && j < channels) ? bias[c0 + j] : 0.0f;
    for (int64_t t = 0; t < taps; ++t) {
      for (int j = 0; j < nr; ++j) *out++ = j < channels ? w[t * c + c0 + j] : 0.0f;
    }
  }
}

namespace {

/// Weights of one block, both sets: value(row, column, j) is a weight less its zero point, and 0
/// beside the filter or the channels. Whether the second set has any.
template <class Value>
bool write_depthwise(const DepthwisePackQ8& form, int64_t width, Value value, uint8_t* out) {
  const int64_t vector = width * (form.words ? 2 : 1),
                set = (form.kh + 3) / 4 * form.kw * 4 * vector;
  bool second = false;
  for (int64_t r0 = 0; r0 < form.kh; r0 += 4) {
    for (int64_t kx = 0; kx < form.kw; ++kx) {
      for (int64_t part = 0; part < 4; ++part, out += vector) {
        for (int64_t i = 0; i < width; ++i) {
          const int64_t j = i / 16 * 16 + part * 4 + i / 4 % 4, r = i % 4;
          const int32_t all = value(r0 + r, kx, j);
          const int32_t low = form.words || (all >= -128 && all <= 127) ? all
                              : all < 0                                 ? -128
                                                                        : 127;
          const int32_t parts[] = {low, all - low};
          second |= parts[1] != 0;
          for (int s = 0; s < (form.two_sets ? 2 : 1); ++s) {
            if (!form.words) {
              out[s * set + i] = static_cast<uint8_t>(parts[s]);
              continue;
            }
            const auto word = static_cast<int16_t>(parts[s]);
            std::memcpy(out + s * set + (r % 2) * width + i / 4 * 4 + r / 2 * 2, &word, 2);
          }
        }
      }
    }
  }
  return second;
}

}  // namespace

size_t depthwise_q8_packed_bytes(const DepthwisePackQ8& form) {
  int64_t bytes = 0;
  for (int64_t c = 0; c < form.c;) {
    const DepthwiseBlock block = depthwise_block(form.c, c, form.nr);
    bytes += depthwise_block_bytes(block.width, form.kh, form.kw, form.words, form.two_sets);
    c = block.start + block.count;
  }
  return static_cast<size_t>(bytes);
}

void pack_depthwise_q8(const void* w, const PackQ8& params, const DepthwisePackQ8& form,
                       void* out) {
  const auto* from = static_cast<const uint8_t*>(w);
  auto* to = static_cast<uint8_t*>(out);
  for (int64_t c = 0; c < form.c;) {
    const DepthwiseBlock block = depthwise_block(form.c, c, form.nr);
    const auto value = [&](int64_t r, int64_t kx, int64_t j) {
      if (r >= form.kh || j >= block.count) return 0;
      return weight_at(from, (r * form.kw + kx) * form.c + block.start + j, params.weight_flip) -
             params.weight_zero_point;
    };
    const bool second = write_depthwise(form, block.width, value, to + 64 + 12 * block.width);
    std::memset(to, 0, 64);
    *to = second ? 1 : 0;
    for (int64_t i = 0; i < block.width; ++i) {
      const int64_t j = i / 4 % (block.width / 16) * 16 + i / (block.width / 4) * 4 + i % 4;
      int64_t sum = 0;
      for (int64_t t = 0; t < form.kh * form.kw; ++t) sum += value(t / form.kw, t % form.kw, j);
      const int64_t column = block.start + j;
      const bool used = j < block.count;
      const int64_t start = used && params.bias != nullptr ? params.bias[column] : 0;
      const uint64_t folded =
          static_cast<uint64_t>(start) -
          static_cast<uint64_t>(params.input_zero_point) * static_cast<uint64_t>(sum);
      const auto first = static_cast<uint32_t>(folded);
      const float scale =
          used && params.scale != nullptr ? params.scale[column * params.scale_stride] : 0.0f;
      const float offset = used && form.offset != nullptr ? form.offset[column] : 0.0f;
      std::memcpy(to + 64 + 4 * i, &first, 4);
      std::memcpy(to + 64 + 4 * (block.width + i), &scale, 4);
      std::memcpy(to + 64 + 4 * (2 * block.width + i), &offset, 4);
    }
    to += depthwise_block_bytes(block.width, form.kh, form.kw, form.words, form.two_sets);
    c = block.start + block.count;
  }
}

bool depthwise_q8_fits(const void* w, const PackQ8& params, int64_t c, int64_t taps) {
  const auto* from = static_cast<const uint8_t*>(w);
  for (int64_t j = 0; j < c; ++j) {
    int64_t most = params.bias == nullptr ? 0 : params.bias[j];
    if (most < 0) most = -most;
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t value =
          weight_at(from, t * c + j, params.weight_flip) - params.weight_zero_point;
      if (value > 254) return false;  // two int8 give 254
      most += 255 * (value < 0 ? -value : value);
    }
    const double scale =
        params.scale == nullptr ? 1 : double{params.scale[j * params.scale_stride]};
    const double scaled = static_cast<double>(most) * (scale < 0 ? -scale : scale);
    if (most >= INT64_C(0x7fffff00) || !(scaled < 0x7fffff00)) return false;
  }
  return true;
}

namespace {

/// Bytes of the three parts of `taps` taps of k depths of 32 rows or columns.
int64_t split_bytes(int64_t taps, int64_t k) {
  return taps * ((k - split_tail(taps, k) + 31) / 32) * 3 * 2 * 1024;
}

}  // namespace

size_t gemm_split_packed_bytes(int64_t n, int64_t taps, int64_t k) {
  const int64_t blocks = (n + kSplitColumns - 1) / kSplitColumns;
  return static_cast<size_t>(
      blocks * ((1 + split_tail(taps, k)) * kSplitColumns * 4 + split_bytes(taps, k)));
}

size_t split_scratch_bytes(int64_t rows, int64_t taps, int64_t k) {
  return static_cast<size_t>((rows + 31) / 32 * split_bytes(taps, k));
}

}  // namespace cygnet
