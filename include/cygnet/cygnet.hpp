// SPDX-License-Identifier: Apache-2.0
// C++ over the C API: objects that own what they hold. C++17, no exceptions; what can fail returns
// an Error, which is true when something went wrong.
//
//   cygnet::api::Model model;
//   cygnet::api::Interpreter net;
//   if (auto e = model.load("net.tflite")) return report(e.message());
//   if (auto e = net.create(model)) return report(e.message());
//   if (auto e = net.allocate()) return report(e.message());
//   net.write(0, pixels.data(), pixels.size());
//   net.invoke();
//   net.read(0, scores.data(), scores.size());
#ifndef CYGNET_CYGNET_HPP_
#define CYGNET_CYGNET_HPP_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cygnet/cygnet.h"

namespace cygnet::api {

/// Ok, or a code with a message.
class [[nodiscard]] Error {
 public:
  Error() = default;
  explicit Error(cygnet_code code)
      : code_(code), message_(code == CYGNET_OK ? "" : cygnet_error_message()) {}
  /// Whether something went wrong.
  explicit operator bool() const { return code_ != CYGNET_OK; }
  cygnet_code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  cygnet_code code_ = CYGNET_OK;
  std::string message_;
};

/// A model; outlives its interpreters. Any number of them may use it, in any threads.
class Model {
 public:
  /// Opens and checks a file.
  Error load(const std::string& path, bool untrusted = false) {
    cygnet_model_options options{};
    options.struct_size = sizeof(options);
    options.untrusted = untrusted ? 1 : 0;
    return load(path, options);
  }
  Error load(const std::string& path, const cygnet_model_options& options) {
    cygnet_model* model = nullptr;
    const Error error(cygnet_model_from_file(path.c_str(), &options, &model));
    model_.reset(model);
    return error;
  }
  /// Checks a model in memory, which must outlive this.
  Error load_memory(const void* data, size_t bytes, const cygnet_model_options* options = nullptr) {
    cygnet_model* model = nullptr;
    const Error error(cygnet_model_from_memory(data, bytes, options, &model));
    model_.reset(model);
    return error;
  }
  const cygnet_model* get() const { return model_.get(); }

 private:
  struct Delete {
    void operator()(cygnet_model* model) const { cygnet_model_delete(model); }
  };
  std::unique_ptr<cygnet_model, Delete> model_;
};

/// One execution of a model; used by one thread at a time.
class Interpreter {
 public:
  /// On the main subgraph, or on a signature.
  Error create(const Model& model, int threads = 1, const char* signature = nullptr) {
    cygnet_interpreter_options options{};
    options.struct_size = sizeof(options);
    options.threads = threads;
    options.signature = signature;
    return create(model, options);
  }
  Error create(const Model& model, const cygnet_interpreter_options& options) {
    cygnet_interpreter* interpreter = nullptr;
    const Error error(cygnet_interpreter_create(model.get(), &options, &interpreter));
    interpreter_.reset(interpreter);
    return error;
  }

  int inputs() const { return cygnet_interpreter_input_count(get()); }
  int outputs() const { return cygnet_interpreter_output_count(get()); }
  /// The tensor as it is now; all zero when the index is out of range.
  cygnet_tensor input(int i) const {
    cygnet_tensor tensor{};
    static_cast<void>(cygnet_interpreter_input(get(), i, &tensor));
    return tensor;
  }
  cygnet_tensor output(int i) const {
    cygnet_tensor tensor{};
    static_cast<void>(cygnet_interpreter_output(get(), i, &tensor));
    return tensor;
  }
  /// Index by name, −1 when there is none.
  int find_input(const std::string& name) const {
    return cygnet_interpreter_find_input(get(), name.c_str());
  }
  int find_output(const std::string& name) const {
    return cygnet_interpreter_find_output(get(), name.c_str());
  }

  Error resize(int i, const int32_t* dims, int32_t rank) {
    return Error(cygnet_interpreter_resize_input(get(), i, dims, rank));
  }
  Error allocate() { return Error(cygnet_interpreter_allocate(get())); }
  /// `count` elements of T, exactly as many as the tensor has.
  template <class T>
  Error write(int i, const T* data, size_t count) {
    return Error(cygnet_interpreter_write_input(get(), i, data, count * sizeof(T)));
  }
  /// Strings, as many as the tensor's shape has elements.
  Error write_strings(int i, const std::vector<std::string>& strings) {
    std::vector<const char*> data;
    std::vector<size_t> lengths;
    for (const std::string& string : strings) {
      data.push_back(string.data());
      lengths.push_back(string.size());
    }
    return Error(
        cygnet_interpreter_write_strings(get(), i, data.data(), lengths.data(), strings.size()));
  }
  /// The strings of an output of that type; none where it has another.
  std::vector<std::string> read_strings(int i) const {
    std::vector<std::string> strings;
    const cygnet_tensor tensor = output(i);
    size_t length = 0;
    while (const char* data = cygnet_tensor_string(&tensor, strings.size(), &length))
      strings.emplace_back(data, length);
    return strings;
  }
  template <class T>
  Error read(int i, T* data, size_t count) const {
    return Error(cygnet_interpreter_read_output(get(), i, data, count * sizeof(T)));
  }
  Error invoke() { return Error(cygnet_interpreter_invoke(get())); }
  Error reset_variables() { return Error(cygnet_interpreter_reset_variables(get())); }
  /// From another thread: ends a run that is under way.
  void cancel(bool on = true) { cygnet_interpreter_cancel(get(), on ? 1 : 0); }
  size_t arena_bytes() const { return cygnet_interpreter_arena_bytes(get()); }

  cygnet_interpreter* get() const { return interpreter_.get(); }

 private:
  struct Delete {
    void operator()(cygnet_interpreter* interpreter) const {
      cygnet_interpreter_delete(interpreter);
    }
  };
  std::unique_ptr<cygnet_interpreter, Delete> interpreter_;
};

}  // namespace cygnet::api

#endif  // CYGNET_CYGNET_HPP_
