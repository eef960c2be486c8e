// SPDX-License-Identifier: Apache-2.0
#include "passes/pass.h"

namespace cygnet::passes {

/// Removes operators whose results nobody reads.
extern const Pass kRemoveDead;
const Pass kRemoveDead = {
    .name = "remove-dead",
    .summary = "operators whose results nobody reads",
    .level = PassLevel::safe,
    .run = [](Patch& patch, const PassOptions&) { return patch.remove_dead(); }};

}  // namespace cygnet::passes
