// SPDX-License-Identifier: Apache-2.0
#include "quantize/calibrate.h"

#include <algorithm>
#include <set>
#include <utility>

#include "edit/failure.h"
#include "quantize/lstm.h"
#include "quantize/runner.h"

namespace cygnet {
namespace {

/// A tensor that calibration looks at.
struct Watched {
  int32_t tensor = 0;
  int32_t node = -1;  ///< that makes it; −1: an input of the graph
  int32_t lstm = -1;  ///< whose state it is, by number; −1: no state
};

/// What a thread knows.
struct Worker {
  std::vector<TensorSummary> runs;           ///< of the present sample, by watched tensor
  std::vector<char> seen;                    ///< whether the present sample has it
  std::vector<TensorStatistics> histograms;  ///< of all its samples
  std::vector<LstmStates> lstms;             ///< in the order of their nodes
};

bool is_watched(const Subgraph& graph, int32_t i) {
  if (i < 0) return false;
  const GraphTensor& t = graph.tensors[static_cast<size_t>(i)];
  return t.type == Type::float32 && !t.constant && !t.variable;
}

std::vector<LstmStates> lstms_of(const Subgraph& graph) {
  std::vector<LstmStates> result;
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    if (auto lstm = LstmStates::of(graph, static_cast<int32_t>(n))) result.push_back(*lstm);
  return result;
}

/// In the order in which they get their values.
std::vector<Watched> watched_tensors(const Subgraph& graph, const std::vector<LstmStates>& lstms) {
  std::vector<Watched> result;
  for (int32_t i : graph.inputs)
    if (is_watched(graph, i)) result.push_back({i, -1});
  for (size_t n = 0; n < graph.nodes.size(); ++n)
    for (int32_t i : graph.nodes[n].outputs)
      if (is_watched(graph, i)) result.push_back({i, static_cast<int32_t>(n)});
  for (size_t k = 0; k < lstms.size(); ++k)
    for (size_t state : {kLstmOutputState, kLstmCellState})
      result.push_back({graph.nodes[static_cast<size_t>(lstms[k].node())].inputs[state],
                        lstms[k].node(), static_cast<int32_t>(k)});
  return result;
}

[[noreturn]] void fail(const Interpreter& interpreter, const Watched& watched,
                       const std::string& sample, std::span<const float> values) {
  const Subgraph& graph = interpreter.subgraph();
  const bool nan = std::any_of(values.begin(), values.end(), [](float v) { return v != v; });
  const char* what = nan ? "NaN" : "infinite values";
  const std::string_view tensor = graph.tensors[static_cast<size_t>(watched.tensor)].name;
  if (watched.node < 0) {
    const auto i = std::find(graph.inputs.begin(), graph.inputs.end(), watched.tensor);
    throw Failure(text(sample, ": input '",
                       interpreter.input_name(static_cast<int>(i - graph.inputs.begin())), "' has ",
                       what));
  }
  const Node& node = graph.nodes[static_cast<size_t>(watched.node)];
  throw Failure(text(sample, ": operator ", watched.node, " (", node.name, ", '", tensor,
                     "') gives ", what, ", which no integers stand for"));
}

/// Summaries and histograms of one sample's tensors.
void look(const std::vector<Watched>& watched, const std::string& sample,
          const Interpreter& interpreter, bool histograms, Worker* worker) {
  const auto& tensors = interpreter.plan().tensors;
  int32_t computed = -1;  // LSTM
  for (size_t w = 0; w < watched.size(); ++w) {
    const Tensor& t = tensors[static_cast<size_t>(watched[w].tensor)];
    worker->seen[w] = t.data != nullptr;
    if (t.data == nullptr) continue;
    std::span<const float> values(t.as<float>(), static_cast<size_t>(t.shape.elements()));
    if (const int32_t k = watched[w].lstm; k >= 0) {
      LstmStates& lstm = worker->lstms[static_cast<size_t>(k)];
      if (std::exchange(computed, k) != k) lstm.compute({tensors.data(), tensors.size()});
      values = lstm.values_of(watched[w].tensor);
    }
    const int32_t channels = t.shape.rank > 0 ? t.shape[t.shape.rank - 1] : 1;
    summarize(values, std::max(channels, 1), &worker->runs[w]);
    if (worker->runs[w].not_finite > 0) fail(interpreter, watched[w], sample, values);
    if (histograms) worker->histograms[w].add_histogram(values, worker->runs[w]);
  }
}

}  // namespace

std::vector<std::string> statistics_names(const Subgraph& subgraph) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    std::string name(subgraph.tensors[i].name);
    if (name.empty() || !taken.insert(name).second) name += text("#", i);
    names.push_back(std::move(name));
  }
  return names;
}

Statistics calibrate(const Draft& draft, const SampleSource& samples,
                     const CalibrateOptions& options) {
  if (samples.size() == 0) throw Failure("there are no samples to calibrate with");
  Runner runner(draft.graph, draft.source, {.threads = options.threads, .keep_tensors = true});
  const Subgraph& graph = runner.model().graph().subgraphs[0];
  const std::vector<LstmStates> lstms = lstms_of(graph);
  const std::vector<std::string> names = statistics_names(graph);
  std::vector<Watched> watched = watched_tensors(graph, lstms);
  if (!options.only.empty())
    std::erase_if(watched, [&](const Watched& w) {
      return !options.only.contains(names[static_cast<size_t>(w.tensor)]);
    });
  const size_t n = watched.size();
  std::vector<Worker> workers(static_cast<size_t>(runner.threads()));
  for (Worker& worker : workers) {
    worker.runs.resize(n);
    worker.seen.resize(n);
    worker.histograms.resize(n);
    worker.lstms = lstms;
  }
  std::vector<TensorStatistics> results(n);
  const auto body = [&](size_t, const Sample& sample, int thread, Interpreter& interpreter) {
    look(watched, sample.name, interpreter, options.histograms,
         &workers[static_cast<size_t>(thread)]);
  };
  // Sums and moving averages depend on the order.
  const auto in_order = [&](size_t, int thread) {
    const Worker& worker = workers[static_cast<size_t>(thread)];
    for (size_t w = 0; w < n; ++w)
      if (worker.seen[w]) results[w].add_summary(worker.runs[w]);
  };
  Statistics statistics;
  statistics.samples = static_cast<int64_t>(runner.run(samples, body, options.progress, in_order));
  if (statistics.samples == 0) throw Failure("none of the samples could be read");
  for (size_t w = 0; w < n; ++w) {
    for (const Worker& worker : workers) results[w].merge_histogram(worker.histograms[w]);
    statistics.tensors[names[static_cast<size_t>(watched[w].tensor)]] = std::move(results[w]);
  }
  return statistics;
}

}  // namespace cygnet
