// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/vector.h"

namespace cygnet {

struct Step;

/// Which steps of a plan run on several threads. What a shared loop costs, the waking of threads
/// and the way of data from one cache to another, only this machine tells: the first runs, which
/// have the same results, are measured with and without. A step is shared where that is faster, the
/// plan only where it is faster as a whole. What else the machine did meanwhile may have misled it,
/// so all is measured again after some runs, and ever more seldom. Not thread safe.
class ThreadChoice {
 public:
  /// Runs after which all is decided.
  static constexpr int kMeasuredRuns = 24;

  /// The plan is new. Until something else is known all steps with Step::may_share are shared.
  void start(Vector<Step>& steps, int threads);
  /// Before a run. Whether it is measured: then end_step and end_run are to be called.
  bool begin_run(Vector<Step>* steps);
  void end_step(Step* step);
  void end_run(Vector<Step>* steps);

 private:
  /// What a run is for, in the order of the runs.
  enum class Way : uint8_t { shared, alone, mixed, decided };
  static constexpr int kWays = 3;
  static constexpr int kRuns = kMeasuredRuns / kWays;  ///< of each; the first one only warms up
  static constexpr int64_t kFirstWait = 32, kWaitGrowth = 8;  ///< runs until all is measured again

  void measure(Vector<Step>* steps);
  void choose_best(Vector<Step>* steps);

  Way way_ = Way::decided;
  int run_ = 0;        ///< of this way
  int64_t wait_ = -1;  ///< decided: runs until all is measured again; negative: never
  int64_t next_wait_ = kFirstWait;
  int64_t least_ns_[kWays] = {INT64_MAX, INT64_MAX, INT64_MAX};  ///< of whole runs, by way
  int64_t run_started_ns_ = 0, step_started_ns_ = 0;
};

}  // namespace cygnet
