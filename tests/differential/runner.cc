// SPDX-License-Identifier: Apache-2.0
// Runs models that arrive on standard input, in every way there is, and answers on standard output
// with what they computed. runner.py is the other end.
//
//   differential_runner             serves until standard input ends
//   differential_runner --registry  prints "NAME CODE MAX_VERSION" of each operator and ends
//
// All numbers are little endian. "Bytes" are a 32-bit length and that many bytes.
//
//   request   bytes model; u32 runs; for each run u32 inputs; for each input u32 rank,
//             rank × i32 dimensions, bytes of its values
//   answer    twice, of the plain loops and of the kernels: a result; then bytes: how other tiers
//             or more threads differ from the kernels' result (none: empty)
//   result    u8 0, then for each run u32 outputs; for each output u8 type, u32 rank, dimensions,
//             bytes of its values; or u8 1 and bytes: the error's message
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "format/model.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/kernel_tiers.h"

namespace cygnet::test {
namespace {

using Bytes = std::vector<uint8_t>;

struct InputValues {
  Shape shape;
  Bytes values;
};

struct Request {
  Bytes model;
  std::vector<std::vector<InputValues>> runs;
};

// ---- Reading

bool read_exactly(void* to, size_t bytes) {
  return bytes == 0 || std::fread(to, 1, bytes, stdin) == bytes;
}

bool read_number(uint32_t* number) {
  return read_exactly(number, sizeof(*number));
}

bool read_bytes(Bytes* bytes) {
  uint32_t size = 0;
  if (!read_number(&size)) return false;
  bytes->resize(size);
  return read_exactly(bytes->data(), size);
}

bool read_input(InputValues* input) {
  uint32_t rank = 0;
  if (!read_number(&rank) || rank > kMaxRank) return false;
  input->shape.rank = static_cast<int32_t>(rank);
  return read_exactly(input->shape.dims, rank * sizeof(int32_t)) && read_bytes(&input->values);
}

bool read_request(Request* request) {
  uint32_t runs = 0;
  if (!read_bytes(&request->model) || !read_number(&runs)) return false;
  request->runs.resize(runs);
  for (auto& inputs : request->runs) {
    uint32_t count = 0;
    if (!read_number(&count)) return false;
    inputs.resize(count);
    for (InputValues& input : inputs)
      if (!read_input(&input)) return false;
  }
  return true;
}

// ---- Writing

void append(Bytes* to, const void* from, size_t bytes) {
  const auto* first = static_cast<const uint8_t*>(from);
  to->insert(to->end(), first, first + bytes);
}

void append_number(Bytes* to, size_t number) {
  const auto n = static_cast<uint32_t>(number);
  append(to, &n, sizeof(n));
}

void append_bytes(Bytes* to, const void* from, size_t bytes) {
  append_number(to, bytes);
  append(to, from, bytes);
}

// ---- Running

struct Way {
  bool reference = false;
  int threads = 1;
  bool integers_only = false;  // leave the values of float outputs out of the result
};

bool is_real(Type type) {
  switch (type) {
    case Type::float32:
    case Type::float16:
    case Type::bfloat16:
    case Type::float64:
    case Type::complex64:
    case Type::complex128:
      return true;
    default:
      return false;
  }
}

Status set_inputs(Interpreter* interpreter, const std::vector<InputValues>& inputs) {
  if (static_cast<size_t>(interpreter->inputs()) != inputs.size())
    return Status::error(Code::invalid_argument, "expected %d inputs", interpreter->inputs());
  bool resized = !interpreter->allocated();
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const Shape& shape = inputs[static_cast<size_t>(i)].shape;
    if (interpreter->input(i).shape == shape) continue;
    CYGNET_TRY(interpreter->resize_input(i, shape));
    resized = true;
  }
  if (resized) CYGNET_TRY(interpreter->allocate());
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const Bytes& values = inputs[static_cast<size_t>(i)].values;
    CYGNET_TRY(interpreter->write_input(i, values.data(), values.size()));
  }
  return {};
}

Status run(const Model& model, const Request& request, Way way, Bytes* result) {
  Interpreter interpreter;
  CYGNET_TRY(interpreter.create(
      model, {.threads = way.threads, .reference = way.reference, .poison = true}));
  for (const auto& inputs : request.runs) {
    CYGNET_TRY(set_inputs(&interpreter, inputs));
    CYGNET_TRY(interpreter.invoke());
    append_number(result, static_cast<size_t>(interpreter.outputs()));
    for (int i = 0; i < interpreter.outputs(); ++i) {
      const Tensor& output = interpreter.output(i);
      result->push_back(static_cast<uint8_t>(output.type));
      append_number(result, static_cast<size_t>(output.shape.rank));
      append(result, output.shape.dims, static_cast<size_t>(output.shape.rank) * sizeof(int32_t));
      const bool left_out = way.integers_only && is_real(output.type);
      append_bytes(result, output.data, left_out ? 0 : output.bytes);
    }
  }
  return {};
}

// A whole result: that of loading and running, or the error.
Bytes result_of(const Request& request, Way way) {
  LoadOptions options;
  options.limits = Limits::untrusted();
  Model model;
  Status status = Model::from_memory(request.model, "model", builtin_ops(), options, &model);
  Bytes result = {0};
  if (status.ok()) status = run(model, request, way, &result);
  if (status.ok()) return result;
  result = {1};
  append_bytes(&result, status.message(), std::strlen(status.message()));
  return result;
}

// The first tier and number of threads whose integers, shapes or error differ from those of the
// default ones; empty when none does.
std::string differing_way(const Request& request) {
  const Bytes expected = result_of(request, {.integers_only = true});
  for (Isa isa : available_tiers()) {
    const ForcedTier tier(isa);
    for (int threads : {1, 3})
      if (result_of(request, {.threads = threads, .integers_only = true}) != expected)
        return std::string(kernels_for(isa)->name) + ", " + std::to_string(threads) + " threads";
  }
  return {};
}

void print_registry() {
  for (const auto& list : {builtin_ops().builtin, builtin_ops().custom})
    for (const OpDef* op : list) std::printf("%s %d %d\n", op->name, op->builtin, op->max_version);
}

int serve() {
  Request request;
  while (read_request(&request)) {
    Bytes answer = result_of(request, {.reference = true});
    const Bytes kernels = result_of(request, {});
    append(&answer, kernels.data(), kernels.size());
    const std::string differing = differing_way(request);
    append_bytes(&answer, differing.data(), differing.size());
    if (std::fwrite(answer.data(), 1, answer.size(), stdout) != answer.size()) return 1;
    std::fflush(stdout);
    request = {};
  }
  return 0;
}

}  // namespace
}  // namespace cygnet::test

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--registry") == 0)
    cygnet::test::print_registry();
  else
    return cygnet::test::serve();
  return 0;
}
