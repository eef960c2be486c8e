// SPDX-License-Identifier: Apache-2.0
// What the fusions of steps have in common.
#pragma once

#include <utility>

#include "runtime/plan.h"

namespace cygnet {

/// Whether a prepared step computes its one output by parts and gains by it: steps on 8 bits take
/// less time than what is between parts of them.
inline bool gains_by_parts(const Step& step) {
  return step.op->pure && step.op->by_parts != nullptr && step.context.outputs() == 1 &&
         type_bits(step.context.output(0).type) > 8 && step.op->by_parts(step.context);
}

/// Makes `steps` the steps of a plan; where[s] is the one that step s of before is, or belongs to.
inline void replace_steps(Plan* plan, Vector<Step> steps, const Vector<int32_t>& where) {
  plan->steps = std::move(steps);
  for (ArenaBlock& block : plan->blocks) {
    block.first = where[block.first];
    block.last = where[block.last];
  }
}

}  // namespace cygnet
