// SPDX-License-Identifier: Apache-2.0
#include "quantize/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "edit/editor.h"
#include "edit/failure.h"
#include "quantize/runner.h"

namespace cygnet {
namespace {

size_t largest_at(const float* row, size_t n) {
  return static_cast<size_t>(std::max_element(row, row + n) - row);
}

// What one sample adds to an OutputError.
struct Part {
  double signal = 0, noise = 0, largest = 0;
  int64_t rows = 0, agreeing = 0, right = 0, labelled = 0;

  void add(const std::vector<float>& a, const std::vector<float>& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      const double x = static_cast<double>(a[i]), d = x - static_cast<double>(b[i]);
      signal += x * x;
      noise += std::isfinite(d) ? d * d : std::numeric_limits<double>::infinity();
      largest = std::max(largest,
                         std::isfinite(d) ? std::fabs(d) : std::numeric_limits<double>::infinity());
    }
  }
  void add_rows(const std::vector<float>& a, const std::vector<float>& b, size_t classes,
                int64_t label) {
    if (classes == 0) return;
    for (size_t i = 0; i + classes <= a.size(); i += classes) {
      const size_t winner = largest_at(b.data() + i, classes);
      ++rows;
      agreeing += largest_at(a.data() + i, classes) == winner ? 1 : 0;
      if (label < 0) continue;
      ++labelled;
      right += winner == static_cast<size_t>(label) ? 1 : 0;
    }
  }
};

OutputError total(const std::vector<Part>& parts) {
  Part sum;
  for (const Part& p : parts) {
    sum.signal += p.signal;
    sum.noise += p.noise;
    sum.largest = std::max(sum.largest, p.largest);
    sum.rows += p.rows;
    sum.agreeing += p.agreeing;
    sum.right += p.right;
    sum.labelled += p.labelled;
  }
  const auto share = [](int64_t of, int64_t all) {
    return all == 0 ? 0.0 : static_cast<double>(of) / static_cast<double>(all);
  };
  OutputError error;
  error.sqnr_db = sum.noise > 0 ? 10 * std::log10(sum.signal / sum.noise)
                                : std::numeric_limits<double>::infinity();
  error.largest = sum.largest;
  error.rows = sum.rows;
  error.agreement = share(sum.agreeing, sum.rows);
  error.accuracy = sum.labelled == 0 ? -1 : share(sum.right, sum.labelled);
  return error;
}

bool is_any(const Node& node, std::initializer_list<Builtin> ops) {
  return std::any_of(ops.begin(), ops.end(),
                     [&](Builtin op) { return node.builtin == static_cast<int32_t>(op); });
}

// What the function at output i is computed from; i itself where there is none.
int32_t before_function(const Subgraph& subgraph, int32_t i) {
  for (int32_t at = i;;) {
    const auto maker =
        std::find_if(subgraph.nodes.begin(), subgraph.nodes.end(), [&](const Node& n) {
          return std::find(n.outputs.begin(), n.outputs.end(), at) != n.outputs.end();
        });
    if (maker == subgraph.nodes.end() || maker->inputs.empty()) return i;
    if (is_any(*maker,
               {Builtin::SOFTMAX, Builtin::LOG_SOFTMAX, Builtin::LOGISTIC, Builtin::ARG_MAX}))
      return maker->inputs[0];
    if (!is_any(*maker, {Builtin::QUANTIZE, Builtin::DEQUANTIZE})) return i;
    at = maker->inputs[0];
  }
}

// The outputs to compare.
std::vector<int32_t> compared_outputs(const Graph& graph, bool before_functions) {
  const Subgraph& subgraph = graph.subgraphs[0];
  std::vector<int32_t> list(subgraph.outputs.begin(), subgraph.outputs.end());
  if (before_functions)
    for (int32_t& i : list) i = before_function(subgraph, i);
  return list;
}

// The same network with other outputs, which must outlive it.
Graph with_outputs(const Graph& graph, const std::vector<int32_t>& outputs) {
  Graph changed = graph;
  changed.subgraphs[0].outputs = outputs;
  changed.signatures.clear();
  return changed;
}

// Samples that somebody else keeps.
class KeptSamples final : public SampleSource {
 public:
  explicit KeptSamples(const std::vector<Sample>& samples) : samples_(samples) {}
  size_t size() const override { return samples_.size(); }
  std::optional<Sample> read(size_t i) const override { return samples_[i]; }

 private:
  const std::vector<Sample>& samples_;
};

// The real outputs; integers that are no quantized numbers count as numbers too.
std::vector<std::vector<float>> real_outputs(const Interpreter& interpreter) {
  std::vector<std::vector<float>> outputs(static_cast<size_t>(interpreter.outputs()));
  for (int i = 0; i < interpreter.outputs(); ++i)
    if (type_bits(interpreter.output(i).type) > 0)
      read_real(interpreter.output(i), outputs[static_cast<size_t>(i)]);
  return outputs;
}

}  // namespace

bool ends_in_functions(const Graph& graph) {
  return compared_outputs(graph, true) != compared_outputs(graph, false);
}

SpreadSamples::SpreadSamples(const SampleSource& source, size_t most)
    : source_(source), size_(std::min(source.size(), most)) {}

std::optional<Sample> SpreadSamples::read(size_t i) const {
  return source_.read(i * source_.size() / size_);
}

OutputReference::OutputReference(const Graph& graph, const std::string& name,
                                 const SampleSource& samples, size_t most, int threads)
    : name_(name), threads_(threads) {
  std::vector<int32_t> wanted = compared_outputs(graph, false);
  const std::vector<int32_t> inner = compared_outputs(graph, true);
  for (size_t k = 0; k < inner.size(); ++k) {
    const auto at = std::find(wanted.begin(), wanted.end(), inner[k]);
    inner_.push_back(static_cast<size_t>(at - wanted.begin()));
    if (at == wanted.end()) wanted.push_back(inner[k]);
  }
  const SpreadSamples some(samples, most);
  std::vector<Seen> seen(some.size());
  std::vector<std::optional<Sample>> kept(some.size());
  Runner runner(with_outputs(graph, wanted), name, {.threads = threads});
  runner.run(some, [&](size_t i, const Sample& sample, int, Interpreter& interpreter) {
    kept[i] = sample;
    seen[i].outputs = real_outputs(interpreter);
    for (int k = 0; k < interpreter.outputs(); ++k) {
      const Shape& shape = interpreter.output(k).shape;
      seen[i].last_dimension.push_back(
          shape.rank == 0 ? 0 : static_cast<size_t>(shape[shape.rank - 1]));
    }
  });
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    samples_.push_back(std::move(*kept[i]));
    seen_.push_back(std::move(seen[i]));
  }
}

OutputError OutputReference::error_of(const Graph& graph, bool before_functions) const {
  std::vector<Part> parts(samples_.size());
  const std::vector<int32_t> compared = compared_outputs(graph, before_functions);
  Runner runner(with_outputs(graph, compared), name_, {.threads = threads_});
  runner.run(KeptSamples(samples_), [&](size_t i, const Sample& sample, int, Interpreter& other) {
    const Outputs outputs = real_outputs(other);
    for (size_t k = 0; k < outputs.size() && k < inner_.size(); ++k) {
      const std::vector<float>& expected = seen_[i].outputs[place(k, before_functions)];
      if (outputs[k].size() != expected.size())
        throw Failure(text(name_, ": output ", k, " has another size after quantizing"));
      parts[i].add(expected, outputs[k]);
    }
    if (outputs.empty()) return;
    const size_t first = place(0, before_functions);
    parts[i].add_rows(seen_[i].outputs[first], outputs[0], seen_[i].last_dimension[first],
                      sample.label);
  });
  OutputError error = total(parts);
  error.classes =
      seen_.empty() || inner_.empty() ? 0 : seen_[0].last_dimension[place(0, before_functions)];
  return error;
}

double OutputReference::accuracy() const {
  std::vector<Part> parts(samples_.size());
  for (size_t i = 0; i < samples_.size(); ++i)
    if (!seen_[i].outputs.empty())
      parts[i].add_rows(seen_[i].outputs[0], seen_[i].outputs[0], seen_[i].last_dimension[0],
                        samples_[i].label);
  return total(parts).accuracy;
}

}  // namespace cygnet
