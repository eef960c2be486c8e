// SPDX-License-Identifier: Apache-2.0
// One step of a recurrent layer.
#pragma once

#include <string>

#include "importers/keras/layers.h"

namespace cygnet::keras {

enum class Kind { simple, lstm, gru };

/// A cell's settings and its constants in the draft.
struct Cell {
  Kind kind = Kind::simple;
  int32_t units = 0;
  Config activation;
  Config recurrent_activation;
  bool reset_after = false;
  int32_t kernel = kAbsent;          ///< [gates·units, C]
  int32_t recurrent = kAbsent;       ///< [gates·units, units]
  int32_t recurrent_new = kAbsent;   ///< GRU with the reset before: [units, units]
  int32_t bias = kAbsent;            ///< [gates·units]
  int32_t recurrent_bias = kAbsent;  ///< GRU with the reset after: [3·units]
};

/// The kind that a layer or cell class computes. Throws Failure for classes without one.
Kind kind_of(const Layer& l, const std::string& name);

/// Rows [first, first + count) of a matrix or vector constant.
int32_t rows(Layer& l, int32_t constant, int32_t first, int32_t count);

/// The cell that `c` sets up, for inputs of `channels`; its weights become constants.
Cell load(Layer& l, Kind kind, const Config& c, Weights weights, int32_t channels);

/// The same cell with its constants in the subgraph of `inside`.
Cell moved(const Layer& from, Layer& inside, const Cell& cell);

/// The state behind one step: {h}, or {h, c} of an LSTM. `state` is the one before, empty where it
/// is zeros; w: x·W + b of this step.
Tensors step(Layer& l, const Cell& cell, int32_t w, const Tensors& state);

}  // namespace cygnet::keras
