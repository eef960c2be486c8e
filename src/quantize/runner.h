// SPDX-License-Identifier: Apache-2.0
// Runner: a network in memory, run on samples by several threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "quantize/samples.h"

namespace cygnet {

struct RunnerOptions {
  int threads = 1;            ///< samples run at the same time, an interpreter each
  bool keep_tensors = false;  ///< every tensor has its value after a run, no step is fused
  bool reference = false;     ///< plain loops
};

/// Runs the main subgraph of a graph. What the graph views must outlive the runner. All threads
/// together take the memory that one interpreter may (Limits::standard).
class Runner {
 public:
  /// `name` stands for the file in messages. Throws Failure when the graph can't run.
  Runner(const Graph& graph, const std::string& name, const RunnerOptions& options);
  ~Runner();

  /// What is done with the interpreter after each run. Sample numbers ascend within a thread; which
  /// thread (0 to threads − 1) takes which sample is the same in every call:
  /// sample i is run by thread i mod threads.
  using Body = std::function<void(size_t sample, const Sample& read, int thread, Interpreter&)>;
  /// What is done after the body of each sample that was read, in the order of the samples, one at
  /// a time, on the thread that ran the body.
  using InOrder = std::function<void(size_t sample, int thread)>;
  /// Runs all samples that can be read; returns how many. `done` is told how many samples are
  /// behind, from one thread at a time. Throws the Failure of the first sample that fails.
  size_t run(const SampleSource& samples, const Body& body,
             const std::function<void(size_t done)>& done = {}, const InOrder& in_order = {});

  const Model& model() const { return *model_; }
  const Interpreter& interpreter(int thread) const { return *interpreters_[size_t(thread)]; }
  int threads() const { return static_cast<int>(interpreters_.size()); }

 private:
  bool run_one(const SampleSource& samples, size_t i, const Body& body, int thread);
  void allocate(Interpreter& interpreter);

  std::unique_ptr<Model> model_;
  std::vector<std::unique_ptr<Interpreter>> interpreters_;
};

/// The real values of a tensor: floats as they are, quantized numbers through scale and zero point,
/// other integers and booleans as numbers. `out` is resized; empty where the type has no real
/// values or the tensor has no data.
void read_real(const Tensor& tensor, std::vector<float>& out);

}  // namespace cygnet
