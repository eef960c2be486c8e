// SPDX-License-Identifier: Apache-2.0
// Which layer of a network goes wrong: by itself, not by what it is given.
#pragma once

#include "quantize/compare.h"

namespace cygnet {

/// Sets `wrong` of the layers, `first_wrong` and `verdict`. A layer is judged by its own SQNR, on
/// A's values. Layers that compute in floats on both sides must reach kFloatDb. The others must
/// reach the usual SQNR of this network less six of its usual deviations (median, median absolute
/// deviation of at least 1.5 dB), at least kLeastDb and at most kMostDb, or there must be an
/// excuse:
/// - rounding to the tensor's type alone does as much, the values use that type's range, and only
///   few are cut off;
/// - the type's range is much too large, but it is the one that the format prescribes (softmax,
///   logistic, tanh, l2-norm), that of a neighbour which uses it (concatenation, pool, reshape), or
///   all that reads the tensor adds or joins it to something as coarse;
/// - no value is off by more than a step or so;
/// - an operand loses as much when it is rounded to its type.
/// Besides, a bias must have the scale that its layer's operand and weights have together. Where it
/// has not, `retry` tells whether the operand's or the weights' is the wrong one: the own SQNR of a
/// layer when a tensor's scales are multiplied by a factor.
using Retry = std::function<double(int layer, int32_t tensor, double factor)>;
void find_wrong_layer(const Graph& a, const Graph& b, const Retry& retry,
                      NetworkComparison* comparison);

inline constexpr double kFloatDb = 60;
inline constexpr double kLeastDb = 12, kMostDb = 25;

}  // namespace cygnet
