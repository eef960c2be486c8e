// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "edit/writer.h"

namespace cygnet::cli {

/// One tensor beside what was recorded for it.
struct Comparison {
  std::string tensor;
  double largest = 0;      ///< difference of any value; infinite where just one of the two is NaN
  double range = 0;        ///< of the recorded finite values
  bool same_shape = true;  ///< and type; otherwise nothing else is known
  bool agrees = false;     ///< largest <= tolerance * range
};

/// Runs a converted model on recorded inputs (keys "in:NAME") and compares with what its source
/// computed (keys "out:NAME": outputs, or tensors on the way, by their names; outputs also by their
/// order, where no name is the model's). In the order of execution, outputs last. Throws Failure
/// when an input or output is not recorded, or the model can't run on the inputs.
std::vector<Comparison> verify(const TfliteFile& file, const std::string& name,
                               const std::string& recorded, double tolerance);

/// Prints them as a table.
void print(const std::vector<Comparison>& comparisons);

}  // namespace cygnet::cli
