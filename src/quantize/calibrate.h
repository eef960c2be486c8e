// SPDX-License-Identifier: Apache-2.0
// Calibration: runs a float network on samples and watches its tensors.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "edit/draft.h"
#include "quantize/samples.h"
#include "quantize/statistics.h"

namespace cygnet {

struct CalibrateOptions {
  int threads = 1;
  bool histograms = true;        ///< without them only min-max and moving averages can be chosen
  std::set<std::string> only{};  ///< names (statistics_names) of tensors to watch; empty: all
  std::function<void(size_t done)> progress{};
};

/// By tensor of a subgraph, the name that its statistics have: the tensor's, with "#" and its index
/// where it has none or that of a tensor before it.
std::vector<std::string> statistics_names(const Subgraph& subgraph);

/// Statistics of (or of some of) the float32 tensors of the main subgraph that are no constants,
/// the same bits for every number of threads. Throws Failure: no sample can be read, a sample does
/// not fit, or an operator's result has NaN or infinities (the first such layer is named).
Statistics calibrate(const Draft& draft, const SampleSource& samples,
                     const CalibrateOptions& options);

}  // namespace cygnet
