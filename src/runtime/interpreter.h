// SPDX-License-Identifier: Apache-2.0
// Interpreter: the state of one execution of a Model.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/memory.h"
#include "base/status.h"
#include "base/thread_pool.h"
#include "base/vector.h"
#include "format/model.h"
#include "graph/resources.h"
#include "runtime/op_driver.h"
#include "runtime/plan.h"

namespace cygnet {

/// Runs one entry point (subgraph or signature) of a model. Not thread safe; use one interpreter a
/// thread. Order: create, resize_input (optional), allocate, write inputs, invoke, read outputs.
class Interpreter {
 public:
  Interpreter() = default;
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Attaches to the main subgraph, or to the one of signature `key`. The model must outlive this.
  Status create(const Model& model, const InterpreterOptions& options, int subgraph = 0);
  Status create_for_signature(const Model& model, const InterpreterOptions& options,
                              std::string_view key);

  /// Takes the resource variables and hash tables of another interpreter of the same model for its
  /// own, so that, for example, one signature reads what another assigned. After create, before
  /// allocate. Interpreters that share them are used by one thread at a time.
  Status share_resources(const Interpreter& other);

  int inputs() const { return static_cast<int>(subgraph().inputs.size()); }
  int outputs() const { return static_cast<int>(subgraph().outputs.size()); }
  /// Input or output i of the subgraph, with the present shape. `data` is null before allocate.
  const Tensor& input(int i) const { return plan_.tensors[subgraph().inputs[i]]; }
  const Tensor& output(int i) const { return plan_.tensors[subgraph().outputs[i]]; }
  /// The name users know it by: the signature's where there is one, else the tensor's.
  std::string_view input_name(int i) const;
  std::string_view output_name(int i) const;
  /// Index by that name (or the tensor's name), −1 when there is none.
  int find_input(std::string_view name) const;
  int find_output(std::string_view name) const;

  /// Gives an input a new shape of the same rank; dimensions that the model fixes (shape_signature)
  /// must stay. The interpreter must be allocated again.
  Status resize_input(int i, const Shape& shape);
  /// Infers shapes, prepares operators, plans and takes memory. Resets variables.
  Status allocate();
  bool allocated() const { return allocated_; }
  /// Why the last allocate could not write InterpreterOptions::weights_cache, which is no error.
  const Status& cache_status() const { return cache_status_; }
  /// Copies `bytes` bytes, which must be exactly the tensor's size. Strings: any size, in the
  /// layout of graph/strings.h, which is checked; as many strings as the shape has elements.
  Status write_input(int i, const void* data, size_t bytes);
  Status read_output(int i, void* data, size_t bytes) const;
  /// The writable memory of input i; null before allocate.
  void* input_data(int i) {
    return allocated_ ? plan_.tensors[subgraph().inputs[i]].data : nullptr;
  }
  Status invoke();
  /// Sets every variable tensor to zero (int8: to its zero point).
  Status reset_variables();

  const Model& model() const { return *model_; }
  const Subgraph& subgraph() const {
    return plan_.rewritten.nodes.empty() ? model_->graph().subgraphs[subgraph_] : plan_.rewritten;
  }
  int subgraph_index() const { return subgraph_; }
  /// Reports the times of steps to `profiler`, which must outlive its use here, from the next
  /// invoke on; null: no longer.
  void set_profiler(Profiler* profiler) { driver_.set_profiler(profiler); }

  /// For tools: tensors, steps and the memory map.
  const Plan& plan() const { return plan_; }
  const InterpreterOptions& options() const { return options_; }

 private:
  Status keep_cache_path(const char* path);

  const Model* model_ = nullptr;
  const Signature* signature_ = nullptr;
  int subgraph_ = 0;
  InterpreterOptions options_;
  base::ThreadPool pool_;
  Plan plan_;
  OpDriver driver_;
  Resources* resources_ = nullptr;  ///< shared ownership; also holds the flag that a call is made
  bool allocated_ = false;
  base::Buffer cache_path_;
  Status cache_status_;
};

}  // namespace cygnet
