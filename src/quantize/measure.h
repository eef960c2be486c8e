// SPDX-License-Identifier: Apache-2.0
// Measure: how far a changed network's outputs lie from those of the network that it was made of.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "quantize/samples.h"

namespace cygnet {

/// Over all samples and real outputs.
struct OutputError {
  double sqnr_db = 0;    ///< 10·log10(Σa² / Σ(a−b)²); infinite where nothing differs
  double largest = 0;    ///< |a − b|
  double agreement = 0;  ///< share of the rows (last dimension of the first output) with the same
                         ///< largest element
  double accuracy = -1;  ///< share of the labelled rows whose largest element is the label's; −1:
                         ///< no labels
  int64_t rows = 0;
  size_t classes = 0;  ///< elements of a row
};

/// The outputs of a network on some of the samples, to compare others with.
class OutputReference {
 public:
  /// Runs at most `most` samples, evenly spread.
  OutputReference(const Graph& graph, const std::string& name, const SampleSource& samples,
                  size_t most, int threads);

  /// Runs another network, with the same inputs and outputs, on the same samples. before_functions:
  /// compares what SOFTMAX and its like at the outputs are computed from, instead of outputs in
  /// which 8 bits show little.
  OutputError error_of(const Graph& graph, bool before_functions = false) const;
  /// Of the reference itself; −1: no labels.
  double accuracy() const;
  size_t samples() const { return seen_.size(); }

 private:
  using Outputs = std::vector<std::vector<float>>;  // by output
  // One sample.
  struct Seen {
    Outputs outputs;                     // then those before functions, where there are such
    std::vector<size_t> last_dimension;  // of each
  };
  // The index in Seen of output k.
  size_t place(size_t k, bool before_functions) const { return before_functions ? inner_[k] : k; }

  std::string name_;
  int threads_;
  std::vector<size_t> inner_;  // by output: where Seen has what its function is computed from
  std::vector<Sample> samples_;
  std::vector<Seen> seen_;  // by sample
};

/// Whether an output is made by SOFTMAX, LOG_SOFTMAX, LOGISTIC or ARG_MAX.
bool ends_in_functions(const Graph& graph);

/// At most `most` of a source's samples, evenly spread and in their order.
class SpreadSamples final : public SampleSource {
 public:
  SpreadSamples(const SampleSource& source, size_t most);
  size_t size() const override { return size_; }
  std::optional<Sample> read(size_t i) const override;

 private:
  const SampleSource& source_;
  size_t size_;
};

}  // namespace cygnet
