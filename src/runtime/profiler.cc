// SPDX-License-Identifier: Apache-2.0
#include "runtime/profiler.h"

#include <algorithm>

#include "base/clock.h"

namespace cygnet {

void Profiler::start_run(size_t steps) {
  if (steps_.size() < steps && reserve_or_fail(steps_, steps)) steps_.resize(steps);
  started_ns_ = base::now_ns();
}

void Profiler::end_step(size_t i) {
  const int64_t now = base::now_ns();
  if (i < steps_.size()) {
    Times& times = steps_[i];
    times.least_ns = std::min(times.least_ns, now - started_ns_);
    times.total_ns += now - started_ns_;
    ++times.runs;
  }
  started_ns_ = now;
}

}  // namespace cygnet
