// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "edit/writer.h"

namespace cygnet::cli {

/// Runs a converted model on recorded inputs (keys "in:NAME") and compares with what its source
/// computed (keys "out:NAME": outputs, or tensors on the way, by their names). Prints a table; throws
/// Failure that names the first tensor, in the order of execution, whose largest difference exceeds
/// `tolerance` times the range of the recorded values.
void verify(const TfliteFile& file, const std::string& name, const std::string& recorded,
            double tolerance);

}  // namespace cygnet::cli
