// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// Packing of weights into the form that the gemm and depthwise kernels read. Done once, in
/// prepare. Sizes are returned in bytes; buffers need 64-byte alignment for best speed, 4 for
/// correctness. `nr` is the tier's block width from KernelTable.
namespace cygnet {

/// Where weight (j, t, k) of column j, tap t, depth k lies: w[j·n_stride + t·tap_stride +
/// k·k_stride]. TFLite's OHWI filter and fully connected weights: {taps·k, k, 1}.
struct WeightStrides {
  int64_t n_stride = 0;
  int64_t tap_stride = 0;
  int64_t k_stride = 1;
};

/// How 8-bit weights are turned into the kernel's terms.
struct PackQ8 {
  uint8_t weight_flip = 0;        ///< 0: int8 weights; 0x80: uint8 weights (stored minus 128).
  int32_t weight_zero_point = 0;  ///< In the int8 domain (uint8 weights: zero point − 128).
  int32_t input_zero_point = 0;   ///< In the unsigned domain (int8 activations: zero point + 128).
  const int32_t* bias = nullptr;  ///< [n], or null for zeros.
  const float* scale = nullptr;   ///< scale[j·scale_stride]; null for zeros (StoreQ8::s32 only).
  int64_t scale_stride = 0;       ///< 1: a scale for each column; 0: one for all.
};

/// Bytes of one block of nr columns, and of all ⌈n/nr⌉ blocks. A caller that splits n among threads
/// at multiples of nr advances the packed weights by block bytes.
size_t gemm_f32_block_bytes(int64_t taps, int64_t k, int nr);
size_t gemm_f32_packed_bytes(int64_t n, int64_t taps, int64_t k, int nr);
size_t gemm_q8_block_bytes(int64_t taps, int64_t k, int nr);
size_t gemm_q8_packed_bytes(int64_t n, int64_t taps, int64_t k, int nr);
size_t depthwise_f32_packed_bytes(int64_t c, int64_t taps, int nr);

/// Layout of a block: [bias nr][taps][k][nr] floats; columns beyond n are zero.
/// bias: [n] or null.
void pack_gemm_f32(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                   int64_t taps, int64_t k, int nr, float* out);

/// Layout of a block: [bias int32 nr][scale float nr][taps][⌈k/4⌉][nr][4] int8; columns beyond n
/// and depths beyond k are zero. The bias becomes
///   bias[j] − input_zero_point · Σ_t Σ_k (weight[j][t][k] − weight_zero_point)   (mod 2^32).
void pack_gemm_q8(const void* w, const WeightStrides& strides, const PackQ8& params, int64_t n,
                  int64_t taps, int64_t k, int nr, void* out);

/// Columns of a block and bytes of all blocks of the weights that KernelTable::pack_split makes.
inline constexpr int kSplitColumns = 32;
/// Depths of the only tap that gemm_split multiplies one by one: a few beyond whole groups of 32.
static inline int64_t split_tail(int64_t taps, int64_t k) {
  constexpr int64_t kGroup = 32, kMostTail = 4;
  return taps == 1 && k > kGroup && k % kGroup <= kMostTail ? k % kGroup : 0;
}
size_t gemm_split_packed_bytes(int64_t n, int64_t taps, int64_t k);
/// What GemmSplit needs to work on `rows` rows at a time.
size_t split_scratch_bytes(int64_t rows, int64_t taps, int64_t k);

/// w: [taps][c] (TFLite's depthwise filter with multiplier 1); bias: [c] or null.
/// Layout of a block: [bias nr][taps][nr] floats. The last block moves to the left where c ≥ nr, so
/// that it has nr channels too.
void pack_depthwise_f32(const float* w, const float* bias, int64_t c, int64_t taps, int nr,
                        float* out);

/// The form of 8-bit depthwise weights.
struct DepthwisePackQ8 {
  int64_t c = 0;
  int64_t kh = 1;
  int64_t kw = 1;
  int nr = 0;                     ///< KernelTable::depthwise_q8_nr
  bool words = false;             ///< KernelTable::depthwise_q8_words
  bool two_sets = false;          ///< needed if weight_zero_point is not 0, but with `words`
  const float* offset = nullptr;  ///< [c] of real results, or null for zeros
};

size_t depthwise_q8_packed_bytes(const DepthwisePackQ8& form);

/// w: [kh][kw][c]. Layout of a block of `width` channels (depthwise_blocks.inl): 64 bytes, the
/// first one 1 where the second set of weights counts; [first int32 width][scale float
/// width][offset float width]; one or two sets of [⌈kh/4⌉][kw][width][4 rows] weights, whose sum is
/// the weight less its zero point. Channels are ordered as simd/wide_x86.inl says. Weights are
/// int8; with `words` int16, of each [16 bytes][4 channels] those of rows 0 and 2, and behind them
/// those of rows 1 and 3. `first` is folded as by pack_gemm_q8.
void pack_depthwise_q8(const void* w, const PackQ8& params, const DepthwisePackQ8& form, void* out);

/// Whether sums of c channels of `taps` products stay below 2^31, scaled ones too, and two int8 can
/// hold each weight less its zero point. w, params as for pack_depthwise_q8.
bool depthwise_q8_fits(const void* w, const PackQ8& params, int64_t c, int64_t taps);

}  // namespace cygnet
