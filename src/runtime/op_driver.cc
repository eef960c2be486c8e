// SPDX-License-Identifier: Apache-2.0
#include "runtime/op_driver.h"

#include <algorithm>
#include <cctype>

#include "base/clock.h"
#include "graph/resources.h"
#include "graph/strings.h"
#include "runtime/control_flow.h"

namespace cygnet {
namespace {

// Every tensor may be read this far past its end.
constexpr size_t kSlackBytes = 64;

// An empty flatbuffer table: a vtable of two 16-bit sizes and the table's offset to it.
alignas(4) constexpr uint8_t kEmptyTable[] = {4, 0, 4, 0, 4, 0, 0, 0};

int64_t now_us() {
  return base::now_ns() / 1000;
}

// Whether a message begins with a rule's id: "T9: ...".
bool has_rule_id(const char* message) {
  if (std::isupper(static_cast<unsigned char>(*message)) == 0) return false;
  do ++message;
  while (std::isdigit(static_cast<unsigned char>(*message)) != 0);
  return *message == ':';
}

}  // namespace

Status tensor_bytes(Type type, const Shape& shape, const Limits& limits, size_t* bytes) {
  int64_t nonzero = 1;
  bool empty = false;
  for (int32_t d : shape) {
    if (d < 0) return bad_model("T2: negative dimension in shape %s", shape_text(shape).text);
    if (d == 0)
      empty = true;
    else if (__builtin_mul_overflow(nonzero, int64_t{d}, &nonzero) || nonzero > INT32_MAX)
      return bad_model("T3: shape %s has more than 2147483647 elements", shape_text(shape).text);
  }
  if (!empty && nonzero > limits.tensor_elements)
    return Status::error(Code::limit,
                         "T3: shape %s has more elements than limit tensor_elements (%lld)",
                         shape_text(shape).text, static_cast<long long>(limits.tensor_elements));
  if (type == Type::string) return {};
  if (type == Type::resource) {
    *bytes = sizeof(int32_t);
    return {};
  }
  const int bits = type_bits(type);
  if (bits == 0)
    return Status::error(Code::unsupported, "T1: type %s has no fixed size", type_name(type));
  *bytes = empty ? 0 : static_cast<size_t>((nonzero * bits + 7) / 8);
  return {};
}

Status OpDriver::check_memory(int64_t more, const char* what) const {
  const Plan& plan = *plan_;
  const int64_t held = plan.outer_bytes + plan.arena_bytes + plan.persistent_bytes +
                       plan.dynamic_bytes +
                       (plan.resources == nullptr ? 0 : plan.resources->bytes());
  int64_t total = 0;
  const int64_t limit = model_->limits().memory_bytes;
  if (!__builtin_add_overflow(held, more, &total) && total <= limit) return {};
  return Status::error(
      Code::limit, "P1: %s of %lld bytes after %lld bytes exceeds limit memory_bytes (%lld)", what,
      static_cast<long long>(more), static_cast<long long>(held), static_cast<long long>(limit));
}

void OpDriver::attach(const Model& model, int subgraph, const InterpreterOptions& options,
                      Plan* plan, base::ThreadPool* pool) {
  model_ = &model;
  subgraph_ = subgraph;
  options_ = options;
  plan_ = plan;
  pool_ = pool;
}

void OpDriver::bind(Step* step, Tensor** operands) {
  const Node& node = subgraph().nodes[step->node];
  OpContext& op = step->context;
  const auto list = [&](std::span<const int32_t> indices, Tensor* const** out, int* count) {
    *out = operands;
    *count = static_cast<int>(indices.size());
    for (int32_t i : indices) *operands++ = i == kAbsent ? nullptr : &plan_->tensors[i];
  };
  list(node.inputs, &op.input_, &op.input_count_);
  list(node.outputs, &op.output_, &op.output_count_);
  list(node.intermediates, &op.intermediate_, &op.intermediate_count_);
  step->op = node.op;
  op.host_ = this;
  op.version_ = node.version;
  op.has_options_ = node.options != nullptr;
  op.options_ = op.has_options_ ? node.options : kEmptyTable + 4;
  op.custom_options_ = node.custom_options;
  op.reference_ = options_.reference;
}

Status OpDriver::infer(Step* step) {
  const Node& node = subgraph().nodes[step->node];
  if (is_control_flow(node)) return infer_control(step);
  OpContext& op = step->context;
  current_ = step;
  declared_ = 0;
  declared_count_ = 0;
  op.deferred_ = false;
  Status status = node.op->infer(op);
  if (status.ok() && !op.deferred_ && declared_count_ != op.outputs())
    status = Status::error(Code::internal, "infer declared %d of %d outputs", declared_count_,
                           op.outputs());
  if (status.ok() && op.deferred_ && op.running_)
    status = Status::error(Code::internal, "infer defers although all values are known");
  if (!status.ok()) return located(*step, std::move(status));
  step->dynamic = op.deferred_ || op.running_;
  return {};
}

Status OpDriver::prepare(Step* step) {
  const Node& node = subgraph().nodes[step->node];
  release_memory(step);
  step->scratch.clear();
  step->scratch_blocks.clear();
  step->context.state_ = nullptr;
  step->context.wants_ = false;
  if (node.op->prepare == nullptr || is_control_flow(node)) return {};
  current_ = step;
  allocation_error_ = {};
  Status status = node.op->prepare(step->context);
  if (!allocation_error_.ok()) status = std::move(allocation_error_);
  if (status.ok() && base::ran_short()) status = out_of_memory("operator", 0);
  if (!status.ok()) return located(*step, std::move(status));
  step->wants = step->context.wants_;
  return {};
}

Status OpDriver::invoke(Step* step) {
  if (is_control_flow(subgraph().nodes[step->node])) return run_control(step);
  step->context.scratch_ = step->scratch.data();
  step->context.leaders_ = step->leaders.empty() ? nullptr : step;
  step->context.followers_ = step->followers.empty() ? nullptr : step;
  step->produced = 0;
  Status status = step->op->invoke(step->context);
  if (!status.ok()) return located(*step, std::move(status));
  if (stopped()) return located(*step, check_stopped());
  if (step->failed != 0) {
    step->failed = 0;
    return std::move(step->failure);
  }
  return step->followers.empty() ? Status() : run_followers(step);
}

Status OpDriver::run_dynamic(Step* step) {
  const Node& node = subgraph().nodes[step->node];
  if (is_control_flow(node)) return run_control(step);
  step->context.running_ = true;
  CYGNET_TRY(infer(step));
  for (int32_t i : node.outputs) CYGNET_TRY(take_buffer(i, "dynamic tensor"));
  if (node.op->macs != nullptr && model_->limits().macs > 0 &&
      node.op->macs(step->context) > model_->limits().macs)
    return located(*step,
                   Status::error(Code::limit, "P3: more multiply-adds than limit macs (%lld)",
                                 static_cast<long long>(model_->limits().macs)));
  CYGNET_TRY(prepare(step));
  return invoke(step);
}

Status OpDriver::run() {
  if (profiler_ != nullptr) profiler_->start_run(plan_->steps.size());
  const bool choosing = choice_.begin_run(&plan_->steps);
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    Step& step = plan_->steps[i];
    if (!step.dynamic) {
      CYGNET_TRY(invoke(&step));
    } else {
      CYGNET_TRY(run_dynamic(&step));
      if (base::ran_short()) return out_of_memory("dynamic tensors", 0);
    }
    if (choosing) choice_.end_step(&step);
    if (profiler_ != nullptr) profiler_->end_step(i);
  }
  if (choosing) choice_.end_run(&plan_->steps);
  return {};
}

Status OpDriver::fold(Step* step) {
  step->context.running_ = true;  // scratch can't be in the arena, which does not exist yet
  folding_ = true;
  Status status = prepare(step);
  folding_ = false;
  if (status.ok()) status = invoke(step);
  release_memory(step);
  return status;
}

void OpDriver::release_memory(Step* step) {
  for (const base::Buffer& block : step->memory)
    plan_->persistent_bytes -= static_cast<int64_t>(block.bytes());
  step->memory.clear();
}

void OpDriver::place_scratch(Step* step) {
  for (Step& leader : step->leaders) place_scratch(&leader);
  for (Step& follower : step->followers) place_scratch(&follower);
  for (size_t i = 0; i < step->scratch_blocks.size(); ++i)
    step->scratch[i] = plan_->arena.data() + plan_->blocks[step->scratch_blocks[i]].offset;
}

Status OpDriver::take_buffer(int32_t i, const char* what) {
  Tensor& tensor = plan_->tensors[i];
  if (tensor.type == Type::string) {
    tensor.data = nullptr;
    tensor.bytes = 0;
    return {};
  }
  CYGNET_TRY(resize_buffer(i, what));
  std::memset(tensor.data, 0, tensor.bytes + kSlackBytes);
  return {};
}

// Gives tensor i a buffer of its own for its bytes, with undefined contents.
Status OpDriver::resize_buffer(int32_t i, const char* what) {
  Tensor& tensor = plan_->tensors[i];
  base::Buffer& buffer = plan_->buffers[i];
  int64_t& held =
      plan_->places[i] == Place::dynamic ? plan_->dynamic_bytes : plan_->persistent_bytes;
  const size_t wanted = tensor.bytes + kSlackBytes;
  tensor.data = nullptr;
  if (buffer.bytes() < wanted) {
    held -= static_cast<int64_t>(buffer.bytes());
    buffer = base::Buffer();
    CYGNET_TRY(check_memory(static_cast<int64_t>(wanted), what));
    if (!buffer.resize(wanted)) return out_of_memory(what, wanted);
    held += static_cast<int64_t>(wanted);
  }
  tensor.data = buffer.data();
  return {};
}

Status OpDriver::take_strings(int32_t i, size_t bytes) {
  Tensor& tensor = plan_->tensors[i];
  tensor.bytes = bytes;
  Status status = resize_buffer(i, "strings");
  if (!status.ok()) tensor.bytes = 0;
  return status;
}

Status OpDriver::assign(int32_t i, const Tensor& from) {
  Tensor& to = plan_->tensors[i];
  if (to.type == Type::string) CYGNET_TRY(take_strings(i, from.bytes));
  if (to.bytes != from.bytes || (to.bytes > 0 && from.data == nullptr))
    return bad_model("expected %zu bytes, got %zu", to.bytes, from.bytes);
  if (to.bytes > 0) std::memcpy(to.data, from.data, to.bytes);
  return {};
}

Status OpDriver::clear_strings(int32_t i) {
  const int64_t n = plan_->tensors[i].shape.elements();
  const auto nothing = [](int64_t) { return std::string_view(); };
  CYGNET_TRY(take_strings(i, static_cast<size_t>(strings_bytes(n, nothing))));
  put_strings(plan_->tensors[i].data, n, nothing);
  return {};
}

Status OpDriver::allocate_output(OpContext& op, int index, size_t bytes, void** data) {
  Tensor& tensor = *op.output_[index];
  if (tensor.type != Type::string)
    return Status::error(Code::internal, "output %d: its size is known from its shape", index);
  CYGNET_TRY(take_strings(static_cast<int32_t>(&tensor - plan_->tensors.data()), bytes));
  *data = tensor.data;
  return {};
}

void OpDriver::start_clock() {
  const int64_t limit_ms = model_->limits().invoke_ms;
  deadline_us_ = limit_ms > 0 ? now_us() + limit_ms * 1000 : 0;
}

bool OpDriver::stopped() const {
  if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) return true;
  return deadline_us_ > 0 && now_us() > deadline_us_;
}

Status OpDriver::check_stopped() const {
  if (!stopped()) return {};
  if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed))
    return Status::error(Code::cancelled, "cancelled by the caller");
  return Status::error(Code::cancelled, "limit invoke_ms (%lld ms) reached",
                       static_cast<long long>(model_->limits().invoke_ms));
}

Status OpDriver::declare_output(OpContext& op, int index, const Shape& shape) {
  if (index < 0 || index >= op.outputs())
    return Status::error(Code::internal, "output %d declared, the operator has %d", index,
                         op.outputs());
  Tensor& tensor = *op.output_[index];
  CYGNET_TRY(tensor_bytes(tensor.type, shape, model_->limits(), &tensor.bytes));
  tensor.shape = shape;
  const uint64_t bit = index < 64 ? uint64_t{1} << index : 0;
  if ((declared_ & bit) == 0) ++declared_count_;
  declared_ |= bit;
  return {};
}

void* OpDriver::allocate(OpContext&, size_t bytes) {
  void* memory = nullptr;
  Status status = take_operator_memory(bytes, &memory);
  if (allocation_error_.ok()) allocation_error_ = std::move(status);
  return memory;
}

const void* OpDriver::packed(OpContext& op, const PackKey& key, size_t bytes, PackBody body,
                             void* context) {
  if (folding_) {
    void* memory = allocate(op, bytes);
    if (memory != nullptr) body(context, memory);
    return memory;
  }
  const void* out = nullptr;
  Status status = check_memory(static_cast<int64_t>(bytes), "packed weights");
  if (status.ok()) {
    const auto index = static_cast<size_t>(&key.constant() - plan_->tensors.data());
    const bool lasts = index < plan_->tensors.size() && plan_->places[index] == Place::constant;
    status = model_->packed_weights().get({key, lasts, bytes, body, context}, &out);
  }
  if (allocation_error_.ok()) allocation_error_ = std::move(status);
  if (out != nullptr && !op.running_) plan_->persistent_bytes += static_cast<int64_t>(bytes);
  return out;
}

Status OpDriver::take_operator_memory(size_t bytes, void** memory) {
  const size_t wanted = bytes + kSlackBytes;
  if (wanted < bytes || wanted > INT64_MAX)
    return Status::error(Code::limit, "P1: operator memory of %zu bytes", bytes);
  CYGNET_TRY(check_memory(static_cast<int64_t>(wanted), "operator memory"));
  if (!current_->context.running_) {
    *memory = plan_->pool.take(wanted);
    if (*memory == nullptr) return out_of_memory("operator memory", bytes);
    plan_->persistent_bytes += static_cast<int64_t>(wanted);
    return {};
  }
  base::Buffer buffer;
  if (!buffer.resize(wanted) || !reserve_or_fail(current_->memory, current_->memory.size() + 1))
    return out_of_memory("operator memory", bytes);
  *memory = buffer.data();
  plan_->persistent_bytes += static_cast<int64_t>(wanted);
  current_->memory.push_back(std::move(buffer));
  return {};
}

Status OpDriver::request_scratch(OpContext& op, size_t bytes, int* handle) {
  if (bytes > INT64_MAX - kSlackBytes)
    return Status::error(Code::limit, "P1: scratch of %zu bytes", bytes);
  CYGNET_TRY(check_memory(static_cast<int64_t>(bytes + kSlackBytes), "scratch"));
  *handle = static_cast<int>(current_->scratch.size());
  void* memory = nullptr;
  if (op.running_) {
    CYGNET_TRY(take_operator_memory(bytes, &memory));
  } else {
    const int32_t step = static_cast<int32_t>(current_ - plan_->steps.data());
    plan_->blocks.push_back(
        {.first = step, .last = step, .bytes = static_cast<int64_t>(bytes + kSlackBytes)});
    current_->scratch_blocks.push_back(static_cast<int32_t>(plan_->blocks.size() - 1));
  }
  current_->scratch.push_back(memory);
  return {};
}

int32_t OpDriver::region_operator(int32_t subgraph) const {
  const Vector<Subgraph>& subgraphs = model_->graph().subgraphs;
  if (subgraph < 0 || static_cast<size_t>(subgraph) >= subgraphs.size()) return -2;
  const Vector<Node>& nodes = subgraphs[static_cast<size_t>(subgraph)].nodes;
  return nodes.empty() ? -1 : nodes.size() == 1 ? nodes[0].builtin : -2;
}

void OpDriver::parallel(int64_t tasks, int64_t grain, ParallelBody body, void* context) {
  const bool can_stop = deadline_us_ > 0 || options_.cancel != nullptr;
  if (!can_stop) return pool_->run(tasks, grain, body, context);
  // Each thread's slice goes in pieces, with a look at the clock and the cancel flag before each.
  struct Sliced {
    OpDriver* driver;
    ParallelBody body;
    void* context;
  } sliced{this, body, context};
  pool_->run(
      tasks, grain,
      [](void* argument, int64_t begin, int64_t end, int thread) {
        const auto& s = *static_cast<const Sliced*>(argument);
        const int64_t piece = std::max<int64_t>(1, (end - begin) / 64);
        for (int64_t at = begin; at < end && !s.driver->stopped(); at += piece)
          s.body(s.context, at, std::min(at + piece, end), thread);
      },
      &sliced);
}

Status OpDriver::located(const Step& step, Status status) const {
  const Node& node = subgraph().nodes[step.node];
  const std::string_view name =
      node.outputs.empty() ? std::string_view() : plan_->tensors[node.outputs[0]].name;
  const char* rule =
      status.code() == Code::invalid_model && !has_rule_id(status.message()) ? "O: " : "";
  return Status::error(status.code(), "%s: %ssubgraph %d operator %d %.*s (output \"%.*s\"): %s",
                       model_->path(), rule, subgraph_, step.node,
                       static_cast<int>(node.name.size()), node.name.data(),
                       static_cast<int>(name.size()), name.data(), status.message());
}

}  // namespace cygnet
