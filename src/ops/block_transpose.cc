// SPDX-License-Identifier: Apache-2.0
#include "ops/block_transpose.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace cygnet::ops {
namespace {

template <class T>
struct Block {
  static constexpr int kSide = static_cast<int>(block_side(sizeof(T)));
  typedef T V __attribute__((vector_size(16)));

  template <int kFirst, size_t... i>
  static V interleaved(V a, V b, std::index_sequence<i...>) {
    return __builtin_shufflevector(a, b, (kFirst + static_cast<int>(i) / 2 + i % 2 * kSide)...);
  }

  // Each step interleaves line k with line k + half the side: the bits of an element's place, line
  // and column together, turn by one; after as many steps as a column has bits, lines are columns.
  template <int kWidth>
  static void turn(V* v) {
    if constexpr (kWidth > 1) {
      V w[kSide];
      for (int k = 0; k < kSide / 2; ++k) {
        w[2 * k] = interleaved<0>(v[k], v[k + kSide / 2], std::make_index_sequence<kSide>());
        w[2 * k + 1] =
            interleaved<kSide / 2>(v[k], v[k + kSide / 2], std::make_index_sequence<kSide>());
      }
      turn<kWidth / 2>(w);
      for (int k = 0; k < kSide; ++k) v[k] = w[k];
    }
  }

  static void move(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride) {
    V v[kSide];
    for (int k = 0; k < kSide; ++k) std::memcpy(&v[k], in + k * in_stride, sizeof(V));
    turn<kSide>(v);
    for (int k = 0; k < kSide; ++k) std::memcpy(out + k * out_stride, &v[k], sizeof(V));
  }

  // Blocks whose results fill cache lines, which are written as wholes: with many lines in use, one
  // may leave the cache before it is full.
  static void tile(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride) {
    alignas(64) uint8_t lines[kSide * 64];
    for (int k = 0; k < 64 / 16; ++k)
      move(in + k * kSide * in_stride, in_stride, lines + k * 16, 64);
    for (int k = 0; k < kSide; ++k) std::memcpy(out + k * out_stride, lines + k * 64, 64);
  }

  // By tiles of a cache line in both directions; within one, along the side whose lines are nearer,
  // so that few far ones, which may fall into one set of the cache, are in use together. The last
  // blocks lie over elements before them.
  static void all(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride,
                  int64_t rows, int64_t columns) {
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    constexpr int64_t kTile = 64 / kBytes;
    const auto block = [&](int64_t row, int64_t column) {
      const int64_t r = std::min(row, rows - kSide), c = std::min(column, columns - kSide);
      move(in + c * in_stride + r * kBytes, in_stride, out + r * out_stride + c * kBytes,
           out_stride);
    };
    const bool by_rows = std::abs(out_stride) > std::abs(in_stride);
    for (int64_t j = 0; j < rows; j += kTile) {
      const int64_t row_end = std::min(j + kTile, rows);
      for (int64_t i = 0; i < columns; i += kTile) {
        const int64_t column_end = std::min(i + kTile, columns);
        if (by_rows) {
          for (int64_t r = j; r < row_end; r += kSide) {
            if (kSide >= 8 && r + kSide <= rows && i + kTile <= columns) {
              tile(in + i * in_stride + r * kBytes, in_stride, out + r * out_stride + i * kBytes,
                   out_stride);
              continue;
            }
            for (int64_t c = i; c < column_end; c += kSide) block(r, c);
          }
        } else {
          for (int64_t c = i; c < column_end; c += kSide)
            for (int64_t r = j; r < row_end; r += kSide) block(r, c);
        }
      }
    }
  }
};

}  // namespace

BlockTranspose block_transpose(int64_t element_bytes) {
  switch (element_bytes) {
    case 1:
      return Block<uint8_t>::all;
    case 2:
      return Block<uint16_t>::all;
    case 4:
      return Block<uint32_t>::all;
    case 8:
      return Block<uint64_t>::all;
    default:
      return nullptr;
  }
}

}  // namespace cygnet::ops
