// SPDX-License-Identifier: Apache-2.0
#include "runtime/thread_choice.h"

#include <algorithm>

#include "base/clock.h"
#include "runtime/op_driver.h"

namespace cygnet {
namespace {

// A step is shared where that saves a tenth of its time, a plan where it saves 3 %: less may be
// chance, and costs the other processors.
bool saves(int64_t shared_ns, int64_t alone_ns, int64_t percent) {
  return alone_ns < INT64_MAX && shared_ns < alone_ns - alone_ns / 100 * percent;
}

}  // namespace

void ThreadChoice::start(Vector<Step>& steps, int threads) {
  *this = {};
  bool any = false;
  for (Step& step : steps) {
    if (step.dynamic || !step.callees.empty()) continue;  // they differ from run to run
    OpDriver::set_alone(&step, !step.may_share);
    any |= step.may_share;
  }
  if (any && threads > 1) measure(&steps);
}

void ThreadChoice::measure(Vector<Step>* steps) {
  for (Step& step : *steps) step.alone_ns = step.shared_ns = INT64_MAX;
  for (int64_t& least : least_ns_) least = INT64_MAX;
  way_ = Way::shared;
  run_ = 0;
}

bool ThreadChoice::begin_run(Vector<Step>* steps) {
  if (way_ == Way::decided) {
    if (wait_ < 0 || --wait_ > 0) return false;
    measure(steps);
  }
  if (run_ == 0)
    for (Step& step : *steps)
      if (step.may_share)
        OpDriver::set_alone(&step,
                            way_ == Way::alone ||
                                (way_ == Way::mixed && !saves(step.shared_ns, step.alone_ns, 10)));
  run_started_ns_ = step_started_ns_ = base::now_ns();
  return true;
}

void ThreadChoice::end_step(Step* step) {
  const int64_t now = base::now_ns();
  if (run_ > 0 && way_ != Way::mixed) {
    int64_t& least = way_ == Way::alone ? step->alone_ns : step->shared_ns;
    least = std::min(least, now - step_started_ns_);
  }
  step_started_ns_ = now;
}

void ThreadChoice::end_run(Vector<Step>* steps) {
  if (run_ > 0) {
    int64_t& least = least_ns_[static_cast<int>(way_)];
    least = std::min(least, base::now_ns() - run_started_ns_);
  }
  if (++run_ < kRuns) return;
  run_ = 0;
  way_ = static_cast<Way>(static_cast<int>(way_) + 1);
  if (way_ == Way::decided) choose_best(steps);
}

void ThreadChoice::choose_best(Vector<Step>* steps) {
  const int64_t alone = least_ns_[static_cast<int>(Way::alone)],
                shared = least_ns_[static_cast<int>(Way::shared)],
                mixed = least_ns_[static_cast<int>(Way::mixed)];
  wait_ = next_wait_;
  next_wait_ *= kWaitGrowth;
  const bool gains = saves(std::min(shared, mixed), alone, 3);
  for (Step& step : *steps)
    if (step.may_share)
      OpDriver::set_alone(&step,
                          !gains || (mixed <= shared && !saves(step.shared_ns, step.alone_ns, 10)));
}

}  // namespace cygnet
