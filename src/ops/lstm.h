// SPDX-License-Identifier: Apache-2.0
// What the sequence LSTMs share: operands, sizes, checks, and the interface between the operators
// (unidirectional_sequence_lstm.cc, bidirectional_sequence_lstm.cc) and the two arithmetics
// (lstm_float.cc, lstm_q8.cc).
#pragma once

#include <span>

#include "cygnet/custom_op.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// The four gates, in the order of the operands.
enum LstmGate : int { kInputGate, kForgetGate, kCellGate, kOutputGate, kGates };

/// Where the operands of one direction are.
struct LstmIndices {
  int first;            ///< input weights; recurrent weights, peepholes, biases, projection follow
  int output_state;     ///< h
  int cell_state;       ///< c
  int layer_norm = -1;  ///< −1: there are none
};
/// Of UNIDIRECTIONAL_SEQUENCE_LSTM.
inline constexpr int kOutputState = 18, kCellState = 19;
inline constexpr LstmIndices kOneDirection{1, kOutputState, kCellState, 20};

/// Operands by role; null where absent.
struct LstmOperands {
  const Tensor* x;                          ///< [B, T, I], or [T, B, I] with time_major
  const Tensor* input_weights[kGates];      ///< [C, I]
  const Tensor* recurrent_weights[kGates];  ///< [C, O]
  const Tensor* peephole[kGates];           ///< [C]; the cell gate has none
  const Tensor* bias[kGates];               ///< [C]
  const Tensor* projection_weights;         ///< [O, C]
  const Tensor* projection_bias;            ///< [O]
  const Tensor* layer_norm[kGates];         ///< [C]
  LstmIndices at;

  explicit LstmOperands(const OpContext& op, const LstmIndices& indices = kOneDirection);
  /// The input gate is 1 − forget gate.
  bool coupled() const { return input_weights[kInputGate] == nullptr; }
  bool has_gate(int gate) const { return gate != kInputGate || !coupled(); }
};

/// Sizes of one direction.
struct LstmSizes {
  int64_t batch = 0, steps = 0, input = 0, cells = 0, output = 0;
  bool time_major = false;
  /// Elements from one step of a sequence to the next and from one sequence to the next, for rows
  /// of `width` elements.
  int64_t step_stride(int64_t width) const { return (time_major ? batch : 1) * width; }
  int64_t batch_stride(int64_t width) const { return (time_major ? 1 : steps) * width; }
};
LstmSizes lstm_sizes(const LstmOperands& in, bool time_major);
/// Of UNIDIRECTIONAL_SEQUENCE_LSTM.
LstmSizes lstm_sizes(const OpContext& op);

/// Types of input and weights, ranks, which optional operands belong together, shapes, types and
/// sizes of the states; f32 and int8.
Status check_lstm(OpContext& op, const LstmOperands& in, bool time_major);
/// Clips are finite and >= 0.
Status check_lstm_clips(float cell_clip, float proj_clip);
/// Multiply-adds of one direction.
int64_t lstm_macs(const LstmOperands& in, const LstmSizes& size);

/// One direction in f32: peepholes, coupled gates, projection and layer normalization.
struct LstmLayer {
  LstmOperands in;
  LstmSizes size;
  schema::ActivationFunctionType activation;
  float cell_clip, proj_clip;
  bool backwards = false;  ///< from the last step to the first
  int output = 0;          ///< index of the output that takes the results
  int64_t row = 0;         ///< elements of a row of that output
  int64_t column = 0;      ///< where in the row this direction's results begin
};
inline constexpr int kMostLstmLayers = 2;
/// At most kMostLstmLayers, which run one after the other; the same in prepare and invoke.
Status prepare_lstm_float(OpContext& op, std::span<const LstmLayer> layers);
Status invoke_lstm_float(OpContext& op, std::span<const LstmLayer> layers);

/// UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and weights, int16 cell state (TFLite's
/// "8x8_16"): coupled gates; no peepholes, projection or layer normalization.
Status check_lstm_q8(const OpContext& op);
Status prepare_lstm_q8(OpContext& op);
Status invoke_lstm_q8(OpContext& op);

}  // namespace cygnet::ops
