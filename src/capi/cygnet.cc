// SPDX-License-Identifier: Apache-2.0
#include "cygnet/cygnet.h"

#include <cstdio>

#include "format/model.h"
#include "graph/strings.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"

static_assert(static_cast<int>(cygnet::Code::internal) == CYGNET_INTERNAL);
static_assert(static_cast<int>(cygnet::Type::float8_e5m2) == CYGNET_FLOAT8_E5M2);
static_assert(cygnet::kMaxRank == 8);

struct cygnet_model {
  cygnet::Vector<const cygnet::OpDef*> custom_ops;
  cygnet::Model model;
};

struct cygnet_interpreter {
  std::atomic<bool> cancel{false};
  cygnet::Interpreter interpreter;
};

namespace {

using cygnet::Code;
using cygnet::Status;

thread_local char last_message[2048];

cygnet_code report(const Status& status) {
  if (!status.ok()) std::snprintf(last_message, sizeof(last_message), "%s", status.message());
  return static_cast<cygnet_code>(status.code());
}

Status null_argument(const char* function) {
  return Status::error(Code::invalid_argument, "%s: an argument is NULL", function);
}

// An object of the API in memory of the library's own; null when memory is short.
template <class T>
T* make() {
  void* memory = cygnet::base::allocate(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T();
}

template <class T>
void destroy(T* object) {
  if (object == nullptr) return;
  object->~T();
  cygnet::base::release(object);
}

// Options of an older, shorter struct leave the fields it lacks at zero.
template <class T>
T read_options(const T* options) {
  T copy{};
  if (options != nullptr)
    std::memcpy(&copy, options,
                options->struct_size < sizeof(T) ? options->struct_size : sizeof(T));
  return copy;
}

template <class Load>
Status load_model(const cygnet_model_options* given, cygnet_model** out, Load load) {
  const cygnet_model_options options = read_options(given);
  *out = nullptr;
  cygnet_model* model = make<cygnet_model>();
  if (model == nullptr) return cygnet::out_of_memory("model", sizeof(cygnet_model));
  cygnet::LoadOptions load_options;
  if (options.untrusted != 0) load_options.limits = cygnet::Limits::untrusted();
  load_options.copy = options.copy_file != 0;
  cygnet::OpRegistry registry = cygnet::builtin_ops();
  const size_t extra = load_options.limits.custom_operators ? options.custom_op_count : 0;
  Status status;
  if (!reserve_or_fail(model->custom_ops, registry.custom.size() + extra)) {
    status = cygnet::out_of_memory("custom operators", extra * sizeof(void*));
  } else {
    model->custom_ops.assign(registry.custom.begin(), registry.custom.end());
    for (size_t i = 0; i < extra; ++i)
      model->custom_ops.push_back(static_cast<const cygnet::OpDef*>(options.custom_ops[i]));
    registry.custom = model->custom_ops;
    status = load(registry, load_options, &model->model);
  }
  if (status.ok())
    *out = model;
  else
    destroy(model);
  return status;
}

void describe(const cygnet::Tensor& tensor, std::string_view name, cygnet_tensor* out) {
  *out = {};
  out->name = name.data() == nullptr ? "" : name.data();
  out->name_length = name.size();
  out->type = static_cast<cygnet_type>(tensor.type);
  out->rank = tensor.shape.rank;
  std::memcpy(out->dims, tensor.shape.dims, sizeof(out->dims));
  out->bytes = tensor.bytes;
  out->data = tensor.data;
  out->scale_count = tensor.quantization.count;
  out->quantized_dim = tensor.quantization.axis;
  if (tensor.quantization.count > 0) {
    out->scale = tensor.quantization.scale();
    out->zero_point = tensor.quantization.zero_point();
  }
}

}  // namespace

const char* cygnet_version() {
  return "0.1.0";
}
const char* cygnet_error_message() {
  return last_message;
}

cygnet_code cygnet_model_from_file(const char* path, const cygnet_model_options* options,
                                   cygnet_model** model) {
  if (path == nullptr || model == nullptr) return report(null_argument("cygnet_model_from_file"));
  return report(
      load_model(options, model, [&](const auto& registry, const auto& load_options, auto* out) {
        return cygnet::Model::load(path, registry, load_options, out);
      }));
}

cygnet_code cygnet_model_from_memory(const void* data, size_t bytes,
                                     const cygnet_model_options* options, cygnet_model** model) {
  if (data == nullptr || model == nullptr) return report(null_argument("cygnet_model_from_memory"));
  return report(
      load_model(options, model, [&](const auto& registry, const auto& load_options, auto* out) {
        return cygnet::Model::from_memory({static_cast<const uint8_t*>(data), bytes}, "model",
                                          registry, load_options, out);
      }));
}

void cygnet_model_delete(cygnet_model* model) {
  destroy(model);
}

size_t cygnet_model_signature_count(const cygnet_model* model) {
  return model->model.graph().signatures.size();
}

const char* cygnet_model_signature_key(const cygnet_model* model, size_t index) {
  const auto& signatures = model->model.graph().signatures;
  return index < signatures.size() ? signatures[index].key.data() : nullptr;
}

cygnet_code cygnet_interpreter_create(const cygnet_model* model,
                                      const cygnet_interpreter_options* given,
                                      cygnet_interpreter** out) {
  if (model == nullptr || out == nullptr) return report(null_argument("cygnet_interpreter_create"));
  *out = nullptr;
  const cygnet_interpreter_options options = read_options(given);
  cygnet_interpreter* made = make<cygnet_interpreter>();
  if (made == nullptr)
    return report(cygnet::out_of_memory("interpreter", sizeof(cygnet_interpreter)));
  const cygnet::InterpreterOptions interpreter_options{
      .threads = options.threads > 0 ? options.threads : 1,
      .reference = options.reference != 0,
      .weights_cache = options.weights_cache,
      .cancel = &made->cancel};
  Status status = options.signature == nullptr
                      ? made->interpreter.create(model->model, interpreter_options)
                      : made->interpreter.create_for_signature(model->model, interpreter_options,
                                                               options.signature);
  if (status.ok() && options.resources_of != nullptr)
    status = made->interpreter.share_resources(options.resources_of->interpreter);
  if (status.ok())
    *out = made;
  else
    destroy(made);
  return report(status);
}

void cygnet_interpreter_delete(cygnet_interpreter* interpreter) {
  destroy(interpreter);
}

int cygnet_interpreter_input_count(const cygnet_interpreter* net) {
  return net->interpreter.inputs();
}
int cygnet_interpreter_output_count(const cygnet_interpreter* net) {
  return net->interpreter.outputs();
}

cygnet_code cygnet_interpreter_input(const cygnet_interpreter* net, int index,
                                     cygnet_tensor* tensor) {
  if (tensor == nullptr) return report(null_argument("cygnet_interpreter_input"));
  if (index < 0 || index >= net->interpreter.inputs())
    return report(Status::error(Code::invalid_argument, "X2: no input %d, the model has %d", index,
                                net->interpreter.inputs()));
  describe(net->interpreter.input(index), net->interpreter.input_name(index), tensor);
  return CYGNET_OK;
}

cygnet_code cygnet_interpreter_output(const cygnet_interpreter* net, int index,
                                      cygnet_tensor* tensor) {
  if (tensor == nullptr) return report(null_argument("cygnet_interpreter_output"));
  if (index < 0 || index >= net->interpreter.outputs())
    return report(Status::error(Code::invalid_argument, "X2: no output %d, the model has %d", index,
                                net->interpreter.outputs()));
  describe(net->interpreter.output(index), net->interpreter.output_name(index), tensor);
  return CYGNET_OK;
}

int cygnet_interpreter_find_input(const cygnet_interpreter* net, const char* name) {
  return net->interpreter.find_input(name);
}
int cygnet_interpreter_find_output(const cygnet_interpreter* net, const char* name) {
  return net->interpreter.find_output(name);
}

cygnet_code cygnet_interpreter_resize_input(cygnet_interpreter* net, int index, const int32_t* dims,
                                            int32_t rank) {
  if (dims == nullptr && rank != 0) return report(null_argument("cygnet_interpreter_resize_input"));
  if (rank < 0 || rank > cygnet::kMaxRank)
    return report(Status::error(Code::invalid_argument, "P2: expected rank 0 to %d, got %d",
                                cygnet::kMaxRank, rank));
  cygnet::Shape shape;
  for (int32_t i = 0; i < rank; ++i) shape.push(dims[i]);
  return report(net->interpreter.resize_input(index, shape));
}

cygnet_code cygnet_interpreter_allocate(cygnet_interpreter* net) {
  return report(net->interpreter.allocate());
}

cygnet_code cygnet_interpreter_write_input(cygnet_interpreter* net, int index, const void* data,
                                           size_t bytes) {
  if (data == nullptr && bytes > 0) return report(null_argument("cygnet_interpreter_write_input"));
  return report(net->interpreter.write_input(index, data, bytes));
}

cygnet_code cygnet_interpreter_write_strings(cygnet_interpreter* net, int index,
                                             const char* const* strings, const size_t* lengths,
                                             size_t count) {
  if (strings == nullptr && count > 0)
    return report(null_argument("cygnet_interpreter_write_strings"));
  const auto n = static_cast<int64_t>(count);
  const auto at = [&](int64_t i) {
    if (strings[i] == nullptr) return std::string_view();
    return lengths == nullptr ? std::string_view(strings[i])
                              : std::string_view(strings[i], lengths[i]);
  };
  const int64_t bytes = n < 0 || n > INT32_MAX ? INT64_MAX : cygnet::strings_bytes(n, at);
  if (bytes > INT32_MAX)
    return report(
        Status::error(Code::limit, "X2: input %d: more than 2147483647 bytes of strings", index));
  cygnet::base::Buffer buffer;
  if (!buffer.resize(static_cast<size_t>(bytes)))
    return report(cygnet::out_of_memory("strings", static_cast<size_t>(bytes)));
  cygnet::put_strings(buffer.data(), n, at);
  return report(net->interpreter.write_input(index, buffer.data(), buffer.bytes()));
}

const char* cygnet_tensor_string(const cygnet_tensor* tensor, size_t index, size_t* length) {
  if (tensor == nullptr || tensor->type != CYGNET_STRING || length == nullptr) return nullptr;
  const cygnet::Strings strings(tensor->data, tensor->bytes);
  if (index >= static_cast<size_t>(strings.count())) return nullptr;
  const std::string_view text = strings[static_cast<int64_t>(index)];
  *length = text.size();
  return text.data() == nullptr ? "" : text.data();
}

cygnet_code cygnet_interpreter_read_output(const cygnet_interpreter* net, int index, void* data,
                                           size_t bytes) {
  if (data == nullptr && bytes > 0) return report(null_argument("cygnet_interpreter_read_output"));
  return report(net->interpreter.read_output(index, data, bytes));
}

cygnet_code cygnet_interpreter_invoke(cygnet_interpreter* net) {
  return report(net->interpreter.invoke());
}
cygnet_code cygnet_interpreter_reset_variables(cygnet_interpreter* net) {
  return report(net->interpreter.reset_variables());
}
void cygnet_interpreter_cancel(cygnet_interpreter* net, int cancel) {
  net->cancel.store(cancel != 0);
}

size_t cygnet_interpreter_arena_bytes(const cygnet_interpreter* net) {
  return net->interpreter.allocated() ? static_cast<size_t>(net->interpreter.plan().arena_bytes)
                                      : 0;
}
