// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/registry.h"

namespace cygnet {

/// All operators of this build, the ecosystem's custom ones included.
const OpRegistry& builtin_ops();

}  // namespace cygnet
