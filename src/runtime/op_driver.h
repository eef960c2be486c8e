// SPDX-License-Identifier: Apache-2.0
// Calls operators' functions, supplies what they ask for, and puts into their errors where in which
// model they arose.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/status.h"
#include "base/thread_pool.h"
#include "format/model.h"
#include "runtime/plan.h"
#include "runtime/profiler.h"
#include "runtime/thread_choice.h"

namespace cygnet {

struct InterpreterOptions {
  int threads = 1;
  bool reference = false;  ///< plain loops with the format's reference arithmetic, no kernels
  bool keep_tensors =
      false;            ///< every tensor keeps its value after invoke: no sharing in the arena
  bool poison = false;  ///< fill the arena with 0xAA when it is taken, for tests
  bool fuse = true;     ///< element-wise steps run with the steps they follow: the same results
  /// File that packed weights are taken from and, where that has not all of them, written to, so
  /// that a later process starts sooner; it may not exist yet. One model, one kind of processor.
  /// Not used where it does not fit or can't be written (Interpreter::cache_status). Null: none.
  const char* weights_cache = nullptr;
  const std::atomic<bool>* cancel = nullptr;  ///< polled while running; true ends the run
};

/// Size in bytes of a tensor. Refuses more than Limits::tensor_elements elements and types that no
/// tensor of the runtime can have. `*bytes` stays as it is for strings: their values tell. A
/// resource is one int32 whatever its shape.
Status tensor_bytes(Type type, const Shape& shape, const Limits& limits, size_t* bytes);

class OpDriver final : public OpContext::Host {
 public:
  void attach(const Model& model, int subgraph, const InterpreterOptions& options, Plan* plan,
              base::ThreadPool* pool);

  /// Fills a step's context for its node. `operands` has room for all of the node's tensors.
  void bind(Step* step, Tensor** operands);
  /// Runs infer; afterwards `step->dynamic` says whether it was deferred.
  Status infer(Step* step);
  /// Frees what an earlier preparation took, then runs prepare.
  Status prepare(Step* step);
  Status invoke(Step* step);
  /// A dynamic step, whose inputs all have values: infer, memory for the outputs, prepare, invoke.
  Status run_dynamic(Step* step);
  /// Runs all steps of the plan.
  Status run();
  /// Where to report the time of each step of `run`; null: nowhere.
  void set_profiler(Profiler* profiler) { profiler_ = profiler; }
  /// Prepares and invokes, once, an inferred step whose inputs are constant and whose outputs have
  /// memory; gives back what the preparation took.
  Status fold(Step* step);
  /// Whether the step runs on the calling thread only.
  static void set_alone(Step* step, bool alone);
  /// The plan is complete: from its first run on it is measured which steps gain by more threads.
  void start_choice() { choice_.start(plan_->steps, pool_->threads()); }
  /// Points the scratch handles of a static step into the arena.
  void place_scratch(Step* step);
  /// Gives tensor i a zeroed buffer of its own. Strings get none: they have no value yet.
  Status take_buffer(int32_t i, const char* what);
  /// Copies the value of `from`, which has the same type, to tensor i: to its memory, which must
  /// have the same size, or, for strings, to a buffer of its own.
  Status assign(int32_t i, const Tensor& from);
  /// Makes tensor i, of type STRING, as many empty strings as its shape has elements.
  Status clear_strings(int32_t i);

  /// `status` with the model's path, the operator and its first output's name before the message.
  Status located(const Step& step, Status status) const;

  /// Starts the clock of Limits::invoke_ms.
  void start_clock();
  /// An error if the run was cancelled or out of time.
  Status check_stopped() const;

  // OpContext::Host
  Status declare_output(OpContext& op, int index, const Shape& shape) override;
  void* allocate(OpContext& op, size_t bytes) override;
  const void* packed(OpContext& op, const PackKey& key, size_t bytes, PackBody body,
                     void* context) override;
  Status request_scratch(OpContext& op, size_t bytes, int* handle) override;
  Status allocate_output(OpContext& op, int index, size_t bytes, void** data) override;
  /// Refuses `more` bytes when the interpreter would then hold more than Limits::memory_bytes.
  /// Rule P1.
  Status check_memory(int64_t more, const char* what) const override;
  Resources* resources() override { return plan_->resources; }
  void parallel(int64_t tasks, int64_t grain, ParallelBody body, void* context) override;
  int threads() const override { return pool_->threads(); }
  bool stopped() const override;
  int32_t region_operator(int32_t subgraph) const override;
  void produced(OpContext& op, Range range, int thread) override;
  void wanted(OpContext& op, Range range, int thread) override;

 private:
  const Subgraph& subgraph() const {
    return plan_->rewritten.nodes.empty() ? model_->graph().subgraphs[subgraph_] : plan_->rewritten;
  }
  // Control flow: runtime/control_flow.cc.
  Status infer_control(Step* step);
  Status run_control(Step* step);
  Status run_while(Step* step);
  Status run_once(Step* step);
  Status make_callees(Step* step);
  Status plan_callee(Callee* callee, Tensor* const* arguments);
  void count_callee(Callee* callee);
  Status call(Callee* callee, Tensor* const* arguments);
  Status take_results(Step* step, const Callee& callee);
  Status set_output(Step* step, int k, const Tensor& from);

  Status run_followers(Step* step);
  Tensor in_part(const Tensor& tensor, Range range, int thread) const;
  void run_part(const Step& member, Range range, int thread, Step* step);
  void run_parts(const Vector<Step>& members, const Tensor& of, Range range, int thread,
                 Step* step);
  Status resize_buffer(int32_t i, const char* what);
  Status take_strings(int32_t i, size_t bytes);
  void release_memory(Step* step);
  Status take_operator_memory(size_t bytes, void** memory);

  const Model* model_ = nullptr;
  int subgraph_ = 0;
  InterpreterOptions options_;
  Plan* plan_ = nullptr;
  base::ThreadPool* pool_ = nullptr;
  Step* current_ = nullptr;  ///< the step that infer or prepare is called for
  uint64_t declared_ = 0;    ///< outputs of `current_` declared so far (the first 64)
  int declared_count_ = 0;
  bool folding_ = false;     ///< the step is prepared for one run only
  Status allocation_error_;  ///< why allocate or packed first returned null
  int64_t deadline_us_ = 0;  ///< 0: none
  Profiler* profiler_ = nullptr;
  ThreadChoice choice_;
};

}  // namespace cygnet
