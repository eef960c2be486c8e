// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "importers/tensorflow/source.h"

namespace cygnet::tensorflow {

/// Whether the operator is a variable: VarHandleOp and the TF1 kinds.
bool is_variable_op(std::string_view op);

/// Finds out which tensor of the checkpoint belongs to which variable: by what the graph's own
/// restore operator (SaverDef.restore_op_name) assigns, in the graph or in the function it calls;
/// for variables that it leaves out by name (shared_name, node name, or the full name that the
/// checkpoint's object graph gives). Variables without a tensor are left out. Throws Failure where
/// the restore operator is malformed.
Variables match_variables(const GraphDef& graph, const SaverDef& saver,
                          const Checkpoint& checkpoint);

}  // namespace cygnet::tensorflow
