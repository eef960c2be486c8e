// SPDX-License-Identifier: Apache-2.0
// What the recurrent operators share: weight matrices that rows of float activations are multiplied
// with, in f32 or "hybrid", and the activation of a row.
//
// Hybrid: int8 weights with one scale and zero point 0 (files of 2018 call such weights UINT8).
// Each row of activations is quantized when it arrives: symmetric, to −127 … 127 by its largest
// magnitude, or asymmetric, to −128 … 127 by its range, which holds 0. The products are exact
// integers; a sum is scaled by the row's scale times the weights'. Source:
// tensorflow/lite/kernels/internal/reference/portable_tensor_utils.cc.
#pragma once

#include "cygnet/custom_op.h"
#include "ops/fixed_point.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// Rows of activations [count, k] and, where a hybrid matrix reads them, the same quantized.
struct ActivationRows {
  const float* values = nullptr;
  int64_t stride = 0;  ///< elements from one row to the next
  int64_t count = 0;
  uint8_t* codes = nullptr;  ///< [count][k], 128 above the signed value
  float* scales = nullptr;   ///< [count]
  int32_t* zeros = nullptr;  ///< [count] of the signed value
};

/// Scratch memory for the codes of rows.
struct RowScratch {
  int codes = -1, scales = -1, zeros = -1;
};
/// In prepare: for up to `rows` rows of up to `k` elements.
Status request_rows(OpContext& op, int64_t rows, int64_t k, RowScratch* scratch);

/// How hybrid weights take their rows.
enum class RowCodes : uint8_t { none, symmetric, asymmetric };
inline RowCodes row_codes(Type weights, bool asymmetric) {
  return weights == Type::float32 ? RowCodes::none
         : asymmetric             ? RowCodes::asymmetric
                                  : RowCodes::symmetric;
}

/// A weight matrix [n, k], f32 or hybrid; or the diagonal [n] of one, f32.
struct WeightMatrix {
  const Tensor* weights = nullptr;  ///< null: there is none
  int64_t n = 0, k = 0;
  RowCodes codes = RowCodes::none;
  const float* packed_f32 = nullptr;   ///< for the kernels; null: plain loops
  const uint8_t* packed_q8 = nullptr;  ///< for the kernels; null: plain loops
  int32_t* row_sums = nullptr;  ///< [n] Σ_k of the weights, beside packed_q8 when asymmetric
  bool hybrid() const { return weights != nullptr && weights->type != Type::float32; }
  bool diagonal() const { return weights->shape.rank == 1; }
};
/// In prepare: packs constant weights. `weights` may be null.
Status prepare_matrix(OpContext& op, const Tensor* weights, RowCodes codes, WeightMatrix* m);

/// Rows at `values`, which lie `stride` elements apart; quantized as `codes` says.
ActivationRows make_rows(const OpContext& op, const RowScratch& scratch, RowCodes codes,
                         const float* values, int64_t stride, int64_t count, int64_t k);

/// out[i][j] = Σ_k row_i[k] · m[j][k]; rows of `out` lie out_stride elements apart.
void multiply(const WeightMatrix& m, const ActivationRows& rows, float* out, int64_t out_stride);

/// An int8 weight matrix [n, k] for int8 activations, whose zero point is folded into `bias`.
struct IntegerMatrix {
  const int8_t* plain = nullptr;
  const uint8_t* packed = nullptr;  ///< for the kernels; null: plain loops
  int32_t* bias = nullptr;          ///< [n], for the signed activations of the plain loops
  Multiplier scale;                 ///< of the sums
  int64_t n = 0, k = 0;
};
/// In prepare, of constant weights: `bias` may be null; `zero` is of the activations, `scale` that
/// of the sums in units of the result.
Status prepare_integer_matrix(OpContext& op, const Tensor& weights, const Tensor* bias,
                              int32_t zero, double scale, IntegerMatrix* m);
/// out[i][j] = Σ_k (x[i][k] − zero point) · m[j][k] + bias[j]; x twice, as it is and for the
/// kernels: `biased` by 128, without gaps.
void multiply(const IntegerMatrix& m, const int8_t* x, const uint8_t* biased, int64_t x_stride,
              int64_t rows, int32_t* out, int64_t out_stride);
/// int8 to the kernels' unsigned form.
void bias_codes(const int8_t* from, int64_t n, uint8_t* to);

/// v ← activation(v): NONE, RELU, RELU_N1_TO_1, RELU6, TANH or SIGN_BIT.
void activate(const OpContext& op, schema::ActivationFunctionType activation, float* v, int64_t n);
/// v ← 1/(1 + e^−v).
void sigmoid(const OpContext& op, float* v, int64_t n);

/// Type and quantization of the weights of float activations: all FLOAT32, or all INT8 (UINT8) with
/// one scale and zero point 0. `type` is that of the first.
Status check_weights_type(const char* name, const Tensor& weights, Type type);

}  // namespace cygnet::ops
