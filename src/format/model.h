// SPDX-License-Identifier: Apache-2.0
// Model: a checked .tflite file in memory, and the Graph that it holds.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "base/mapped_file.h"
#include "base/memory.h"
#include "base/status.h"
#include "graph/graph.h"
#include "graph/limits.h"
#include "graph/packed_weights.h"
#include "graph/registry.h"

namespace cygnet {

struct LoadOptions {
  Limits limits = Limits::standard();
  /// Read the file into memory instead of mapping it.
  bool copy = false;
};

/// An immutable model; any number of interpreters may use it from any number of threads.
class Model {
 public:
  /// Maps and checks a file. The registry's tables must outlive the model.
  static Status load(const char* path, const OpRegistry& registry, const LoadOptions& options,
                     Model* model);
  /// Checks a model in memory. The bytes must outlive the model, unless they are not 16-byte
  /// aligned: then they are copied. `name` stands for the path in messages.
  static Status from_memory(std::span<const uint8_t> bytes, const char* name,
                            const OpRegistry& registry, const LoadOptions& options, Model* model);

  /// Takes a graph that was built in memory and checks it by the rules G and T. What it views must
  /// outlive the model; `name` stands for the path in messages.
  static Status from_graph(Graph&& graph, const char* name, const Limits& limits, Model* model);

  const Graph& graph() const { return graph_; }
  const Limits& limits() const { return limits_; }
  /// The path, for messages.
  const char* path() const { return path_; }
  /// Size of the file image.
  size_t bytes() const { return image_.size(); }
  /// Its constants as kernels read them, for the interpreters.
  PackedWeights& packed_weights() const { return *weights_.get(); }
  /// An error if the mapped file, or that of a weights cache, was truncated by somebody since it
  /// was opened.
  Status check_intact() const;

 private:
  /// Owns them.
  class WeightsPointer {
   public:
    WeightsPointer() = default;
    WeightsPointer(WeightsPointer&& other) noexcept
        : weights_(std::exchange(other.weights_, nullptr)) {}
    WeightsPointer& operator=(WeightsPointer&& other) noexcept {
      std::swap(weights_, other.weights_);
      return *this;
    }
    ~WeightsPointer() {
      if (weights_ != nullptr) weights_->destroy();
    }
    Status make();
    PackedWeights* get() const { return weights_; }

   private:
    PackedWeights* weights_ = nullptr;
  };

  Status read(const OpRegistry& registry);

  base::MappedFile file_;
  base::Buffer copy_;
  Vector<base::Buffer> aligned_constants_;
  std::span<const uint8_t> image_;
  base::Buffer path_storage_;
  const char* path_ = "";
  Limits limits_{};
  Graph graph_;
  WeightsPointer weights_;
};

}  // namespace cygnet
