// SPDX-License-Identifier: Apache-2.0
// Recurrent layers in terms of the format's operators.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "edit/editor.h"

namespace cygnet {

/// A float tensor of `dims`, one of which, −1, is the batch of dimension `axis` of x; each element
/// is `value`. Two operators, STRIDED_SLICE and SELECT_V2, whose shapes are known before the run as
/// FILL's are not. The batch is read off the first float input of the subgraph that has it, else
/// off the first of `sources` that does; kAbsent where none does.
int32_t fill_batch(Editor& e, int32_t x, int axis, const std::vector<int32_t>& dims, float value,
                   const std::string& name, const std::vector<int32_t>& sources);

/// An LSTM cell's constants; the gates in the format's order: input, forget, cell, output.
struct LstmWeights {
  std::array<int32_t, 4> input{};      ///< [units, channels]
  std::array<int32_t, 4> recurrent{};  ///< [units, units]
  std::array<int32_t, 4> bias{};       ///< [units]
  schema::ActivationFunctionType activation = schema::ActivationFunctionType::TANH;
};

/// UNIDIRECTIONAL_SEQUENCE_LSTM of x [N, T, C], any N. Every run starts from `state`, h and c
/// [N, units], where kAbsent is zeros. Returns [N, T, units], or kAbsent where fill_batch does. The
/// state's variables are results of operators that set them: so their shape follows N, and a run
/// does not begin where the one before ended.
int32_t add_sequence_lstm(Editor& e, int32_t x, const LstmWeights& weights, const std::string& name,
                          std::array<int32_t, 2> state = {kAbsent, kAbsent});

/// Steps of x [N, T, ...] in reverse order, or of [T, N, ...] with axis 0.
int32_t add_reverse(Editor& e, int32_t x, int axis, const std::string& name);

/// The last step of x [N, T, C]: [N, C].
int32_t add_last_step(Editor& e, int32_t x, const std::string& name);

}  // namespace cygnet
