// SPDX-License-Identifier: Apache-2.0
#include "runtime/interpreter.h"

#include <algorithm>
#include <cstring>

#include "graph/strings.h"
#include "runtime/control_flow.h"
#include "runtime/planner.h"

namespace cygnet {
namespace {

// Holds a flag while a call is under way; `held` is false when another call holds it.
class BusyGuard {
 public:
  explicit BusyGuard(std::atomic<bool>* flag) : flag_(flag), held_(!flag->exchange(true)) {}
  ~BusyGuard() {
    if (held_) flag_->store(false);
  }
  BusyGuard(const BusyGuard&) = delete;
  BusyGuard& operator=(const BusyGuard&) = delete;
  bool held() const { return held_; }

 private:
  std::atomic<bool>* flag_;
  bool held_;
};

Status busy() {
  return Status::error(Code::invalid_argument, "X1: the interpreter is in use by another call");
}

}  // namespace

Interpreter::~Interpreter() {
  if (resources_ != nullptr) resources_->release();
  if (model_ != nullptr) model_->packed_weights().leave();
}

Status Interpreter::share_resources(const Interpreter& other) {
  if (resources_ == nullptr || other.resources_ == nullptr || allocated_)
    return Status::error(Code::invalid_argument,
                         "X1: resources are shared after create and before allocate");
  if (other.model_ != model_)
    return Status::error(Code::invalid_argument,
                         "%s: resources are shared only among interpreters of one model",
                         model_->path());
  other.resources_->share();
  resources_->release();
  plan_.resources = resources_ = other.resources_;
  return {};
}

Status Interpreter::create(const Model& model, const InterpreterOptions& options, int subgraph) {
  const auto count = static_cast<int>(model.graph().subgraphs.size());
  if (subgraph < 0 || subgraph >= count)
    return Status::error(Code::invalid_argument, "%s: no subgraph %d, the model has %d",
                         model.path(), subgraph, count);
  base::clear_ran_short();
  Resources* const fresh = Resources::make(model.graph().subgraphs.size());
  if (fresh == nullptr) return out_of_memory("resources", sizeof(Resources));
  if (resources_ != nullptr) resources_->release();
  plan_.resources = resources_ = fresh;
  model.packed_weights().enter();
  if (model_ != nullptr) model_->packed_weights().leave();
  model_ = &model;
  subgraph_ = subgraph;
  signature_ = nullptr;
  options_ = options;
  if (options.weights_cache != nullptr) CYGNET_TRY(keep_cache_path(options.weights_cache));
  allocated_ = false;
  for (const Signature& signature : model.graph().signatures)
    if (signature.subgraph == subgraph && signature_ == nullptr) signature_ = &signature;
  CYGNET_TRY(pool_.start(std::clamp(options.threads, 1, std::min(model.limits().threads, 1024))));
  driver_.attach(model, subgraph, options_, &plan_, &pool_);
  CYGNET_TRY(start_plan(model, subgraph, &plan_));
  return base::ran_short() ? out_of_memory("plan", 0) : Status();
}

Status Interpreter::keep_cache_path(const char* path) {
  const size_t bytes = std::strlen(path) + 1;
  if (!cache_path_.resize(bytes)) return out_of_memory("path", bytes);
  std::memcpy(cache_path_.data(), path, bytes);
  options_.weights_cache = reinterpret_cast<const char*>(cache_path_.data());
  return {};
}

Status Interpreter::create_for_signature(const Model& model, const InterpreterOptions& options,
                                         std::string_view key) {
  for (const Signature& signature : model.graph().signatures) {
    if (signature.key != key) continue;
    CYGNET_TRY(create(model, options, signature.subgraph));
    signature_ = &signature;
    return {};
  }
  Vector<char> keys;
  for (const Signature& signature : model.graph().signatures) {
    if (!keys.empty()) keys.insert(keys.end(), {',', ' '});
    keys.insert(keys.end(), signature.key.begin(), signature.key.end());
  }
  keys.push_back('\0');
  return Status::error(Code::invalid_argument, "%s: no signature \"%.*s\"; the model has: %s",
                       model.path(), static_cast<int>(key.size()), key.data(),
                       keys.size() == 1 ? "none" : keys.data());
}

namespace {

// The signature's name of a tensor, or the tensor's own.
std::string_view public_name(const Vector<SignatureTensor>* names, const Plan& plan,
                             int32_t tensor) {
  if (names != nullptr)
    for (const SignatureTensor& entry : *names)
      if (entry.tensor == tensor) return entry.name;
  return plan.tensors[tensor].name;
}

int find_name(const Vector<SignatureTensor>* names, const Plan& plan,
              std::span<const int32_t> tensors, std::string_view name) {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (public_name(names, plan, tensors[i]) == name) return static_cast<int>(i);
  for (size_t i = 0; i < tensors.size(); ++i)
    if (plan.tensors[tensors[i]].name == name) return static_cast<int>(i);
  return -1;
}

}  // namespace

std::string_view Interpreter::input_name(int i) const {
  return public_name(signature_ == nullptr ? nullptr : &signature_->inputs, plan_,
                     subgraph().inputs[i]);
}

std::string_view Interpreter::output_name(int i) const {
  return public_name(signature_ == nullptr ? nullptr : &signature_->outputs, plan_,
                     subgraph().outputs[i]);
}

int Interpreter::find_input(std::string_view name) const {
  return find_name(signature_ == nullptr ? nullptr : &signature_->inputs, plan_, subgraph().inputs,
                   name);
}

int Interpreter::find_output(std::string_view name) const {
  return find_name(signature_ == nullptr ? nullptr : &signature_->outputs, plan_,
                   subgraph().outputs, name);
}

Status Interpreter::resize_input(int i, const Shape& shape) {
  if (model_ == nullptr || i < 0 || i >= inputs())
    return Status::error(Code::invalid_argument, "P2: no input %d", i);
  const GraphTensor& declared = subgraph().tensors[subgraph().inputs[i]];
  const std::string_view name = input_name(i);
  const auto refuse = [&](const Shape& expected) {
    return Status::error(Code::invalid_argument,
                         "%s: P2: input \"%.*s\": expected shape %s%s, got %s", model_->path(),
                         static_cast<int>(name.size()), name.data(), shape_text(expected).text,
                         declared.has_signature ? " (-1: any)" : "", shape_text(shape).text);
  };
  const Shape& pattern = declared.has_signature ? declared.signature : declared.shape;
  if (shape.rank != pattern.rank) return refuse(pattern);
  size_t bytes = 0;
  CYGNET_TRY(tensor_bytes(declared.type, shape, model_->limits(), &bytes));
  if (declared.has_signature)
    for (int d = 0; d < shape.rank; ++d)
      if (pattern[d] != -1 && pattern[d] != shape[d]) return refuse(pattern);
  BusyGuard guard(&resources_->busy);
  if (!guard.held()) return busy();
  Tensor& tensor = plan_.tensors[subgraph().inputs[i]];
  if (tensor.shape == shape) return {};
  tensor.shape = shape;
  allocated_ = false;
  return {};
}

Status Interpreter::allocate() {
  if (model_ == nullptr) return Status::error(Code::invalid_argument, "X1: allocate before create");
  BusyGuard guard(&resources_->busy);
  if (!guard.held()) return busy();
  allocated_ = false;
  base::clear_ran_short();
  Vector<Shape> shapes;
  if (!reserve_or_fail(shapes, subgraph().inputs.size())) return out_of_memory("input shapes", 0);
  for (int i = 0; i < inputs(); ++i) shapes.push_back(input(i).shape);
  const auto restore_shapes = [&] {
    for (int i = 0; i < inputs(); ++i) plan_.tensors[subgraph().inputs[i]].shape = shapes[i];
  };
  CYGNET_TRY(start_plan(*model_, subgraph_, &plan_));
  restore_shapes();
  driver_.start_clock();
  if (options_.weights_cache != nullptr)
    model_->packed_weights().open_cache(options_.weights_cache);
  Status status = make_plan(*model_, subgraph_, options_, &driver_, &plan_);
  if (status.ok() && options_.weights_cache != nullptr)
    cache_status_ = model_->packed_weights().save_cache(options_.weights_cache);
  if (status.ok() && base::ran_short()) status = out_of_memory("plan", 0);
  if (status.ok()) status = model_->check_intact();
  if (!status.ok()) {
    CYGNET_TRY(start_plan(*model_, subgraph_, &plan_));
    restore_shapes();
    return status;
  }
  allocated_ = true;
  return reset_variables();
}

Status Interpreter::write_input(int i, const void* data, size_t bytes) {
  if (!allocated_) return Status::error(Code::invalid_argument, "X1: write_input before allocate");
  if (i < 0 || i >= inputs()) return Status::error(Code::invalid_argument, "X2: no input %d", i);
  const Tensor& tensor = input(i);
  const std::string_view name = input_name(i);
  if (tensor.type == Type::string) {
    Status status = verify_strings(data, bytes, tensor.shape.elements());
    if (!status.ok())
      return Status::error(Code::invalid_argument, "input \"%.*s\": %s",
                           static_cast<int>(name.size()), name.data(), status.message());
    Tensor value;
    value.data = const_cast<void*>(data);
    value.bytes = bytes;
    return driver_.assign(subgraph().inputs[i], value);
  }
  if (bytes != tensor.bytes)
    return Status::error(Code::invalid_argument,
                         "X2: input \"%.*s\": expected %zu bytes (%s %s), got %zu",
                         static_cast<int>(name.size()), name.data(), tensor.bytes,
                         type_name(tensor.type), shape_text(tensor.shape).text, bytes);
  if (bytes > 0) std::memcpy(tensor.data, data, bytes);
  return {};
}

Status Interpreter::read_output(int i, void* data, size_t bytes) const {
  if (!allocated_) return Status::error(Code::invalid_argument, "X1: read_output before allocate");
  if (i < 0 || i >= outputs()) return Status::error(Code::invalid_argument, "X2: no output %d", i);
  const Tensor& tensor = output(i);
  const std::string_view name = output_name(i);
  if (bytes != tensor.bytes)
    return Status::error(Code::invalid_argument,
                         "X2: output \"%.*s\": expected %zu bytes (%s %s), got %zu",
                         static_cast<int>(name.size()), name.data(), tensor.bytes,
                         type_name(tensor.type), shape_text(tensor.shape).text, bytes);
  if (bytes > 0) std::memcpy(data, tensor.data, bytes);
  return {};
}

Status Interpreter::invoke() {
  if (!allocated_) return Status::error(Code::invalid_argument, "X1: invoke before allocate");
  BusyGuard guard(&resources_->busy);
  if (!guard.held()) return busy();
  driver_.start_clock();
  base::clear_ran_short();
  CYGNET_TRY(driver_.run());
  return model_->check_intact();
}

Status Interpreter::reset_variables() {
  if (!allocated_)
    return Status::error(Code::invalid_argument, "X1: reset_variables before allocate");
  cygnet::reset_variables(&plan_);
  return {};
}

}  // namespace cygnet
