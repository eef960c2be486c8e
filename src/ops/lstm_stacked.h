// SPDX-License-Identifier: Apache-2.0
// LSTM cells of float activations whose gates are multiplied together: one product for x of all
// steps of all sequences, one a step for h of all sequences, and one pass over the cells.
#pragma once

#include "ops/lstm_common.h"

namespace cygnet::ops {

/// A direction's weights and scratch.
struct StackedLstm {
  const uint8_t* input = nullptr;       ///< [gates · cells, I], packed, f32 with the biases
  const uint8_t* recurrent = nullptr;   ///< [gates · cells, O], packed
  const uint8_t* projection = nullptr;  ///< [O, cells], packed; null: none
  float* bias = nullptr;                ///< hybrid: [gates · cells]
  int32_t* input_sums = nullptr;        ///< hybrid, asymmetric: Σ of each row of the weights
  int32_t* hidden_sums = nullptr;
  int32_t* projection_sums = nullptr;
  int from_x = -1;  ///< scratch: [rows of x][gates][cells]
  int from_h = -1;  ///< scratch: [batch][gates][cells]
  int hidden = -1;  ///< scratch: [batch][cells] before the projection
  int codes = -1;   ///< scratch, hybrid: the rows of one product
  int quants = -1;
};

/// Whether a direction is one that this file computes: constant weights, no auxiliary input, no
/// peepholes, no layer normalization, no diagonals, tanh.
bool can_stack(const OpContext& op, const LstmLayer& layer);
Status prepare_stacked(OpContext& op, const LstmLayer& layer, StackedLstm* s);
void invoke_stacked(OpContext& op, const LstmLayer& layer, const StackedLstm& s);

}  // namespace cygnet::ops
