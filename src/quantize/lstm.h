// SPDX-License-Identifier: Apache-2.0
// Lstm: UNIDIRECTIONAL_SEQUENCE_LSTM as an integer operator. Activations and weights are int8, the
// weights with one scale, peephole weights and normalization coefficients int16, biases int32; the
// cell state is int16 with a power of two as scale, the output state has the type of the results.
// Source: TensorFlow Lite's operator properties and tensorflow/lite/kernels/lstm_eval.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "edit/patch.h"
#include "quantize/ranges.h"

namespace cygnet {

/// Operands of UNIDIRECTIONAL_SEQUENCE_LSTM that it keeps from step to step: h and c.
inline constexpr size_t kLstmOutputState = 18, kLstmCellState = 19;

inline bool is_lstm(const Patch& patch, int32_t n) {
  return patch.is(n, Builtin::UNIDIRECTIONAL_SEQUENCE_LSTM);
}

/// What an LSTM's states hold while it runs. Only the last of it can be seen after a run, so the
/// layer is computed anew. Its h after each step are its results (with a projection too).
class LstmStates {
 public:
  /// Of node n; nothing where it is no LSTM of float tensors and constants, or begins with a state
  /// that it does not know: one that is neither 0 nor copied by a SELECT_V2 that never selects.
  static std::optional<LstmStates> of(const Subgraph& graph, int32_t n);

  int32_t node() const { return n_; }
  /// Computes the states from the operands in `tensors`, by tensor index, after a run.
  void compute(std::span<const Tensor> tensors);
  /// Of the output state h [B, O] before the first step; of the cell state c [T, B, C] after each
  /// step.
  const std::vector<float>& values_of(int32_t state) const;

 private:
  LstmStates(const Subgraph& graph, int32_t n) : graph_(&graph), n_(n) {}
  std::vector<float> initial(size_t operand, std::span<const Tensor> tensors) const;

  const Subgraph* graph_;
  int32_t n_;
  std::vector<float> first_, cells_;
};

/// Why the LSTM n can't become an integer operator; empty: it can. `seen`: by tensor, its states'
/// among them.
std::string lstm_obstacle(const Patch& patch, int32_t n, const std::map<int32_t, Interval>& seen);

/// Makes the LSTM n an integer operator: weights, biases, states, intermediate tensors. Its result
/// has its type already; x, int8, takes the place of operand 0.
void make_lstm_integer(Patch& patch, int32_t n, int32_t x, const std::map<int32_t, Interval>& seen);

}  // namespace cygnet
