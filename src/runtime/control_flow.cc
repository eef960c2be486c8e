// SPDX-License-Identifier: Apache-2.0
#include "runtime/control_flow.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "runtime/planner.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

constexpr int32_t kIfCode = 118;
constexpr int32_t kWhileCode = 119;

// What a plan holds: tensors and the tables that describe it.
int64_t held_bytes(const Plan& plan) {
  const size_t tables = plan.tensors.size() * (sizeof(Tensor) + sizeof(base::Buffer)) +
                        plan.steps.size() * sizeof(Step);
  return plan.arena_bytes + plan.persistent_bytes + plan.dynamic_bytes +
         static_cast<int64_t>(tables);
}

// The value of a condition.
Status read_condition(const Tensor& tensor, bool* value) {
  if (tensor.type != Type::boolean)
    return bad_model("condition: expected type BOOL, got %s", type_name(tensor.type));
  if (tensor.bytes != 1 || tensor.data == nullptr)
    return bad_model("condition: expected 1 element, got shape %s", shape_text(tensor.shape).text);
  *value = *static_cast<const uint8_t*>(tensor.data) != 0;
  return {};
}

}  // namespace

bool is_control_flow(const Node& node) {
  return node.builtin == kWhileCode || node.builtin == kIfCode;
}

bool is_loop(const Node& node) {
  return node.builtin == kWhileCode;
}

bool called_subgraphs(const Node& node, int32_t called[2]) {
  if (node.options == nullptr) return false;
  if (is_loop(node)) {
    const auto& options = *static_cast<const schema::WhileOptions*>(node.options);
    called[0] = options.cond_subgraph_index();
    called[1] = options.body_subgraph_index();
  } else {
    const auto& options = *static_cast<const schema::IfOptions*>(node.options);
    called[0] = options.then_subgraph_index();
    called[1] = options.else_subgraph_index();
  }
  return true;
}

CalleePointer CalleePointer::make() {
  CalleePointer pointer;
  void* memory = base::allocate(sizeof(Callee));
  if (memory != nullptr) pointer.callee_ = new (memory) Callee();
  return pointer;
}

CalleePointer::~CalleePointer() {
  if (callee_ == nullptr) return;
  callee_->~Callee();
  base::release(callee_);
}

int64_t callee_macs(const Step& step) {
  int64_t sum = 0, most = 0;
  for (const CalleePointer& callee : step.callees) {
    if (__builtin_add_overflow(sum, callee->plan.macs, &sum)) sum = INT64_MAX;
    most = std::max(most, callee->plan.macs);
  }
  return step.loop ? sum : most;
}

void reset_variables(Plan* plan) {
  for (size_t i = 0; i < plan->tensors.size(); ++i) {
    const Tensor& tensor = plan->tensors[i];
    if (!tensor.variable || plan->places[i] != Place::persistent || tensor.bytes == 0) continue;
    const int value = tensor.type == Type::int8 ? tensor.quantization.zero_point() : 0;
    std::memset(tensor.data, value, tensor.bytes);
  }
  for (Step& step : plan->steps)
    for (CalleePointer& callee : step.callees)
      if (callee->planned) reset_variables(&callee->plan);
}

Status OpDriver::make_callees(Step* step) {
  if (!step->callees.empty()) return {};
  const Node& node = subgraph().nodes[step->node];
  int32_t called[2];
  if (!called_subgraphs(node, called))
    return located(*step, bad_model("no options: no subgraph to call"));
  step->loop = is_loop(node);
  if (!reserve_or_fail(step->callees, 2)) return out_of_memory("callees", 2 * sizeof(Callee));
  for (int32_t index : called) {
    CalleePointer callee = CalleePointer::make();
    if (callee.get() == nullptr) return out_of_memory("callee", sizeof(Callee));
    callee->subgraph = index;
    callee->driver.attach(*model_, index, options_, &callee->plan, pool_);
    step->callees.push_back(std::move(callee));
  }
  return {};
}

// Makes the plan of a callee for inputs of the shapes of `arguments`, unless it has that plan.
Status OpDriver::plan_callee(Callee* callee, Tensor* const* arguments) {
  const Subgraph& graph = model_->graph().subgraphs[callee->subgraph];
  bool same = callee->planned;
  for (size_t k = 0; same && k < graph.inputs.size(); ++k)
    same = callee->plan.tensors[graph.inputs[k]].shape == arguments[k]->shape;
  callee->driver.deadline_us_ = deadline_us_;
  plan_->persistent_bytes -= callee->counted_bytes;
  callee->counted_bytes = 0;
  callee->plan.outer_bytes = plan_->outer_bytes + held_bytes(*plan_);
  Status status;
  if (!same) {
    callee->planned = false;
    status = check_stopped();
    if (status.ok()) status = start_plan(*model_, callee->subgraph, &callee->plan);
    if (status.ok()) {
      callee->plan.outer_bytes = plan_->outer_bytes + held_bytes(*plan_);
      for (size_t k = 0; k < graph.inputs.size(); ++k)
        callee->plan.tensors[graph.inputs[k]].shape = arguments[k]->shape;
      status = make_plan(*model_, callee->subgraph, options_, &callee->driver, &callee->plan);
    }
    if (status.ok() && base::ran_short()) status = out_of_memory("plan", 0);
    callee->planned = status.ok();
    if (status.ok()) reset_variables(&callee->plan);
  }
  count_callee(callee);
  return status;
}

void OpDriver::count_callee(Callee* callee) {
  const int64_t held = held_bytes(callee->plan);
  plan_->persistent_bytes += held - callee->counted_bytes;
  callee->counted_bytes = held;
}

Status OpDriver::call(Callee* callee, Tensor* const* arguments) {
  CYGNET_TRY(plan_callee(callee, arguments));
  const Subgraph& graph = model_->graph().subgraphs[callee->subgraph];
  Status status;
  for (size_t k = 0; k < graph.inputs.size() && status.ok(); ++k) {
    status = callee->driver.assign(graph.inputs[k], *arguments[k]);
  }
  if (status.ok()) status = callee->driver.run();
  count_callee(callee);
  return status;
}

// The results of a callee become the outputs of the step.
Status OpDriver::take_results(Step* step, const Callee& callee) {
  const Subgraph& graph = model_->graph().subgraphs[callee.subgraph];
  for (size_t k = 0; k < graph.outputs.size(); ++k)
    CYGNET_TRY(set_output(step, static_cast<int>(k), callee.plan.tensors[graph.outputs[k]]));
  return {};
}

// Output k of the step becomes a copy of `from`.
Status OpDriver::set_output(Step* step, int k, const Tensor& from) {
  const int32_t i = subgraph().nodes[step->node].outputs[static_cast<size_t>(k)];
  Tensor& to = plan_->tensors[i];
  if (step->dynamic) {
    Status status = tensor_bytes(to.type, from.shape, model_->limits(), &to.bytes);
    if (!status.ok()) return located(*step, std::move(status));
    to.shape = from.shape;
    CYGNET_TRY(take_buffer(i, "dynamic tensor"));
  }
  if (!(to.shape == from.shape))
    return located(*step, bad_model("output %d: expected shape %s, got %s", k,
                                    shape_text(to.shape).text, shape_text(from.shape).text));
  Status status = assign(i, from);
  return status.ok() ? Status() : located(*step, std::move(status));
}

Status OpDriver::infer_control(Step* step) {
  const OpContext& op = step->context;
  CYGNET_TRY(make_callees(step));
  const bool loop = step->loop;
  Tensor* const* arguments = op.input_ + (loop ? 0 : 1);
  for (CalleePointer& callee : step->callees) CYGNET_TRY(plan_callee(callee.get(), arguments));
  const auto result = [&](int c, int k) -> const Tensor* {
    const Callee& callee = *step->callees[static_cast<size_t>(c)];
    const int32_t i = model_->graph().subgraphs[callee.subgraph].outputs[static_cast<size_t>(k)];
    return callee.plan.places[i] == Place::dynamic ? nullptr : &callee.plan.tensors[i];
  };
  // What stays the same from turn to turn, or in both branches, is known now.
  step->dynamic = false;
  for (int k = 0; k < op.outputs(); ++k) {
    const Tensor* a = result(1, k);
    const Tensor* b = loop ? op.input_[k] : result(0, k);
    if (a == nullptr || b == nullptr || !(a->shape == b->shape)) {
      step->dynamic = true;
      return {};
    }
    Tensor& to = *op.output_[k];
    Status status = tensor_bytes(to.type, a->shape, model_->limits(), &to.bytes);
    if (!status.ok()) return located(*step, std::move(status));
    to.shape = a->shape;
  }
  return {};
}

Status OpDriver::run_control(Step* step) {
  CYGNET_TRY(make_callees(step));
  return step->loop ? run_while(step) : run_if(step);
}

Status OpDriver::run_if(Step* step) {
  const OpContext& op = step->context;
  bool condition = false;
  Status status = read_condition(*op.input_[0], &condition);
  if (!status.ok()) return located(*step, std::move(status));
  Callee* callee = step->callees[condition ? 0 : 1].get();
  CYGNET_TRY(call(callee, op.input_ + 1));
  return take_results(step, *callee);
}

// The loop variables live in the step's outputs.
Status OpDriver::run_while(Step* step) {
  const OpContext& op = step->context;
  for (int k = 0; k < op.outputs(); ++k) CYGNET_TRY(set_output(step, k, *op.input_[k]));
  Callee* condition = step->callees[0].get();
  Callee* body = step->callees[1].get();
  const Subgraph& graph = model_->graph().subgraphs[condition->subgraph];
  const int64_t limit = model_->limits().loop_iterations;
  for (int64_t turn = 0;; ++turn) {
    if (stopped()) return located(*step, check_stopped());
    CYGNET_TRY(call(condition, op.output_));
    bool more = false;
    Status status = read_condition(condition->plan.tensors[graph.outputs[0]], &more);
    if (!status.ok()) return located(*step, std::move(status));
    if (!more) return {};
    if (limit > 0 && turn >= limit)
      return located(*step,
                     Status::error(Code::limit, "P4: more turns than limit loop_iterations (%lld)",
                                   static_cast<long long>(limit)));
    CYGNET_TRY(call(body, op.output_));
    CYGNET_TRY(take_results(step, *body));
  }
}

}  // namespace cygnet
