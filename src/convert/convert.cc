// SPDX-License-Identifier: Apache-2.0
#include "convert/convert.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "edit/macs.h"
#include "edit/subgraphs.h"

namespace cygnet {
namespace {

namespace fs = std::filesystem;

// Runs a step and tells how long it took, in ms.
template <class Step>
double timed(Step&& step) {
  const auto start = std::chrono::steady_clock::now();
  step();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

int64_t size_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return static_cast<int64_t>(fs::file_size(path, error));
  int64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file(error)) sum += static_cast<int64_t>(entry.file_size(error));
  return sum;
}

GraphSize measure(const Draft& draft) {
  GraphSize size;
  for (const Subgraph& s : draft.graph.subgraphs) {
    size.operators += static_cast<int64_t>(s.nodes.size());
    for (const Node& n : s.nodes) ++size.kinds[std::string(n.name)];
    for (const GraphTensor& t : s.tensors)
      if (t.constant) size.constant_bytes += static_cast<int64_t>(t.bytes);
  }
  size.macs = count_macs(draft);
  return size;
}

const Importer& find_importer(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) throw Failure(text(path, ": no such file or folder"));
  for (const Importer* importer : importers())
    if (importer->sniff(path)) return *importer;
  throw Failure(text(path,
                     ": expected a SavedModel folder, a frozen graph (.pb, .pbtxt), a MetaGraph "
                     "(.meta), a Keras file (.h5, .keras) or a .tflite file"));
}

// The names of all bodies of WHILE.
std::set<std::string> loop_bodies(const Draft& draft) {
  std::set<std::string> names;
  for (const Subgraph& s : draft.graph.subgraphs)
    for (const Node& n : s.nodes)
      if (n.builtin == static_cast<int32_t>(schema::BuiltinOperator::WHILE))
        names.emplace(draft.graph.subgraphs[called_subgraphs(n)->at(1)].name);
  return names;
}

// The loops that the passes make operators of, which are not to be unrolled: found by converting
// without unrolling.
std::set<std::string> recognized_loops(const Importer& importer, const std::string& path,
                                       const ConvertOptions& options) {
  ImportOptions rolled = options.import;
  rolled.unroll = false;
  Draft draft;
  draft.source = path;
  importer.import(path, rolled, draft);
  std::set<std::string> before = loop_bodies(draft);
  if (before.empty()) return before;
  run_passes(draft, *rolled.registry, options.passes);
  for (const std::string& left : loop_bodies(draft)) before.erase(left);
  return before;
}

void quantize_draft(const ConvertOptions& options, Conversion& result) {
  QuantizeOptions quantize = *options.quantize;
  std::unique_ptr<SampleSource> samples;
  if (quantize.samples == nullptr && options.open_samples) {
    samples = options.open_samples(result.draft);
    quantize.samples = samples.get();
  }
  const OpRegistry& registry = *options.import.registry;
  if (!options.statistics_only) {
    result.quantized = cygnet::quantize(result.draft, registry, quantize);
    return;
  }
  result.quantized.emplace();
  result.quantized->statistics = calibrate_for(result.draft, registry, quantize);
}

}  // namespace

Conversion convert(const std::string& path, const ConvertOptions& options) {
  const auto notify = [&](const char* what) {
    if (options.notify) options.notify(what);
  };
  Conversion result;
  result.importer = &find_importer(path);
  result.source_bytes = size_of(path);
  result.draft.source = path;
  const Limits& limits = options.import.limits;
  if (result.source_bytes > limits.file_bytes)
    throw Failure(text(path, ": ", result.source_bytes, " bytes are more than the limit of ",
                       limits.file_bytes));
  const int64_t bytes = limits.import_factor * result.source_bytes + limits.import_bytes;
  result.draft.limit(bytes, limits.operators);
  notify("reading");
  result.import_ms = timed([&] {
    ImportOptions import = options.import;
    import.keep_ranges = options.quantize && is_integer(options.quantize->mode);
    if (import.unroll && options.optimize)
      import.rolled = recognized_loops(*result.importer, path, options);
    result.importer->import(path, import, result.draft);
  });
  result.imported = measure(result.draft);
  result.draft.limit(bytes, INT64_MAX);  // passes may add operators before they remove others
  PassOptions passes = options.passes;
  passes.notify = options.notify;
  // What a sum in front of a layer brings about zero is to stay there: away from it, each weight's
  // rounding adds to all sums alike, which without samples nothing takes off.
  if (options.quantize && (options.quantize->mode == QuantizeMode::dynamic ||
                           options.quantize->mode == QuantizeMode::int4))
    passes.disabled.insert("fold-affine-forward");
  passes.constant_bytes = std::min(passes.constant_bytes, limits.fold_bytes);
  if (options.optimize)
    result.passes_ms =
        timed([&] { result.passes = run_passes(result.draft, *options.import.registry, passes); });
  result.optimized = result.final = measure(result.draft);
  if (options.quantize) {
    result.float_bytes =
        static_cast<int64_t>(write_tflite(result.draft.graph, options.write).bytes());
    result.quantize_ms = timed([&] { quantize_draft(options, result); });
    result.final = measure(result.draft);
    if (options.statistics_only) return result;
  }
  notify("writing");
  result.write_ms = timed([&] { result.file = write_tflite(result.draft.graph, options.write); });
  return result;
}

}  // namespace cygnet
