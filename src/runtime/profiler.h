// SPDX-License-Identifier: Apache-2.0
// Profiler: where the time of a plan goes, step by step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/vector.h"

namespace cygnet {

/// Times of the steps of one plan over any number of runs. Attached with Interpreter::set_profiler;
/// the steps of subgraphs that a step calls count as that step. Not thread safe.
class Profiler {
 public:
  /// Wall time of one step, in nanoseconds, over the runs since `clear`.
  struct Times {
    int64_t least_ns = INT64_MAX;
    int64_t total_ns = 0;
    int64_t runs = 0;
  };

  /// Forgets all times.
  void clear() { steps_.clear(); }
  /// Makes room for `steps` steps and starts the clock of step 0. Short memory shows as
  /// base::ran_short, and times of steps without room are not kept.
  void start_run(size_t steps);
  /// Step `i` has ended; the clock of the next one starts.
  void end_step(size_t i);
  /// By the index of the step in Plan::steps; empty before the first run.
  const Vector<Times>& steps() const { return steps_; }

 private:
  Vector<Times> steps_;
  int64_t started_ns_ = 0;
};

}  // namespace cygnet
