// SPDX-License-Identifier: Apache-2.0
// Convert: sniff → import → passes → quantize → write. The only place that knows all importers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edit/draft.h"
#include "edit/writer.h"
#include "importers/importer.h"
#include "passes/pass.h"
#include "quantize/quantize.h"

namespace cygnet {

struct ConvertOptions {
  ImportOptions import;
  PassOptions passes;
  bool optimize = true;
  WriteOptions write;
  /// How to quantize what the passes made; nothing: not.
  std::optional<QuantizeOptions> quantize;
  /// Only the statistics that QuantizeOptions::samples give are wanted: no file.
  bool statistics_only = false;
  /// Where the samples come from, once the optimized network is known; used when
  /// QuantizeOptions::samples is null. May return null.
  std::function<std::unique_ptr<SampleSource>(const Draft&)> open_samples;
  /// Told what is done now: "reading", a pass's name, "writing".
  std::function<void(const char*)> notify;
};

/// Counts of a graph.
struct GraphSize {
  int64_t operators = 0;
  int64_t constant_bytes = 0;
  int64_t macs = 0;                      ///< multiply-adds of one run of the main subgraph
  std::map<std::string, int64_t> kinds;  ///< operators of each kind
};

struct Conversion {
  Draft draft;
  const Importer* importer = nullptr;
  int64_t source_bytes = 0;
  GraphSize imported, optimized, final;  ///< final: quantized, if asked for
  int64_t float_bytes = 0;               ///< of the file without quantizing; 0: not known
  std::vector<PassReport> passes;
  std::optional<QuantizeReport> quantized;
  TfliteFile file;  ///< views the draft
  double import_ms = 0, passes_ms = 0, quantize_ms = 0, write_ms = 0;
};

/// Every importer, in the order in which they are asked.
std::span<const Importer* const> importers();

/// Converts what lies at `path`, a file or folder. Throws Failure.
Conversion convert(const std::string& path, const ConvertOptions& options);

}  // namespace cygnet
