// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "kernels/pack.h"
#include "kernels/products.h"

/// The hot loops of the runtime. A kernel works on pointers, lengths and strides; it knows nothing
/// of graphs, allocates nothing, keeps no state and is single-threaded: callers split the work.
///
/// Common rules, unless a kernel says otherwise:
///  * Lengths and strides count elements, not bytes. A length of 0 is allowed and writes nothing.
///  * Element-wise kernels (map, zip, prelu, lut, convert) may run in place (`out == in`, same
///    element size); other overlaps are not allowed. All other kernels need `out` apart from
///    inputs.
///  * Pointers need only the alignment of their element type.
///  * No kernel writes outside its output. Only gemm_q8 and lerp_pixels_q8 read past
///    their input (see kRowSlackBytes, kLerpSlackBytes).
///  * 8-bit data ("q8") is passed as uint8_t. Where the sign matters there is a `flip`: 0 for uint8
///    data, 0x80 for int8 data (`x ^ flip` is the value in biased, unsigned form). An 8-bit result
///    is computed as an int32 in its own domain and its low byte stored, so that one kernel serves
///    both types: zero_point, lo and hi are given in the domain of the output type.
///  * Integer results have the same bits on every tier; float results may differ by rounding.
///  * "rint" is round to nearest, ties to even. Scales must be finite.
///  * clamp(x, lo, hi) of a float keeps NaN; no clamp is lo = -inf, hi = +inf.
namespace cygnet {

/// Instruction-set tiers, each one holding those before it on its architecture.
enum class Isa : uint8_t {
  scalar,
  sse41,
  avx2,
  avx512,
  avx512vnni,
  avx512vbmi,
  amx,
  neon,
  dotprod,
  i8mm,
  wasm_simd128,
};

/// Every tier there is, whatever this build and this CPU have.
inline constexpr Isa kIsas[] = {Isa::scalar,     Isa::sse41,      Isa::avx2,        Isa::avx512,
                                Isa::avx512vnni, Isa::avx512vbmi, Isa::amx,         Isa::neon,
                                Isa::dotprod,    Isa::i8mm,       Isa::wasm_simd128};

/// Unary f32 functions. Relative error ≤ 1e-6 for the transcendental ones, of logistic below −40
/// 2e-6; NaN gives NaN.
enum class MapOp : uint8_t {
  clamp,       ///< clamp(x, lo, hi): relu, relu6 and their kin
  logistic,    ///< 1 / (1 + e^−x)
  tanh,        ///< hyperbolic tangent
  hard_swish,  ///< x · clamp(x + 3, 0, 6) / 6
  exp,         ///< e^x; +inf above 88.73
  sqrt,        ///< √x, correctly rounded
  rsqrt,       ///< 1/√x
  neg,         ///< −x
  abs,         ///< |x|
  square,      ///< x·x
  elu,         ///< x < 0 ? e^x − 1 : x
  leaky_relu,  ///< x < 0 ? alpha·x : x
  gelu,        ///< x·Φ(x), Φ the normal distribution; absolute error ≤ 1e-6 + 5e-7·|x|
  gelu_tanh,   ///< x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))), error as for gelu
  softsign,    ///< x / (1 + |x|); ±infinity gives NaN
};

/// Parameters of map_f32; each is read only by the functions that name it.
struct MapParams {
  float lo = 0;
  float hi = 0;
  float alpha = 0;
};

/// Normalization of rows of n elements, in place too:
///   out = (x − mean)·gamma / √(variance + epsilon) + beta
/// with the row's mean Σ x / n and variance Σ (x − mean)² / n.
struct LayerNormF32 {
  const float* in = nullptr;
  int64_t rows = 0;
  int64_t n = 0;                 ///< ≥ 1
  const float* gamma = nullptr;  ///< [n], or null for ones
  const float* beta = nullptr;   ///< [n], or null for zeros
  float epsilon = 0;
  float* out = nullptr;
};

/// One step of n cells of an LSTM. The gates input, forget, update and output (0 … 3) are the sums
/// gate(g)[i] = from_x[g·n + i] + from_h[g·n + i].
///   c ← clamp(σ(forget)·c + σ(input)·tanh(update), −clip, clip);  h = σ(output)·tanh(c)
struct LstmCellsF32 {
  const float* from_x = nullptr;
  const float* from_h = nullptr;
  int64_t n = 0;
  bool coupled = false;  ///< The input gate is 1 − σ(forget).
  float clip = 0;        ///< +inf: none
  float* c = nullptr;
  float* h = nullptr;
};

/// Binary f32 functions.
enum class ZipOp : uint8_t { add, sub, mul, div, min, max };

/// Which operand of a binary kernel is one element used for all.
enum class ZipShape : uint8_t { vector_vector, vector_scalar, scalar_vector };

/// Binary functions on 8-bit data.
enum class ZipQ8Op : uint8_t {
  add,  ///< rint((a − a_zero)·a_scale + (b − b_zero)·b_scale) + zero_point
  mul,  ///< rint((a − a_zero)·(b − b_zero)·a_scale) + zero_point
  div,  ///< rint(float(a − a_zero) / float(b − b_zero)·a_scale) + zero_point; b is never b_zero
  squared_difference,  ///< rint(((a − a_zero)·a_scale + (b − b_zero)·b_scale)²) + zero_point
  max,                 ///< max(a, b) of codes; zero points and scales don't count
  min,                 ///< min(a, b) of codes
  prelu,  ///< rint(x > 0 ? x·a_scale : x·(b − b_zero)·b_scale) + zero_point, x = a − a_zero
};

/// Parameters of zip_q8. Differences are sums with b_scale negated. Scales are already divided by
/// the scale of the output (of squared_difference by its root). Products, sums and differences are
/// float operations rounded one by one. With multipliers, sums are integers
/// instead, exact, times multiplier_scale.
struct ZipQ8 {
  ZipQ8Op op = ZipQ8Op::add;
  ZipShape shape = ZipShape::vector_vector;
  uint8_t flip = 0;    ///< Of both inputs: 0 for uint8, 0x80 for int8.
  int32_t a_zero = 0;  ///< Zero points in the domain of the type.
  int32_t b_zero = 0;
  float a_scale = 0;
  float b_scale = 0;
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
  int32_t a_multiplier = 0;  ///< See set_sum_scales; with b_multiplier, both 0 or one not.
  int32_t b_multiplier = 0;
  float multiplier_scale = 0;  ///< ≤ 2^−11, so that |sums| < 2^13
};

/// Parameters of zip_s16, of int16 data with zero points 0:
///   add: clamp(rint(a·a_scale + b·b_scale), lo, hi)   mul: clamp(rint(a·b·a_scale), lo, hi)
/// with float operations rounded one by one.
struct ZipS16 {
  ZipQ8Op op = ZipQ8Op::add;
  ZipShape shape = ZipShape::vector_vector;
  float a_scale = 0;
  float b_scale = 0;
  int32_t lo = -32768;
  int32_t hi = 32767;
};

/// Scales of add or squared_difference, with integers of at most 15 bits in the same
/// ratio where such are near enough: within 2^−8 of a step for every sum.
void set_sum_scales(double a_scale, double b_scale, ZipQ8* zip);

/// A two-dimensional window over pixels of `c` contiguous channels: pixel (y, x) of the window is
/// at `a + y·h_stride + x·w_stride`. h and w ≥ 1. A list of n rows is {1, n, 0, row_stride}.
/// `count` ≥ 1 such windows begin `step` elements apart; their results lie one after the other.
struct Window {
  int64_t h = 1;
  int64_t w = 1;
  int64_t h_stride = 0;
  int64_t w_stride = 0;
  int64_t count = 1;
  int64_t step = 0;
};

/// What becomes of the sum of a window of 8-bit data:
///   clamp(rint(float(Σ (a ^ flip) + offset)·scale) + zero_point, lo, hi)
struct MeanQ8 {
  int32_t offset = 0;
  float scale = 0;
  uint8_t flip = 0;
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
};

/// One row of a bilinear resize. For output pixel i, with l = left[i], r = right[i] (element
/// offsets of pixels in the two source rows) the four sources are top[l…], top[r…], bottom[l…],
/// bottom[r…], `c` channels each.
struct BilinearRow {
  const float* top = nullptr;
  const float* bottom = nullptr;
  const int32_t* left = nullptr;    ///< [w]
  const int32_t* right = nullptr;   ///< [w]
  const float* x_weight = nullptr;  ///< [w] weight of the right pixel, 0 … 1
  float y_weight = 0;               ///< Weight of the bottom row.
  int64_t w = 0;
  int64_t c = 0;
  float* out = nullptr;  ///< [w][c], dense
};

/// The second half of a bilinear resize of floats: pixels of a row that lerp_rows_f32 made.
///   out[i][ch] = l + (row[right[i] + ch] − l)·weight[i], l = row[left[i] + ch]
/// With c = 1 `left` is best in ascending order.
struct LerpPixelsF32 {
  const float* row = nullptr;
  const int32_t* left = nullptr;   ///< [w] element offsets
  const int32_t* right = nullptr;  ///< [w]
  const float* weight = nullptr;   ///< [w] of the right pixel, 0 … 1
  int64_t row_elements = 0;        ///< of `row`
  int64_t w = 0;
  int64_t c = 0;
  float* out = nullptr;  ///< [w][c], dense
};

/// Outputs of a resize to twice the width, that come in pairs: of pixels of c channels, those after
/// the first `skipped`, 2k and 2k + 1 have left k·c, right (k + 1)·c and the weights[0], [1].
struct LerpPairs {
  int64_t count = 0;    ///< of pairs; 0 where outputs are not so
  int64_t skipped = 0;  ///< pixels
  int64_t c = 0;        ///< channels, also where LerpPixelsQ8 has pixels of one channel
  int16_t weights[2] = {};
};

/// The second half of a bilinear resize of 8-bit data: pixels of a row that lerp_rows_q8 made.
///   out[i][ch] = (lerp(row[left[i] + ch], row[right[i] + ch], weight[i]) + 64) / 128, rounded down
/// with lerp(a, b, w) = a + ((b − a)·w + 2^14) / 2^15, rounded down. With c = 1 `left` is best in
/// ascending order.
struct LerpPixelsQ8 {
  const int16_t* row = nullptr;     ///< Readable to kLerpSlackBytes past its end.
  const int32_t* left = nullptr;    ///< [w] element offsets
  const int32_t* right = nullptr;   ///< [w]
  const int16_t* weight = nullptr;  ///< [w] of the right pixel, times 2^15: 0 … 32767
  int64_t w = 0;
  int64_t c = 0;
  uint8_t flip = 0;
  uint8_t* out = nullptr;  ///< [w][c], dense
  LerpPairs pairs;         ///< What left, right and weight say too.
};

/// Parameters of softmax_q8, of a row with the largest element `max`:
///   out[i] = clamp(rint(float(powers[max − in[i]]) · factor) + zero_point, lo, hi)
///   factor = out_inverse_scale / float(Σ powers[max − in[j]]), the sum exact
/// for int8 data (flip 0x80) out is int8, else uint8.
struct SoftmaxQ8 {
  const uint32_t* powers = nullptr;  ///< [256], e^(−beta·in_scale·d) · (2^24 − 1) for d = 0 … 255
  float out_inverse_scale = 0;
  uint8_t flip = 0;
  int32_t zero_point = 0;
  int32_t lo = 0;
  int32_t hi = 0;
};

/// One tier's kernels. Every pointer is set but those that say null.
struct KernelTable {
  Isa isa;
  bool depthwise_q8_words;  ///< Packed weights of depthwise_q8 are pairs of int16.
  const char* name;         ///< As in CYGNET_ISA.

  int gemm_f32_mr;  ///< Rows of a tile: m split among threads is best a multiple of it.
  int gemm_f32_nr;  ///< Columns of a block of packed weights: n is split only at multiples of it.
  int gemm_q8_mr;
  int gemm_q8_nr;
  int depthwise_f32_nr;
  int depthwise_q8_nr;  ///< Channels of a block of packed weights.

  void (*gemm_f32)(const GemmF32&);
  void (*gemm_split)(const GemmSplit&);  ///< null: the tier has no units for it
  /// Weights for gemm_split, null where that is, in blocks of kSplitColumns columns: [bias float],
  /// [split_tail] rows of float, [taps][⌈k/32⌉][3 parts, small ones first][2][16][16][2] bfloat16.
  /// Of each 32 depths, pairs d, d + 16 of 16 columns follow each other; columns beyond n and
  /// depths beyond k are zero.
  void (*pack_split)(const float* w, const WeightStrides& strides, const float* bias, int64_t n,
                     int64_t taps, int64_t k, void* out);
  void (*winograd_in)(const WinogradIn&);
  void (*winograd_out)(const WinogradOut&);
  void (*gemm_q8)(const GemmQ8&);
  /// Bytes of scratch with which gemm_q8 is faster for such a product; null: none.
  size_t (*gather_q8_bytes)(int64_t m, int64_t n, int64_t taps, int64_t k);
  void (*conv_q8)(const ConvQ8&);  ///< null: the tier has no units for it
  void (*gemm_s16)(const GemmS16&);
  void (*depthwise_f32)(const DepthwiseF32&);
  void (*depthwise_q8)(const DepthwiseQ8&);
  void (*depthwise_s16)(const DepthwiseS16&);
  void (*conv_row_f32)(const ConvRowF32&);
  void (*conv_row_q8)(const ConvRowQ8&);
  void (*sum_terms_f32)(const SumTermsF32&);
  /// The terms of conv_row_f32: out[ch·stride + i] = in[i·c + ch] for `pixels` pixels.
  void (*split_channels_f32)(const float* in, int64_t pixels, int64_t c, float* out,
                             int64_t stride);
  /// A term of conv_row_q8: the four bytes of out[i] are in[i·step …] ^ flip.
  void (*split_quads_q8)(const uint8_t* in, int64_t pixels, int64_t step, uint8_t flip,
                         int32_t* out);

  /// pack_gemm_f32 and pack_gemm_q8 of one tap, for this tier's nr, as fast as the right side of a
  /// product that is made while running needs it: best where n_stride or k_stride is 1.
  void (*pack_columns_f32)(const float* w, const WeightStrides& strides, const float* bias,
                           int64_t n, int64_t k, float* out);
  void (*pack_columns_q8)(const void* w, const WeightStrides& strides, const PackQ8& params,
                          int64_t n, int64_t k, void* out);

  /// out[i] = op(in[i])
  void (*map_f32)(MapOp op, const float* in, int64_t n, float* out, const MapParams& params);
  /// out[i] = clamp(a[i] op b[i], lo, hi)
  void (*zip_f32)(ZipOp op, ZipShape shape, const float* a, const float* b, int64_t n, float* out,
                  float lo, float hi);
  /// out[i] = in[i] < 0 ? in[i]·alpha[i] : in[i]
  void (*prelu_f32)(const float* in, const float* alpha, int64_t n, float* out);
  /// out[i] = clamp(op(a[i], b[i]), lo, hi), 8 bits; see ZipQ8.
  void (*zip_q8)(const ZipQ8& params, const uint8_t* a, const uint8_t* b, int64_t n, uint8_t* out);
  /// The same of int16; see ZipS16.
  void (*zip_s16)(const ZipS16& params, const int16_t* a, const int16_t* b, int64_t n,
                  int16_t* out);
  /// out[i] = table[in[i]], table: [256] indexed by the byte (uint8_t(x) for int8 data).
  /// Every unary 8-bit → 8-bit function, requantization between uint8 and int8 included.
  void (*lut_q8)(const uint8_t* in, int64_t n, const uint8_t* table, uint8_t* out);

  /// Σ in[i], in some order.
  float (*sum_f32)(const float* in, int64_t n);
  /// Σ (in[i] ^ flip), exact.
  int64_t (*sum_q8)(const uint8_t* in, int64_t n, uint8_t flip);
  /// The sum of each of `rows` rows of n elements, one after the other. n ≤ 2^23 for bytes.
  void (*row_sums_f32)(const float* in, int64_t rows, int64_t n, float* out);
  void (*row_sums_q8)(const uint8_t* in, int64_t rows, int64_t n, uint8_t flip, int32_t* out);
  /// Largest element, n ≥ 1; NaN is passed over unless all are NaN (then −inf).
  float (*max_f32)(const float* in, int64_t n);
  /// Largest element in the domain of the type, n ≥ 1.
  int32_t (*max_q8)(const uint8_t* in, int64_t n, uint8_t flip);
  /// Index of the first largest element, n ≥ 1; NaN is passed over; 0 if all are NaN.
  int64_t (*argmax_f32)(const float* in, int64_t n);
  int64_t (*argmax_q8)(const uint8_t* in, int64_t n, uint8_t flip);
  /// out[ch] = clamp(Σ_window a[ch] / divisor, lo, hi): average pool, mean over height and width.
  void (*window_sum_f32)(const float* a, const Window& window, int64_t c, float divisor, float lo,
                         float hi, float* out);
  /// out[ch] = mean of 8-bit data over the window; see MeanQ8. Bound: h·w ≤ 2^23.
  void (*window_mean_q8)(const uint8_t* a, const Window& window, int64_t c, const MeanQ8& params,
                         uint8_t* out);
  /// out[ch] = clamp(max_window a[ch], lo, hi); NaN is passed over.
  void (*window_max_f32)(const float* a, const Window& window, int64_t c, float lo, float hi,
                         float* out);
  /// out[ch] = clamp(max_window a[ch], lo, hi) in the domain of the type.
  void (*window_max_q8)(const uint8_t* a, const Window& window, int64_t c, uint8_t flip, int32_t lo,
                        int32_t hi, uint8_t* out);

  /// Of each of `rows` rows of n ≥ 1 elements, one after the other, beta > 0, in place too:
  /// out[i] = e^(beta·(in[i] − max)) / Σ_j e^(beta·(in[j] − max))
  void (*softmax_f32)(const float* in, int64_t rows, int64_t n, float beta, float* out);
  /// 8-bit softmax of each of `rows` rows of n ≥ 1 elements, one after the other; see SoftmaxQ8. In
  /// place too.
  void (*softmax_q8)(const SoftmaxQ8& params, const uint8_t* in, int64_t rows, int64_t n,
                     uint8_t* out);
  /// The same for n = 2, by a table of results: rows of a and b get the two bytes at
  /// table + 2·(255 + a − b), table: [511][2]. table[255 − d] must be table[255 + d] exchanged.
  void (*softmax_pairs_q8)(const uint8_t* in, int64_t rows, const uint8_t* table, uint8_t flip,
                           uint8_t* out);

  /// f32: top and bottom interpolated along x, then along y.
  void (*bilinear_f32)(const BilinearRow&);
  /// The first half of the same for rows that give several pixels for each of theirs:
  /// out[i] = top[i] + (bottom[i] − top[i])·weight
  void (*lerp_rows_f32)(const float* top, const float* bottom, int64_t n, float weight, float* out);
  void (*lerp_pixels_f32)(const LerpPixelsF32&);
  /// The first half of a bilinear resize of 8-bit data, with lerp as in LerpPixelsQ8, weight in
  /// 0 … 32767: out[i] = lerp((top[i] ^ flip)·128, (bottom[i] ^ flip)·128, weight)
  void (*lerp_rows_q8)(const uint8_t* top, const uint8_t* bottom, int64_t n, int16_t weight,
                       uint8_t flip, int16_t* out);
  void (*lerp_pixels_q8)(const LerpPixelsQ8&);

  /// out[i] = clamp(round(in[i] / scale) + zero_point, lo, hi), halves away from zero (std::round,
  /// TFLite's affine quantization), low byte stored. NaN gives lo. scale > 0.
  void (*quantize_q8)(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                      int32_t hi, uint8_t* out);
  /// The same with int16 (or, zero point and limits given so, uint16) results.
  void (*quantize_s16)(const float* in, int64_t n, float scale, int32_t zero_point, int32_t lo,
                       int32_t hi, int16_t* out);
  /// out[i] = float(in[i] − zero_point)·scale
  void (*dequantize_q8)(const uint8_t* in, int64_t n, uint8_t flip, float scale, int32_t zero_point,
                        float* out);
  void (*dequantize_s16)(const int16_t* in, int64_t n, float scale, int32_t zero_point, float* out);
  /// out[i] = clamp(rint(float(in[i])·scale[i·scale_stride]) + zero_point, lo, hi); stride 0 or 1.
  void (*requantize_s32)(const int32_t* in, int64_t n, const float* scale, int64_t scale_stride,
                         int32_t zero_point, int32_t lo, int32_t hi, uint8_t* out);
  /// Smallest and largest of in[i] and 0; NaN is passed over.
  void (*range_f32)(const float* in, int64_t n, float* low, float* high);
  /// out[i] = clamp(round(in[i]·quant.inverse), −128 − zero, 127 − zero) + zero + 128, halves away
  /// from zero: activations as gemm_q8 reads them. NaN gives 0.
  void (*quantize_dynamic)(const float* in, int64_t n, const DynamicQuant& quant, uint8_t* out);
  /// IEEE half ↔ float, exact resp. nearest even; a NaN stays a (quiet) NaN.
  void (*half_to_float)(const uint16_t* in, int64_t n, float* out);
  void (*float_to_half)(const float* in, int64_t n, uint16_t* out);
  /// out[i] = in[i] ^ flip
  void (*xor_copy)(const uint8_t* in, int64_t n, uint8_t flip, uint8_t* out);

  void (*layer_norm_f32)(const LayerNormF32&);
  void (*lstm_cells_f32)(const LstmCellsF32&);
};

/// The tier in use: the best that the CPU has, or what the environment variable CYGNET_ISA
/// (scalar, sse41, avx2, avx512, avx512vnni, avx512vbmi, amx, neon, dotprod, i8mm, wasm_simd128)
/// names, if the CPU has it, else the best below it. An unknown value counts as unset. The variable
/// is read once, at the first call. Any thread may call it.
const KernelTable& kernels();

/// The table of one tier, for tests and benchmarks; null if this CPU or this build lacks it.
const KernelTable* kernels_for(Isa isa);

/// For tests and benchmarks: makes kernels() answer this tier from now on. False, and nothing
/// changes, where the tier is missing. No interpreter may be alive: prepared weights are packed for
/// a tier.
bool select_kernels(Isa isa);

}  // namespace cygnet
