// SPDX-License-Identifier: Apache-2.0
// What the operators with an LSTM cell share: operands, sizes, checks, and the interface between
// the operators (lstm.cc, unidirectional_sequence_lstm.cc, bidirectional_sequence_lstm.cc) and the
// two arithmetics (lstm_float.cc, lstm_q8.cc).
#pragma once

#include <span>

#include "cygnet/custom_op.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {

/// The four gates, in the order of the operands.
enum LstmGate : int { kInputGate, kForgetGate, kCellGate, kOutputGate, kGates };

/// Where the operands of one direction are; −1: there are none.
struct LstmIndices {
  int first;         ///< input weights; recurrent weights, peepholes, biases, projection follow
  int output_state;  ///< h
  int cell_state;    ///< c
  int layer_norm = -1;
  int x = 0;
  int aux = -1;          ///< auxiliary input, beside x
  int aux_weights = -1;  ///< of the input gate; the other gates' follow
};
/// Of LSTM's full kernel and UNIDIRECTIONAL_SEQUENCE_LSTM.
inline constexpr int kOutputState = 18, kCellState = 19;
inline constexpr LstmIndices kOneDirection{1, kOutputState, kCellState, 20};

/// Operands by role; null where absent.
struct LstmOperands {
  const Tensor* x;    ///< [B, T, I], or [T, B, I] with time_major; [B, I] for one step
  const Tensor* aux;  ///< as x, of A elements in place of I
  const Tensor* input_weights[kGates];      ///< [C, I]
  const Tensor* aux_weights[kGates];        ///< [C, A]
  const Tensor* recurrent_weights[kGates];  ///< [C, O], or [C], the diagonal
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
  bool normalized() const { return layer_norm[kForgetGate] != nullptr; }
};

/// Sizes of one direction.
struct LstmSizes {
  int64_t batch = 0, steps = 0, input = 0, aux = 0, cells = 0, output = 0;
  bool time_major = false;
  /// Elements from one step of a sequence to the next and from one sequence to the next, for rows
  /// of `width` elements.
  int64_t step_stride(int64_t width) const { return (time_major ? batch : 1) * width; }
  int64_t batch_stride(int64_t width) const { return (time_major ? 1 : steps) * width; }
};

/// One direction: peepholes, coupled gates, projection and layer normalization.
struct LstmLayer {
  LstmOperands in;
  LstmSizes size;
  schema::ActivationFunctionType activation = schema::ActivationFunctionType::TANH;
  float cell_clip = 0, proj_clip = 0;
  bool asymmetric = false;  ///< hybrid: how rows of activations are quantized
  bool backwards = false;   ///< from the last step to the first
  int output = 0;           ///< index of the output that takes the results
  int64_t row = 0;          ///< elements of a row of that output
  int64_t column = 0;       ///< where in the row this direction's results begin
};

/// A direction whose operands have the ranks that check_lstm wants, with the options that all
/// tables have.
template <class Options>
LstmLayer lstm_layer(const OpContext& op, const Options& options, const LstmIndices& indices,
                     bool time_major);
LstmSizes lstm_sizes(const LstmOperands& in, bool time_major);

/// Types of input and weights, ranks, which optional operands belong together, shapes, types and
/// sizes of the states: f32, hybrid (recurrent.h) and int8. `x_rank` is 2 or 3; `diagonals`:
/// recurrent weights may be diagonals.
Status check_lstm(OpContext& op, const LstmOperands& in, int x_rank, bool time_major,
                  bool diagonals);
/// Clips are finite and >= 0, the activation is one that a cell has.
Status check_lstm_options(const LstmLayer& layer);
/// Multiply-adds of one direction.
int64_t lstm_macs(const LstmLayer& layer);

inline constexpr int kMostLstmLayers = 2;
/// f32 and hybrid: at most kMostLstmLayers, which run one after the other; the same in prepare and
/// invoke.
Status prepare_lstm_float(OpContext& op, std::span<const LstmLayer> layers);
Status invoke_lstm_float(OpContext& op, std::span<const LstmLayer> layers);

/// int8 activations and weights, int16 cell state (TFLite's "8x8_16"); the activation is tanh.
Status check_lstm_q8(const OpContext& op, const LstmLayer& layer);
Status prepare_lstm_q8(OpContext& op, const LstmLayer& layer);
Status invoke_lstm_q8(OpContext& op, const LstmLayer& layer);

/// LSTM with five operands, one weight matrix for all gates (TFLite's "basic" kernel): f32, uint8.
Status infer_lstm_basic(OpContext& op);
Status prepare_lstm_basic(OpContext& op);
Status invoke_lstm_basic(OpContext& op);

template <class Options>
LstmLayer lstm_layer(const OpContext& op, const Options& options, const LstmIndices& indices,
                     bool time_major) {
  const LstmOperands in(op, indices);
  const LstmSizes size = lstm_sizes(in, time_major);
  return {.in = in,
          .size = size,
          .activation = options.fused_activation_function(),
          .cell_clip = options.cell_clip(),
          .proj_clip = options.proj_clip(),
          .asymmetric = options.asymmetric_quantize_inputs(),
          .row = size.output};
}

}  // namespace cygnet::ops
