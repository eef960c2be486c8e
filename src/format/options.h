// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/status.h"
#include "graph/graph.h"
#include "schema/tflite_generated.h"

namespace cygnet {

/// Finds the option table of an operator whose name, code and definition `node` already has, and
/// checks it: each union has a value if and only if it names one (C2), the table is the one that
/// the operator takes (C8), and every enumeration in it has a value that exists (C9). Operators
/// that this build does not have are checked alike. `node->options` stays null where the file has
/// no table.
Status read_builtin_options(const schema::Operator& source, Node* node);

/// The option table that a builtin operator takes; NONE where it takes none of that union.
schema::BuiltinOptions options_of(int32_t builtin);
schema::BuiltinOptions2 options_2_of(int32_t builtin);

}  // namespace cygnet
