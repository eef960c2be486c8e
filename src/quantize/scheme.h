// SPDX-License-Identifier: Apache-2.0
// Scheme: how each operator of the format computes on integers, by the TensorFlow Lite 8-bit
// quantization specification. A line an operator in scheme.cc.
#pragma once

#include <cstdint>

#include "edit/editor.h"
#include "quantize/parameters.h"

namespace cygnet {

/// What an integer operator asks of the scales of its real (float32) operands and results.
enum class ScaleRule {
  own,   ///< each tensor has its own
  same,  ///< all have the same: it moves or selects values
  fixed  ///< results have the type that fixed_type says, whatever was seen
};

/// How an operator is made an integer one.
struct Scheme {
  Builtin op;
  ScaleRule rule = ScaleRule::own;
  bool int8 = true, int16 = true;  ///< activations of these types are taken, here and by LiteRT
  /// Operand with weights and, after it or −1, the bias; −1: no weights.
  int weights = -1, bias = -1;
  int channel_axis = 0;  ///< of the weights: a scale for each index
};

/// The line of an operator, or null: it computes with floats only.
const Scheme* find_scheme(Builtin op);

/// The result's type of an operator of ScaleRule::fixed: [0, 1) for SOFTMAX and LOGISTIC, [−1, 1)
/// for TANH and L2_NORMALIZATION, [−16, 0] for LOG_SOFTMAX.
QuantizedType fixed_type(Builtin op, Type activations);

}  // namespace cygnet
