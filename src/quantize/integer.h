// SPDX-License-Identifier: Apache-2.0
// Integer: a float graph into one that computes on integers.
#pragma once

#include <string>
#include <vector>

#include "quantize/types.h"

namespace cygnet {

/// What became of a graph.
struct IntegerReport {
  int integer = 0;                  ///< operators that compute on integers now
  int requantized = 0;              ///< QUANTIZE from integers to integers that had to be added
  std::vector<FloatOperator> left;  ///< operators on real numbers that stay float
};

/// Makes the main subgraph's operators integer ones as far as choose_types says, with QUANTIZE and
/// DEQUANTIZE where integers and floats meet. Inputs and outputs keep their names. Throws Failure.
IntegerReport make_integer(Draft& draft, const OpRegistry& registry, const TensorFindings& findings,
                           const IntegerOptions& options);

/// Gives tensor i an integer type; the parameters live as long as the draft.
void set_type(Editor& editor, int32_t i, const QuantizedType& type);
/// A constant with the integers of float constant i, under its name.
int32_t quantized_constant(Editor& editor, int32_t i, const QuantizedType& type, bool narrow);

}  // namespace cygnet
