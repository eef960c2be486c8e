// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "edit/subgraphs.h"
#include "graph/limits.h"
#include "graph/verify.h"
#include "passes/pass.h"

// One line a pass: the name of its Pass, which lies in the file of the pass's name.
#define CYGNET_PASSES(X)      \
  X(kRemoveDead)              \
  X(kFoldConstants)           \
  X(kMergeDuplicates)         \
  X(kRemoveIdentities)        \
  X(kMergeReshapes)           \
  X(kSinkTransposes)          \
  X(kFillBatch)               \
  X(kMergeSlices)             \
  X(kSimplifyLoops)           \
  X(kRecognizeLstm)           \
  X(kMergeIntoFullyConnected) \
  X(kRecognizeClips)          \
  X(kRecognizeHardSwish)      \
  X(kRecognizeGelu)           \
  X(kRecognizeFunctions)      \
  X(kSimplifyArithmetic)      \
  X(kMergeDilation)           \
  X(kFoldSubsampling)         \
  X(kFoldChannelShuffle)      \
  X(kMergeAffine)             \
  X(kFoldBatchNorm)           \
  X(kMergeConcatenations)     \
  X(kFoldAffineForward)       \
  X(kFoldPadding)             \
  X(kFuseActivations)

namespace cygnet {
namespace passes {
#define CYGNET_DECLARE(pass) extern const Pass pass;
CYGNET_PASSES(CYGNET_DECLARE)
}  // namespace passes

namespace {

// Rounds after which a pipeline that still finds work is taken for one that runs in circles.
constexpr int kMostRounds = 50;

int64_t node_count(const Draft& draft) {
  int64_t n = 0;
  for (const Subgraph& s : draft.graph.subgraphs) n += static_cast<int64_t>(s.nodes.size());
  return n;
}

int run_pass(const Pass& pass, Draft& draft, const OpRegistry& registry,
             const PassOptions& options) {
  int rewrites = 0;
  for (size_t s = 0; s < draft.graph.subgraphs.size(); ++s) {
    Patch patch(draft, registry, static_cast<int>(s));
    const int n = pass.run(patch, options);
    if (n == 0) continue;
    rewrites += n;
    patch.remove_dead();
    patch.finish();
  }
  if (rewrites > 0) check(verify(draft.graph, Limits::standard()), draft.source);
  return rewrites;
}

}  // namespace

std::span<const Pass> all_passes() {
#define CYGNET_ENTRY(pass) passes::pass,
  static const Pass table[] = {CYGNET_PASSES(CYGNET_ENTRY)};
  return table;
}

std::vector<PassReport> run_passes(Draft& draft, const OpRegistry& registry,
                                   const PassOptions& options) {
  std::vector<PassReport> reports;
  for (const Pass& pass : all_passes())
    if (pass.level <= options.level && !options.disabled.contains(pass.name))
      reports.push_back({.pass = &pass});
  bool again = true;
  for (int round = 0; again; ++round) {
    if (round == kMostRounds)
      throw Failure(text(draft.source, ": the passes find no end after ", round, " rounds"));
    again = false;
    for (PassReport& report : reports) {
      if (options.notify) options.notify(report.pass->name);
      const auto start = std::chrono::steady_clock::now();
      const int64_t before = node_count(draft);
      int rewrites = 0;
      try {
        rewrites = run_pass(*report.pass, draft, registry, options);
      } catch (const Failure& failure) {
        throw Failure(text(failure.what(), " (in pass ", report.pass->name, ")"));
      }
      if (rewrites > 0) draft.release_unused();
      report.rewrites += rewrites;
      report.removed_nodes += static_cast<int>(before - node_count(draft));
      report.ms +=
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count();
      again = again || rewrites > 0;
    }
  }
  drop_unused_subgraphs(draft);
  return reports;
}

}  // namespace cygnet
