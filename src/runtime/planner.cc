// SPDX-License-Identifier: Apache-2.0
#include "runtime/planner.h"

#include <algorithm>
#include <iterator>

#include "graph/sparsity.h"
#include "runtime/control_flow.h"
#include "runtime/fuse/code_table.h"
#include "runtime/fuse/followers.h"
#include "runtime/fuse/layer_norm.h"
#include "runtime/fuse/leaders.h"
#include "runtime/fuse/softsign.h"
#include "runtime/fuse/swish.h"
#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

// Bytes readable past the end of every tensor.
constexpr int64_t kSlackBytes = 64;

// What a thread does in a nanosecond, roughly, and the least work that is shared among threads: a
// few times what it takes a waiting thread to notice it.
constexpr int64_t kMacsPerNs = 48, kBytesPerNs = 8, kSharedWorkNs = 4000;

// Whether the format has the operator, but neither TensorFlow Lite's runtime nor LiteRT's has code
// that runs it on a CPU.
bool runs_nowhere(int32_t builtin) {
  using Builtin = schema::BuiltinOperator;
  constexpr Builtin kStablehloThatRun[] = {
      Builtin::STABLEHLO_ADD,       Builtin::STABLEHLO_MULTIPLY,
      Builtin::STABLEHLO_MAXIMUM,   Builtin::STABLEHLO_AND,
      Builtin::STABLEHLO_MINIMUM,   Builtin::STABLEHLO_SCATTER,
      Builtin::STABLEHLO_PAD,       Builtin::STABLEHLO_REDUCE_WINDOW,
      Builtin::STABLEHLO_GATHER,    Builtin::STABLEHLO_RNG_BIT_GENERATOR,
      Builtin::STABLEHLO_COMPOSITE, Builtin::STABLEHLO_SHIFT_LEFT,
      Builtin::STABLEHLO_CASE,
  };
  const auto op = static_cast<Builtin>(builtin);
  if (op == Builtin::CALL || op == Builtin::CONCAT_EMBEDDINGS || op == Builtin::DELEGATE)
    return true;
  if (op < Builtin::STABLEHLO_LOGISTIC || op > Builtin::STABLEHLO_CASE || op == Builtin::DILATE ||
      op == Builtin::REDUCE_WINDOW)
    return false;
  return std::find(std::begin(kStablehloThatRun), std::end(kStablehloThatRun), op) ==
         std::end(kStablehloThatRun);
}

class Planner {
 public:
  Planner(const Model& model, int subgraph, const InterpreterOptions& options, OpDriver* driver,
          Plan* plan)
      : model_(model),
        graph_(plan->rewritten.nodes.empty() ? model.graph().subgraphs[subgraph] : plan->rewritten),
        options_(options),
        driver_(*driver),
        plan_(*plan) {}

  Status run() {
    CYGNET_TRY(refuse_unsupported());
    CYGNET_TRY(place_inputs_and_variables());
    CYGNET_TRY(make_constants_dense());
    CYGNET_TRY(sweep());
    if (options_.fuse && !options_.reference) {
      CYGNET_TRY(fuse_followers(graph_, &plan_));
      CYGNET_TRY(fuse_leaders(graph_, &plan_));
    }
    if (driver_.threads() > 1) choose_threads();
    CYGNET_TRY(place_tensors());
    CYGNET_TRY(plan_arena(plan_.blocks, &plan_.arena_bytes));
    return take_arena();
  }

 private:
  Status refuse_unsupported() const;
  Status place_inputs_and_variables();
  Status make_constants_dense();
  Status sweep();
  Status plan_step(int32_t node, Tensor** operands);
  Status fold(Step* step);
  Status check_work(const Step& step);
  void choose_threads();
  Status place_tensors();
  void find_last_uses();
  void place_outputs(int32_t step, const Step& member);
  int32_t shared_block(int32_t step, const Step& member) const;
  bool fits_in_parts(int32_t step, const Step& member, int32_t tensor) const;
  void mark_parts();
  bool may_overwrite(int32_t step, const Step& member, int32_t block) const;
  int32_t add_block(int32_t tensor, int32_t first);
  Status take_arena();

  bool any(std::span<const int32_t> tensors, Place place) const {
    return std::any_of(tensors.begin(), tensors.end(),
                       [&](int32_t i) { return i != kAbsent && plan_.places[i] == place; });
  }

  const Model& model_;
  const Subgraph& graph_;
  const InterpreterOptions& options_;
  OpDriver& driver_;
  Plan& plan_;
  Vector<int32_t> last_use_;  // by tensor: the last step that reads it, itself or as a view
};

Status Planner::refuse_unsupported() const {
  // Each missing operator once, in the order of first use; those that nothing runs once more.
  Vector<char> list, nowhere;
  Vector<std::string_view> seen;
  const auto append = [](Vector<char>* to, std::string_view name) {
    if (!to->empty()) to->insert(to->end(), {',', ' '});
    to->insert(to->end(), name.begin(), name.end());
  };
  for (const Node& node : graph_.nodes) {
    if (node.op != nullptr || std::find(seen.begin(), seen.end(), node.name) != seen.end())
      continue;
    if (seen.size() == 64) break;
    seen.push_back(node.name);
    append(&list, node.name);
    if (runs_nowhere(node.builtin)) append(&nowhere, node.name);
  }
  if (seen.empty()) return {};
  list.push_back('\0');
  nowhere.push_back('\0');
  if (nowhere.size() == 1)
    return Status::error(Code::unsupported, "%s: C7: this build does not have these operators: %s",
                         model_.path(), list.data());
  return Status::error(Code::unsupported,
                       "%s: C7: this build does not have these operators: %s; no CPU runtime of "
                       "this format runs %s: convert the model to other operators",
                       model_.path(), list.data(), nowhere.data());
}

Status Planner::place_inputs_and_variables() {
  for (int32_t i : graph_.inputs) {
    Tensor& tensor = plan_.tensors[i];
    CYGNET_TRY(tensor_bytes(tensor.type, tensor.shape, model_.limits(), &tensor.bytes));
    plan_.places[i] = Place::arena;
    if (tensor.type != Type::string) continue;
    plan_.places[i] = Place::persistent;
    CYGNET_TRY(driver_.clear_strings(i));
  }
  // Variables that an operator sets get their memory when their shape is known.
  for (const Node& node : graph_.nodes)
    for (int32_t i : node.outputs)
      if (plan_.tensors[i].variable) plan_.places[i] = Place::persistent;
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    Tensor& tensor = plan_.tensors[i];
    if (!tensor.variable || plan_.places[i] != Place::none) continue;
    if (tensor.type == Type::string)
      return Status::error(Code::unsupported, "%s: T1: tensor \"%.*s\": a variable of type STRING",
                           model_.path(), static_cast<int>(tensor.name.size()), tensor.name.data());
    CYGNET_TRY(tensor_bytes(tensor.type, tensor.shape, model_.limits(), &tensor.bytes));
    plan_.places[i] = Place::persistent;
    CYGNET_TRY(driver_.take_buffer(static_cast<int32_t>(i), "variable tensor"));
  }
  return {};
}

// Operators see no sparse constants.
Status Planner::make_constants_dense() {
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    const GraphTensor& sparse = graph_.tensors[i];
    if (sparse.sparsity == nullptr) continue;
    if (!sparse.constant || type_bits(sparse.type) < 8)
      return Status::error(Code::unsupported, "%s: T7: a sparse %s of type %s (\"%.*s\")",
                           model_.path(), sparse.constant ? "constant" : "variable or result",
                           type_name(sparse.type), static_cast<int>(sparse.name.size()),
                           sparse.name.data());
    Tensor& tensor = plan_.tensors[i];
    CYGNET_TRY(tensor_bytes(tensor.type, tensor.shape, model_.limits(), &tensor.bytes));
    plan_.places[i] = Place::persistent;
    CYGNET_TRY(driver_.take_buffer(static_cast<int32_t>(i), "sparse constant"));
    densify(sparse, tensor.data);
  }
  return {};
}

Status Planner::sweep() {
  size_t operands = 0;
  for (const Node& node : graph_.nodes)
    operands += node.inputs.size() + node.outputs.size() + node.intermediates.size();
  if (!reserve_or_fail(plan_.operands, operands) ||
      !reserve_or_fail(plan_.steps, graph_.nodes.size()) ||
      !reserve_or_fail(plan_.blocks, graph_.nodes.size() * 2 + graph_.inputs.size()))
    return out_of_memory("plan", operands * sizeof(void*) + graph_.nodes.size() * sizeof(Step));
  plan_.operands.resize(operands);
  Tensor** next = plan_.operands.data();
  for (size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    if (node.builtin == kFusedAway) continue;
    CYGNET_TRY(plan_step(static_cast<int32_t>(i), next));
    if (base::ran_short()) return out_of_memory("plan", 0);
    next += node.inputs.size() + node.outputs.size() + node.intermediates.size();
  }
  return {};
}

Status Planner::plan_step(int32_t index, Tensor** operands) {
  const Node& node = graph_.nodes[index];
  Step& step = plan_.steps.emplace_back();
  step.node = index;
  driver_.bind(&step, operands);
  if (any(node.inputs, Place::dynamic)) {
    step.dynamic = true;
  } else {
    CYGNET_TRY(driver_.infer(&step));
  }
  if (step.dynamic) {
    for (int32_t i : node.outputs) plan_.places[i] = Place::dynamic;
    return {};
  }
  CYGNET_TRY(check_work(step));
  const bool constant_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](int32_t i) {
    return i == kAbsent || plan_.tensors[i].constant;
  });
  const bool known = node.op->shapes_only || (constant_inputs && !node.inputs.empty());
  const bool sets_state = std::any_of(node.outputs.begin(), node.outputs.end(),
                                      [&](int32_t i) { return plan_.tensors[i].variable; });
  if (node.op->pure && known && !sets_state) return fold(&step);
  for (int32_t i : node.outputs) {
    const bool apart = plan_.tensors[i].variable || plan_.tensors[i].type == Type::string;
    plan_.places[i] = apart ? Place::persistent : Place::arena;
    if (apart) CYGNET_TRY(driver_.take_buffer(i, "tensor"));
  }
  return driver_.prepare(&step);
}

Status Planner::check_work(const Step& step) {
  const Node& node = graph_.nodes[step.node];
  if (node.op->macs == nullptr && step.callees.empty()) return {};
  const int64_t macs = step.callees.empty() ? node.op->macs(step.context) : callee_macs(step);
  if (__builtin_add_overflow(plan_.macs, macs, &plan_.macs)) plan_.macs = INT64_MAX;
  const int64_t limit = model_.limits().macs;
  if (limit == 0 || plan_.macs <= limit) return {};
  return Status::error(
      Code::limit, "%s: P1: %lld multiply-adds up to operator %d exceed limit macs (%lld)",
      model_.path(), static_cast<long long>(plan_.macs), step.node, static_cast<long long>(limit));
}

// Runs a node whose results are known now, once; its outputs become constants and the step goes.
Status Planner::fold(Step* step) {
  const Node& node = graph_.nodes[step->node];
  for (int32_t i : node.outputs) {
    plan_.places[i] = Place::persistent;
    CYGNET_TRY(driver_.take_buffer(i, "folded constant"));
  }
  CYGNET_TRY(driver_.fold(step));
  for (int32_t i : node.outputs) plan_.tensors[i].constant = true;
  plan_.steps.pop_back();
  return {};
}

// Steps whose work is done before another thread has taken its share run on one thread.
void Planner::choose_threads() {
  for (Step& step : plan_.steps) {
    if (step.dynamic || !step.callees.empty()) continue;
    int64_t work_ns = 0;
    each_member(step, [&](const Step& member) {
      const Node& node = graph_.nodes[member.node];
      if (member.op->macs != nullptr) work_ns += member.op->macs(member.context) / kMacsPerNs;
      int64_t bytes = 0;
      for (int32_t i : node.inputs)
        if (i != kAbsent) bytes += static_cast<int64_t>(plan_.tensors[i].bytes);
      for (int32_t i : node.outputs) bytes += static_cast<int64_t>(plan_.tensors[i].bytes);
      work_ns += bytes / kBytesPerNs;
    });
    step.may_share = work_ns >= kSharedWorkNs;
  }
  driver_.start_choice();
}

void Planner::find_last_uses() {
  const int32_t end = static_cast<int32_t>(plan_.steps.size());
  for (int32_t s = 0; s < end; ++s)
    each_member(plan_.steps[s], [&](const Step& step) {
      for (int32_t i : graph_.nodes[step.node].inputs)
        if (i != kAbsent) last_use_[i] = s;
    });
  for (int32_t i : graph_.outputs) last_use_[i] = end;
  for (int32_t i : graph_.inputs) last_use_[i] = end;
  if (options_.keep_tensors) std::fill(last_use_.begin(), last_use_.end(), end);
  // A view keeps what it looks at in use.
  for (int32_t s = end - 1; s >= 0; --s) {
    const Node& node = graph_.nodes[plan_.steps[s].node];
    if (node.op->sharing != Sharing::view || plan_.steps[s].dynamic) continue;
    int32_t& input = last_use_[node.inputs[0]];
    input = std::max(input, last_use_[node.outputs[0]]);
  }
}

Status Planner::place_tensors() {
  if (!reserve_or_fail(last_use_, plan_.tensors.size()))
    return out_of_memory("plan", plan_.tensors.size() * 4);
  last_use_.assign(plan_.tensors.size(), -1);
  find_last_uses();
  if (!reserve_or_fail(plan_.blocks, plan_.blocks.size() + plan_.tensors.size()))
    return out_of_memory("plan", plan_.tensors.size() * sizeof(ArenaBlock));
  for (int32_t i : graph_.inputs)
    if (plan_.places[i] == Place::arena) plan_.block_of[i] = add_block(i, 0);
  for (size_t s = 0; s < plan_.steps.size(); ++s)
    each_member(plan_.steps[s],
                [&](const Step& member) { place_outputs(static_cast<int32_t>(s), member); });
  mark_parts();
  return {};
}

void Planner::place_outputs(int32_t step, const Step& member) {
  const Node& node = graph_.nodes[member.node];
  for (int32_t i : node.outputs) {
    if (plan_.places[i] != Place::arena) continue;
    const int32_t shared = i == node.outputs[0] ? shared_block(step, member) : -1;
    if (shared < 0 && fits_in_parts(step, member, i)) {
      const int64_t elements = kPartBytes * driver_.threads();
      plan_.in_parts[i] = 1;
      plan_.block_of[i] = add_block(i, step);
      plan_.blocks.back().bytes = elements * type_bits(plan_.tensors[i].type) / 8 + kSlackBytes;
      continue;
    }
    if (shared >= 0) {
      plan_.blocks[shared].last = std::max(plan_.blocks[shared].last, std::max(last_use_[i], step));
      plan_.block_of[i] = shared;
    } else {
      plan_.block_of[i] = add_block(i, step);
    }
  }
}

// The block that output 0 may share with an input: any for a view, and for an element-wise operator
// one of equal size that nothing needs after this step.
int32_t Planner::shared_block(int32_t step, const Step& member) const {
  const Node& node = graph_.nodes[member.node];
  if (options_.keep_tensors || node.op->sharing == Sharing::none) return -1;
  const size_t bytes = plan_.tensors[node.outputs[0]].bytes;
  for (int32_t i : node.inputs) {
    if (i == kAbsent || plan_.places[i] != Place::arena || plan_.tensors[i].bytes != bytes ||
        plan_.in_parts[i] != 0)
      continue;
    const int32_t block = plan_.block_of[i];
    if (node.op->sharing == Sharing::view) return i == node.inputs[0] ? block : -1;
    if (plan_.blocks[block].last == step && may_overwrite(step, member, block)) return block;
  }
  return -1;
}

// Whether tensor `i`, which a member of a step makes, is needed only while its followers work on
// the same part of it.
bool Planner::fits_in_parts(int32_t step, const Step& member, int32_t i) const {
  const Vector<Step>& followers = plan_.steps[step].followers;
  const bool follows = &member >= followers.begin() && &member < followers.end();
  return follows && !options_.keep_tensors && last_use_[i] == step &&
         plan_.tensors[i].shape.elements() > kPartBytes;
}

// Tells steps that they have operands of which there is but a part.
void Planner::mark_parts() {
  for (Step& step : plan_.steps)
    for (Step& follower : step.followers) {
      const Node& node = graph_.nodes[follower.node];
      const auto partial = [&](int32_t i) { return i != kAbsent && plan_.in_parts[i] != 0; };
      follower.in_parts =
          partial(node.outputs[0]) || std::any_of(node.inputs.begin(), node.inputs.end(), partial);
    }
}

// Whether a member of a step may write its output over a block that others of the same step read:
// no member after it does, and those before it read just the elements of the same part: all of them
// are leaders, which work on parts of the step's input, or none is.
bool Planner::may_overwrite(int32_t s, const Step& member, int32_t block) const {
  const size_t bytes = plan_.tensors[graph_.nodes[member.node].outputs[0]].bytes;
  const Step& step = plan_.steps[s];
  const auto leads = [&](const Step& one) {
    return &one >= step.leaders.begin() && &one < step.leaders.end();
  };
  bool before = true, allowed = true;
  each_member(plan_.steps[s], [&](const Step& other) {
    if (&other == &member) {
      before = false;
      return;
    }
    const bool in_parts = other.op->by_parts != nullptr && other.op->by_parts(other.context);
    for (int32_t i : graph_.nodes[other.node].inputs)
      if (i != kAbsent && plan_.block_of[i] == block)
        allowed = allowed && before && in_parts && leads(other) == leads(member) &&
                  plan_.tensors[i].bytes == bytes && other.context.output(0).bytes == bytes;
  });
  return allowed;
}

int32_t Planner::add_block(int32_t tensor, int32_t first) {
  plan_.blocks.push_back(
      {.tensor = tensor,
       .first = first,
       .last = std::max(last_use_[tensor], first),
       .bytes = static_cast<int64_t>(plan_.tensors[tensor].bytes) + kSlackBytes});
  return static_cast<int32_t>(plan_.blocks.size() - 1);
}

Status Planner::take_arena() {
  const int64_t bytes = plan_.arena_bytes;
  plan_.arena_bytes = 0;
  CYGNET_TRY(driver_.check_memory(bytes, "arena"));
  if (!plan_.arena.resize(static_cast<size_t>(bytes)))
    return out_of_memory("arena", static_cast<size_t>(bytes));
  plan_.arena_bytes = bytes;
  if (options_.poison) std::memset(plan_.arena.data(), 0xAA, static_cast<size_t>(bytes));
  for (size_t i = 0; i < plan_.tensors.size(); ++i)
    if (plan_.block_of[i] >= 0)
      plan_.tensors[i].data = plan_.arena.data() + plan_.blocks[plan_.block_of[i]].offset;
  for (int32_t i : graph_.inputs)
    if (plan_.block_of[i] >= 0) std::memset(plan_.tensors[i].data, 0, plan_.tensors[i].bytes);
  for (Step& step : plan_.steps) driver_.place_scratch(&step);
  return {};
}

}  // namespace

Status start_plan(const Model& model, int subgraph, Plan* plan) {
  const Subgraph& graph = model.graph().subgraphs[subgraph];
  const size_t n = graph.tensors.size();
  Resources* const resources = plan->resources;
  *plan = Plan();
  plan->resources = resources;
  if (!reserve_or_fail(plan->tensors, n) || !reserve_or_fail(plan->places, n) ||
      !reserve_or_fail(plan->block_of, n) || !reserve_or_fail(plan->in_parts, n) ||
      !reserve_or_fail(plan->buffers, n))
    return out_of_memory("plan", n * sizeof(Tensor));
  for (const GraphTensor& tensor : graph.tensors) {
    plan->tensors.push_back(tensor);
    plan->places.push_back(tensor.constant ? Place::constant : Place::none);
  }
  plan->block_of.assign(n, -1);
  plan->in_parts.assign(n, 0);
  plan->buffers.resize(n);
  return {};
}

Status make_plan(const Model& model, int subgraph, const InterpreterOptions& options,
                 OpDriver* driver, Plan* plan) {
  if (options.fuse && !options.reference && !options.keep_tensors) {
    // No node is of interest to two of them.
    const Subgraph& graph = model.graph().subgraphs[subgraph];
    CYGNET_TRY(fuse_swishes(graph, plan));
    CYGNET_TRY(fuse_softsigns(graph, plan));
    CYGNET_TRY(fuse_code_tables(graph, plan));
    CYGNET_TRY(fuse_layer_norms(graph, plan));
  }
  return Planner(model, subgraph, options, driver, plan).run();
}

}  // namespace cygnet
