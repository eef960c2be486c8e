// SPDX-License-Identifier: Apache-2.0
// Pass: Graph → Graph, harmless, provable.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "edit/patch.h"

namespace cygnet {

/// How much a pass may change the numbers.
enum class PassLevel {
  safe,  ///< not a bit
  fuse,  ///< float rounding
  lossy  ///< more, on request
};

struct PassOptions {
  PassLevel level = PassLevel::fuse;
  std::set<std::string> disabled;           ///< names of passes to leave out
  int64_t constant_bytes = 256 << 20;       ///< budget of constant folding
  std::function<void(const char*)> notify;  ///< told the name of each pass that begins
};

struct Pass {
  const char* name;     ///< "fold-batch-norm"
  const char* summary;  ///< what it does, one line
  PassLevel level;
  /// Rewrites one subgraph; returns the number of rewrites. The driver finishes the patch.
  int (*run)(Patch& patch, const PassOptions& options);
};

/// Every pass, in the order in which they run. Defined in pipeline.cc.
std::span<const Pass> all_passes();

/// What a pass did, summed over its turns.
struct PassReport {
  const Pass* pass = nullptr;
  int rewrites = 0;
  int removed_nodes = 0;  ///< negative: the graph grew
  double ms = 0;
};

/// Runs the passes on every subgraph, round after round, until none finds anything to do; verifies
/// the graph after each change. Throws Failure that names the pass.
std::vector<PassReport> run_passes(Draft& draft, const OpRegistry& registry,
                                   const PassOptions& options);

}  // namespace cygnet
