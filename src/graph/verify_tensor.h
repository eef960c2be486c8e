// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/budget.h"
#include "graph/graph.h"
#include "graph/limits.h"

namespace cygnet {

/// Checks the rules T on one tensor: type, shape, constant bytes, strings, sparsity, quantization.
/// Messages begin with the rule's id; the caller adds where the tensor is.
Status verify_tensor(const GraphTensor& tensor, const Limits& limits, Budget* budget);

/// Rule T7: checks the description of a sparse tensor; `*stored` is the number of elements that its
/// buffer holds.
Status verify_sparsity(const GraphTensor& tensor, Budget* budget, int64_t* stored);

}  // namespace cygnet
