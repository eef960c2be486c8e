// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "format/model.h"
#include "runtime/op_driver.h"
#include "runtime/plan.h"

namespace cygnet {

/// Starts a plan: tensors with the shapes that the file gives, constants in place, no memory. Its
/// resources stay.
Status start_plan(const Model& model, int subgraph, Plan* plan);

/// Makes the plan of a subgraph whose inputs have the shapes in `plan->tensors`: infers every
/// operator, folds those whose inputs are all constant, prepares the rest, places tensors and
/// scratch in the arena and takes all memory. On an error the plan must be started anew.
Status make_plan(const Model& model, int subgraph, const InterpreterOptions& options,
                 OpDriver* driver, Plan* plan);

}  // namespace cygnet
