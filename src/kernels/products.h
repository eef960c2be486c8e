// SPDX-License-Identifier: Apache-2.0
// Arguments of the kernels that multiply and add: matrix products, convolutions. The rules of
// kernels.h hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cygnet {

/// gemm_q8 may read this many bytes past the `k` bytes of an activation row; what lies there does
/// not matter (the packed weights are zero), but it must be readable.
inline constexpr int kRowSlackBytes = 3;

/// lerp_pixels_q8 may read this many bytes past the end of its row.
inline constexpr int kLerpSlackBytes = 64;

/// Largest number of taps of a depthwise kernel. Beyond it callers use plain loops.
inline constexpr int kMaxDepthwiseTaps = 256;

/// f32 matrix product by indirection: convolution, fully connected, 1×1 convolution.
///   out[i][j] = clamp(bias[j] + Σ_t Σ_k row(i, t)[k] · weight[j][t][k], lo, hi)
/// row(i, t) is `a + at[i·at_stride + t]`, or `zero` where that offset is negative (padding). With
/// `at == nullptr`, taps must be 1 and row(i, 0) is `a + i·a_stride`.
/// The offsets don't depend on the base, so one list made in prepare serves all batches and groups.
struct GemmF32 {
  const float* a = nullptr;
  const int32_t* at = nullptr;  ///< [m][taps] element offsets from `a`; negative: `zero`.
  int64_t at_stride = 0;        ///< Entries of `at` from one row to the next, ≥ taps.
  int64_t a_stride = 0;         ///< Elements between rows when `at` is null.
  const float* zero = nullptr;  ///< `k` zeros; needed only if an offset is negative.
  int64_t m = 0;                ///< Output rows, any number.
  int64_t n = 0;                ///< Output columns, any number.
  int64_t taps = 1;
  int64_t k = 0;
  const float* weights = nullptr;  ///< From pack_gemm_f32, with nr = KernelTable::gemm_f32_nr.
  float* out = nullptr;            ///< [m][n], rows out_stride apart.
  int64_t out_stride = 0;
  float lo = 0;
  float hi = 0;
};

/// The same product on units for bfloat16, of 8 significant bits. Each number is the sum of three
/// of those, 24 bits as f32 has. Of the nine products of their parts the six largest count; the
/// others are less than 2^−22 of the product of the numbers. Sums are f32. Infinities make NaN.
/// Results below 2^−126 become 0. Source: Henry, Tang, Heinecke: Leveraging the bfloat16 Artificial
/// Intelligence Datatype For Higher-Precision Computations, 2019.
struct GemmSplit : GemmF32 {
  const void* parts = nullptr;  ///< From pack_split, instead of `weights`; 64-byte aligned.
  void* scratch = nullptr;      ///< 64-byte aligned
  size_t scratch_bytes = 0;     ///< split_scratch_bytes for at least 32 rows
};

/// Winograd's minimal filtering (Winograd, Arithmetic Complexity of Computations, 1980) of stride-1
/// f32 convolutions, F(outputs, filter). A tile of inputs becomes as many positions, each a matrix
/// of its own: positions of the output = Σ_channels positions of the input · positions of the
/// filter.
enum class WinogradKind : uint8_t {
  f2x2_3x3,
  f4x4_3x3,
  f2x2_5x5,
  f1x4_1x3,
  f4x1_3x1,
  f1x2_1x7,
  f2x1_7x1
};

/// One dimension of a kind: lines of `t` inputs and positions for `m` outputs of a filter of `r`.
struct WinogradLine {
  int32_t t, m, r;
};
/// Height and width of each kind.
struct WinogradSizes {
  WinogradLine h, w;
  constexpr int32_t positions() const { return h.t * w.t; }
};
inline constexpr WinogradSizes kWinogradSizes[] = {
    {{4, 2, 3}, {4, 2, 3}}, {{6, 4, 3}, {6, 4, 3}}, {{6, 2, 5}, {6, 2, 5}}, {{1, 1, 1}, {6, 4, 3}},
    {{6, 4, 3}, {1, 1, 1}}, {{1, 1, 1}, {8, 2, 7}}, {{8, 2, 7}, {1, 1, 1}}};
inline constexpr int kWinogradKinds = 7;

/// Points p of lines of 4, 6, 8 positions, which are 0, ±p …, ∞ in this order; chosen for small
/// rounding errors (Alam, Anderson, Gregg: Winograd Convolution for Deep Neural Networks, 2022).
inline constexpr float kWinogradPoints[3][3] = {{1, 0, 0}, {0.625f, 1.5f, 0}, {0.5f, 1, 1.75f}};

/// One tile of inputs → its positions.
struct WinogradIn {
  WinogradKind kind = WinogradKind::f4x4_3x3;
  const float* image = nullptr;
  int64_t origin = 0;        ///< Of the tile's first pixel, elements from `image`; may be negative.
  int64_t row_stride = 0;    ///< Elements from one row of the tile to the next.
  int64_t pixel_stride = 0;  ///< Elements from one column of the tile to the next.
  int32_t top = 0, bottom = 0, left = 0, right = 0;  ///< Rows and columns that exist; others are 0.
  int64_t c = 0;
  const float* zero = nullptr;  ///< `c` zeros
  float* planes =
      nullptr;  ///< Position i lies at i·plane_stride; c is rounded up to whole vectors.
  int64_t plane_stride = 0;
};

/// Positions of a tile of outputs → the outputs: clamp(bias[ch] + …, lo, hi).
struct WinogradOut {
  WinogradKind kind = WinogradKind::f4x4_3x3;
  const float* planes = nullptr;  ///< As in WinogradIn, read in whole vectors.
  int64_t plane_stride = 0;
  int64_t c = 0;
  const float* bias = nullptr;  ///< Read in whole vectors.
  float* out = nullptr;
  int64_t row_stride = 0;
  int64_t pixel_stride = 0;
  int32_t rows = 0, columns = 0;  ///< How many are stored.
  float lo = 0;
  float hi = 0;
};

/// What gemm_q8 stores.
enum class StoreQ8 : uint8_t {
  q8,   ///< 8 bits: clamp(rint(float(acc)·scale[j]) + zero_point, lo, hi)
  s32,  ///< int32: acc, with the bias
  f32,  ///< float, of activations quantized row by row; see HybridQ8
};

/// How a run of floats is quantized: x ≈ scale · (q − zero), q in [−128, 127].
struct DynamicQuant {
  float scale = 1;
  float inverse = 0;  ///< what x is multiplied by; 0 where all of x is 0
  int32_t zero = 0;
};

/// What StoreQ8::f32 makes of row i's sums, with d = quants[i·quant_step]; the rows are q + 128.
///   out[i][j] = clamp(float(acc − d.zero·sums[j]) · (d.scale·scale[j]) + bias[j], lo, hi)
struct HybridQ8 {
  const DynamicQuant* quants = nullptr;
  int64_t quant_step = 0;         ///< 1: each row has its own; 0: one for all.
  const float* bias = nullptr;    ///< [n], or null for none
  const int32_t* sums = nullptr;  ///< [n] Σ of a column's weights; null where all zeros are 0
  float lo = 0;
  float hi = 0;
};

/// 8-bit matrix product by indirection, rows as in GemmF32.
///   acc[i][j] = bias[j] + Σ_t Σ_k row(i, t)[k] · (weight[j][t][k] − weight_zero_point)
/// Activations are unsigned once xored with `flip`; the zero point of int8 ones is raised by 128.
/// It is folded into the bias by pack_gemm_q8, so `zero` is a row of `k` bytes of the zero point as
/// tensors hold it. Rows are read up to kRowSlackBytes past `k`.
/// Bound: |Σ row·(weight − weight_zero_point)| < 2^31, kept if taps·k ≤ 65 793 when
/// weight_zero_point is 0 and taps·k ≤ 33 025 otherwise.
struct GemmQ8 {
  const uint8_t* a = nullptr;
  uint8_t flip = 0;  ///< Xored to the activations and to `zero`: 0x80 for int8 tensors.
  const int32_t* at = nullptr;
  int64_t at_stride = 0;
  int64_t a_stride = 0;
  const uint8_t* zero = nullptr;
  int64_t m = 0;
  int64_t n = 0;
  int64_t taps = 1;
  int64_t k = 0;
  const void* weights = nullptr;  ///< From pack_gemm_q8, with nr = KernelTable::gemm_q8_nr.
  int32_t weight_zero_point = 0;  ///< In the int8 domain (uint8 weights: zero point − 128).
  StoreQ8 store = StoreQ8::q8;
  void* out = nullptr;  ///< [m][n] of uint8_t/int8_t, int32_t or float (aligned).
  int64_t out_stride = 0;
  int32_t zero_point = 0;  ///< Of the output, as are lo and hi; read with StoreQ8::q8 only.
  int32_t lo = 0;
  int32_t hi = 0;
  HybridQ8 hybrid = {};     ///< Read with StoreQ8::f32 only.
  void* scratch = nullptr;  ///< Where rows may be gathered; null: a small place on the stack.
  size_t scratch_bytes = 0;
};

/// gemm_q8 of rows a constant distance apart: tap t of row i is at `a + i·a_stride + at[t]`, with no
/// offset negative. Rows come in lines of `line`, of which the first `kept` have results, that are
/// stored without gaps: row i's is result i / line · kept + i mod line. Rows [first, first + m) are
/// computed. Activations are int8 and `flip` is 0: the weights are packed with the zero point in
/// that domain. The weight zero point is 0.
struct ConvQ8 : GemmQ8 {
  int64_t first = 0;
  int64_t line = 1;
  int64_t kept = 1;
};

/// int16 activations × int8 weights, rows as in GemmF32; activations have zero point 0.
///   out[i][j] = clamp(rint(double(bias[j] + Σ_t Σ_k row(i, t)[k]·weight[j][t][k])·scale[j]), lo,
///   hi)
/// The sum is exact in int64. lo and hi lie in the int16 range.
struct GemmS16 {
  const int16_t* a = nullptr;
  const int32_t* at = nullptr;
  int64_t at_stride = 0;
  int64_t a_stride = 0;
  const int16_t* zero = nullptr;
  int64_t m = 0;
  int64_t n = 0;
  int64_t taps = 1;
  int64_t k = 0;
  const int8_t* weights = nullptr;  ///< Not packed: [n][taps][k].
  const int64_t* bias = nullptr;    ///< [n], or null for zeros.
  const float* scale = nullptr;     ///< scale[j·scale_stride]
  int64_t scale_stride = 0;         ///< 1: a scale for each column; 0: one for all.
  int16_t* out = nullptr;
  int64_t out_stride = 0;
  int32_t lo = -32768;
  int32_t hi = 32767;
};

/// Where the windows of output rows of a depthwise convolution (multiplier 1) lie: output i of row
/// r, tap (fy, fx) reads pixel i·stride + fx·dilation − pad of image row `rows[r·row_step + fy]`,
/// padding outside [0, w) and where that row is null. kh·kw ≤ kMaxDepthwiseTaps.
struct DepthwiseRow {
  int64_t w = 0;  ///< Pixels of an image row, `c` elements each, dense.
  int64_t c = 0;
  int64_t kh = 1;
  int64_t kw = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;
  int64_t pixels = 0;      ///< Outputs of a row.
  int64_t out_stride = 0;  ///< Elements from one output pixel to the next, ≥ c.
  int64_t out_rows = 1;
  int64_t row_step = 1;  ///< Entries of `rows` from one output row to the next.
  int64_t out_row = 0;   ///< Elements from one output row to the next.
};

/// f32 depthwise convolution of output rows, see DepthwiseRow.
///   out[r][i][ch] = clamp(bias[ch] + Σ_fy Σ_fx rows[…][…][ch] · weight[fy][fx][ch], lo, hi)
struct DepthwiseF32 : DepthwiseRow {
  const float* const* rows = nullptr;  ///< [(out_rows − 1)·row_step + kh]
  const float* weights = nullptr;      ///< From pack_depthwise_f32, nr = depthwise_f32_nr.
  float* out = nullptr;                ///< [out_rows][pixels][c]
  float lo = 0;
  float hi = 0;
};

/// 8-bit depthwise convolution of output rows, see DepthwiseRow. With u(x) = x ^ flip:
///   acc = first[ch]·first_factor + Σ_fy Σ_fx u(rows[…][…][ch]) · (weight[fy][fx][ch] −
///   weight_zero_point), padding being `zero`,
///   8 bits: out[i][ch] = clamp(rint(float(acc)·(scale·scale[ch])) + zero_point, lo, hi)
///   real:   out[i][ch] = clamp(float(acc)·(scale·scale[ch]) + offset[ch], real_lo, real_hi)
/// first (the bias), scale and offset lie in the packed weights.
/// Bound: |acc| < 2^31, kept by kMaxDepthwiseTaps if depthwise_q8_fits. Then 8-bit results have the
/// same bits as any other order of computing them.
struct DepthwiseQ8 : DepthwiseRow {
  const uint8_t* const* rows = nullptr;  ///< [(out_rows − 1)·row_step + kh]
  uint8_t flip = 0;                      ///< 0x80: input (and 8-bit output) are int8.
  uint8_t zero = 0;                      ///< Byte of padding, before the flip.
  const void* weights = nullptr;         ///< From pack_depthwise_q8 for this tier.
  bool two_sets = false;                 ///< As packed.
  int32_t first_factor = 1;
  float scale = 1;
  bool real = false;    ///< Results are float.
  void* out = nullptr;  ///< [out_rows][pixels][c] of uint8_t/int8_t or float
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
  float real_lo = 0;
  float real_hi = 0;
};

/// int16 depthwise convolution of output rows with int8 weights, see DepthwiseRow; zero points are
/// 0.
///   out[i][ch] = clamp(rint(double(bias[ch] + Σ_fy Σ_fx rows[…][…][ch] · weight[fy][fx][ch]) ·
///   scale[ch]), lo, hi)
/// Bound: |bias| + Σ 2^15·|weight| < 2^31. lo and hi lie in the int16 range.
struct DepthwiseS16 : DepthwiseRow {
  const int16_t* const* rows = nullptr;  ///< [(out_rows − 1)·row_step + kh]
  const int16_t* weights = nullptr;      ///< [kh][kw][c]
  const int32_t* bias = nullptr;         ///< [c]
  const float* scale = nullptr;          ///< [c]
  int16_t* out = nullptr;                ///< [out_rows][pixels][c]
  int32_t lo = -32768;
  int32_t hi = 32767;
};

/// Numbers that conv_row_f32 and conv_row_q8 may read past the end of a term, whatever they are.
inline constexpr int64_t kTermSlack = 15;
/// Columns of a block of the weights of conv_row_f32 and conv_row_q8.
inline constexpr int64_t kConvRowColumns = 4;

/// One output row of a f32 convolution with few output channels. Pixels lie in the lanes, so each
/// of the products that make up a channel, one for each tap and input channel, has a run of inputs.
///   out[i][j] = clamp(bias[j] + Σ_t terms[t][i] · weight[t][j], lo, hi)
struct ConvRowF32 {
  const float* const* terms = nullptr;  ///< [count][pixels], read up to kTermSlack further
  int64_t count = 0;
  const float* weights = nullptr;  ///< [⌈n/kConvRowColumns⌉][count][kConvRowColumns]
  const float* bias = nullptr;     ///< [n], then zeros up to whole blocks
  int64_t pixels = 0;
  int64_t n = 0;
  float* out = nullptr;  ///< [pixels][n]
  float lo = 0;
  float hi = 0;
};

/// Rows of sums of terms: the second half of a transposed convolution, whose products came first.
///   out[i][ch] = clamp(bias[ch] + Σ_t terms[t][i·in_stride + ch], lo, hi)
struct SumTermsF32 {
  const float* const* terms = nullptr;  ///< [count]
  int64_t count = 0;                    ///< may be 0
  int64_t in_stride = 0;                ///< Elements from one row of a term to the next.
  const float* bias = nullptr;          ///< [c]
  int64_t rows = 0;
  int64_t c = 0;
  float* out = nullptr;
  int64_t out_stride = 0;
  float lo = 0;
  float hi = 0;
};

/// The same as ConvRowF32 with 8 bits. A term has four unsigned bytes for each pixel, a weight four
/// signed ones:
///   acc = bias[j] + Σ_t Σ_4 terms[t][i] · weight[t][j]
///   out[i][j] = clamp(rint(float(acc)·scale[j]) + zero_point, lo, hi)
/// Sums wrap beyond 32 bits.
struct ConvRowQ8 {
  const int32_t* const* terms = nullptr;
  int64_t count = 0;
  const int32_t* weights = nullptr;
  const int32_t* bias = nullptr;  ///< with the zero point of the activations folded in
  const float* scale = nullptr;   ///< as long as bias
  int64_t pixels = 0;
  int64_t n = 0;
  uint8_t* out = nullptr;  ///< uint8 or int8, as lo and hi say
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
};

}  // namespace cygnet
