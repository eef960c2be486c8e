// SPDX-License-Identifier: Apache-2.0
#include "runtime/control_flow.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "graph/callees.h"
#include "graph/resources.h"
#include "runtime/planner.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

using Builtin = schema::BuiltinOperator;

Builtin code_of(const Node& node) {
  return static_cast<Builtin>(node.builtin);
}

// Operands before those that the callee gets: what decides on the branch.
int own_operands(const Node& node) {
  return code_of(node) == Builtin::IF || code_of(node) == Builtin::STABLEHLO_CASE ? 1 : 0;
}

// What a plan holds: tensors and the tables that describe it.
int64_t held_bytes(const Plan& plan) {
  const size_t tables = plan.tensors.size() * (sizeof(Tensor) + sizeof(base::Buffer)) +
                        plan.steps.size() * sizeof(Step);
  return plan.arena_bytes + plan.persistent_bytes + plan.dynamic_bytes +
         static_cast<int64_t>(tables);
}

// The branch that an index chooses, the last one for an index that has none.
Status read_index(const Tensor& tensor, size_t branches, size_t* branch) {
  if (tensor.type != Type::int32)
    return bad_model("index: expected type INT32, got %s", type_name(tensor.type));
  if (tensor.bytes != sizeof(int32_t) || tensor.data == nullptr)
    return bad_model("index: expected 1 element, got shape %s", shape_text(tensor.shape).text);
  const int32_t index = *static_cast<const int32_t*>(tensor.data);
  const bool inside = index >= 0 && static_cast<size_t>(index) < branches;
  *branch = inside ? static_cast<size_t>(index) : branches - 1;
  return {};
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

// Decides which inputs of a loop's subgraph can be the loop variables themselves. The subgraph
// never writes to its inputs, nor to views of them, which move along; but results are copied into
// the loop variables one after the other, so that no other result may lie in such an input.
Status find_borrowed(const Subgraph& graph, Callee* callee) {
  const Plan& plan = callee->plan;
  callee->borrows.clear();
  if (!reserve_or_fail(callee->borrows, graph.inputs.size()))
    return out_of_memory("callee", graph.inputs.size());
  for (size_t k = 0; k < graph.inputs.size(); ++k) {
    const int32_t input = graph.inputs[k];
    bool borrow = plan.places[input] == Place::arena &&
                  std::count(graph.inputs.begin(), graph.inputs.end(), input) == 1;
    for (size_t j = 0; borrow && j < graph.outputs.size(); ++j) {
      const int32_t output = graph.outputs[j];
      borrow = (j == k && output == input) || plan.places[output] != Place::arena ||
               plan.block_of[output] != plan.block_of[input];
    }
    callee->borrows.push_back(borrow);
  }
  return {};
}

// Makes input `input` and its views look at `data`.
void borrow(Plan* plan, int32_t input, void* data) {
  if (plan->tensors[input].data == data) return;
  for (size_t i = 0; i < plan->tensors.size(); ++i)
    if (plan->places[i] == Place::arena && plan->block_of[i] == plan->block_of[input])
      plan->tensors[i].data = data;
}

}  // namespace

bool is_control_flow(const Node& node) {
  switch (code_of(node)) {
    case Builtin::IF:
    case Builtin::WHILE:
    case Builtin::CALL_ONCE:
    case Builtin::STABLEHLO_CASE:
    case Builtin::STABLEHLO_COMPOSITE:
      return true;
    default:
      return false;
  }
}

bool is_loop(const Node& node) {
  return code_of(node) == Builtin::WHILE;
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
  const Callees called = callees(node);
  const size_t n = called.size();
  if (n == 0) return located(*step, bad_model("no options: no subgraph to call"));
  step->loop = is_loop(node);
  if (!reserve_or_fail(step->callees, n)) return out_of_memory("callees", n * sizeof(Callee));
  for (size_t k = 0; k < n; ++k) {
    CalleePointer callee = CalleePointer::make();
    if (callee.get() == nullptr) return out_of_memory("callee", sizeof(Callee));
    callee->subgraph = called[k];
    callee->of_loop = step->loop;
    callee->plan.resources = plan_->resources;
    callee->driver.attach(*model_, called[k], options_, &callee->plan, pool_);
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
    if (status.ok() && callee->of_loop) status = find_borrowed(graph, callee);
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
    if (k < callee->borrows.size() && callee->borrows[k])
      borrow(&callee->plan, graph.inputs[k], arguments[k]->data);
    else
      status = callee->driver.assign(graph.inputs[k], *arguments[k]);
  }
  if (status.ok()) status = callee->driver.run();
  count_callee(callee);
  return status;
}

// The results of a callee become the outputs of the step. One that is the input of the same number,
// which was borrowed from the step's output, is there.
Status OpDriver::take_results(Step* step, const Callee& callee) {
  const Subgraph& graph = model_->graph().subgraphs[callee.subgraph];
  for (size_t k = 0; k < graph.outputs.size(); ++k)
    if (k >= callee.borrows.size() || !callee.borrows[k] || graph.outputs[k] != graph.inputs[k])
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
  step->dynamic = false;
  if (code_of(subgraph().nodes[step->node]) == Builtin::CALL_ONCE && plan_->resources != nullptr &&
      plan_->resources->initialized(step->callees[0]->subgraph))
    return {};
  Tensor* const* arguments = op.input_ + own_operands(subgraph().nodes[step->node]);
  for (CalleePointer& callee : step->callees) CYGNET_TRY(plan_callee(callee.get(), arguments));
  // The shape of result k as callee c knows it now; null when it does not.
  const auto shape_of = [&](size_t c, int k) -> const Shape* {
    const Callee& callee = *step->callees[c];
    const int32_t i = model_->graph().subgraphs[callee.subgraph].outputs[static_cast<size_t>(k)];
    return callee.plan.places[i] == Place::dynamic ? nullptr : &callee.plan.tensors[i].shape;
  };
  // What stays the same from turn to turn, or in all branches, is known now.
  for (int k = 0; k < op.outputs(); ++k) {
    const Shape* shape = step->loop ? &op.input_[k]->shape : shape_of(0, k);
    for (size_t c = 1; c < step->callees.size() && shape != nullptr; ++c) {
      const Shape* other = shape_of(c, k);
      if (other == nullptr || !(*other == *shape)) shape = nullptr;
    }
    if (shape == nullptr) {
      step->dynamic = true;
      return {};
    }
    Tensor& to = *op.output_[k];
    Status status = tensor_bytes(to.type, *shape, model_->limits(), &to.bytes);
    if (!status.ok()) return located(*step, std::move(status));
    to.shape = *shape;
  }
  return {};
}

Status OpDriver::run_control(Step* step) {
  CYGNET_TRY(make_callees(step));
  const OpContext& op = step->context;
  size_t branch = 0;
  Status status;
  switch (code_of(subgraph().nodes[step->node])) {
    case Builtin::WHILE:
      return run_while(step);
    case Builtin::CALL_ONCE:
      return run_once(step);
    case Builtin::IF: {
      bool condition = false;
      status = read_condition(*op.input_[0], &condition);
      branch = condition ? 0 : 1;
      break;
    }
    case Builtin::STABLEHLO_CASE:
      status = read_index(*op.input_[0], step->callees.size(), &branch);
      break;
    default:  // STABLEHLO_COMPOSITE
      break;
  }
  if (!status.ok()) return located(*step, std::move(status));
  Callee* callee = step->callees[branch].get();
  CYGNET_TRY(call(callee, op.input_ + own_operands(subgraph().nodes[step->node])));
  return take_results(step, *callee);
}

// Runs an initializer unless it has run for this interpreter, then gives its memory back.
Status OpDriver::run_once(Step* step) {
  Callee* callee = step->callees[0].get();
  Resources* resources = plan_->resources;
  if (resources == nullptr)
    return located(*step, Status::error(Code::internal, "no resources outside an interpreter"));
  if (resources->initialized(callee->subgraph)) return {};
  CYGNET_TRY(call(callee, nullptr));
  resources->set_initialized(callee->subgraph);
  callee->plan = Plan();
  callee->plan.resources = resources;
  callee->planned = false;
  count_callee(callee);
  return {};
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
