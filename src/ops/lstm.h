// SPDX-License-Identifier: Apache-2.0
// What the two arithmetics of the sequence LSTM share: operands, sizes, and the interface between
// unidirectional_sequence_lstm.cc and lstm_float.cc, lstm_q8.cc.
#pragma once

#include "cygnet/custom_op.h"

namespace cygnet::ops {

/// The four gates, in the order of the operands.
enum LstmGate : int { kInputGate, kForgetGate, kCellGate, kOutputGate, kGates };

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

  explicit LstmOperands(const OpContext& op);
  /// The input gate is 1 − forget gate.
  bool coupled() const { return input_weights[kInputGate] == nullptr; }
  bool has_gate(int gate) const { return gate != kInputGate || !coupled(); }
};

inline constexpr int kOutputState = 18, kCellState = 19;  ///< operand indices

/// Sizes of one operator.
struct LstmSizes {
  int64_t batch = 0, steps = 0, input = 0, cells = 0, output = 0;
  bool time_major = false;
  /// Elements from one step of a sequence to the next and from one sequence to the next, for rows
  /// of `width` elements.
  int64_t step_stride(int64_t width) const { return (time_major ? batch : 1) * width; }
  int64_t batch_stride(int64_t width) const { return (time_major ? 1 : steps) * width; }
};
LstmSizes lstm_sizes(const OpContext& op);

/// f32 throughout: peepholes, coupled gates, projection and layer normalization.
Status prepare_lstm_float(OpContext& op);
Status invoke_lstm_float(OpContext& op);

/// int8 activations and weights, int16 cell state (TFLite's "8x8_16"): coupled gates; no peepholes,
/// projection or layer normalization.
Status check_lstm_q8(const OpContext& op);
Status prepare_lstm_q8(OpContext& op);
Status invoke_lstm_q8(OpContext& op);

}  // namespace cygnet::ops
