// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "graph/limits.h"

namespace cygnet {

/// Checks the rules T on one tensor: type, shape, constant bytes, strings, sparsity, quantization.
/// Messages begin with the rule's id; the caller adds where the tensor is.
Status verify_tensor(const GraphTensor& tensor, const Limits& limits);

}  // namespace cygnet
