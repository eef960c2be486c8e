// SPDX-License-Identifier: Apache-2.0
#include "quantize/runner.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/number.h"
#include "edit/failure.h"

namespace cygnet {
namespace {

/// What the threads of one run share.
class Progress {
 public:
  /// Whether sample i is still to be run: none before it has failed.
  bool wanted(size_t i) {
    const std::lock_guard lock(mutex_);
    return i < failed_;
  }

  /// Sample i has failed with the exception that is being handled.
  void fail(size_t i) {
    const std::lock_guard lock(mutex_);
    if (i < failed_) {
      failed_ = i;
      error_ = std::current_exception();
    }
    changed_.notify_all();
  }

  /// Waits until all samples before i are behind; false when one of them has failed.
  bool wait_for_turn(size_t i) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == i || failed_ < i; });
    return failed_ >= i;
  }

  /// Sample i is behind.
  void finish(size_t i, const std::function<void(size_t)>& done) {
    const std::lock_guard lock(mutex_);
    turn_ = i + 1;
    ++finished_;
    if (done) done(finished_);
    changed_.notify_all();
  }

  void rethrow() const {
    try {
      if (error_) std::rethrow_exception(error_);
    } catch (const std::system_error& error) {
      throw Failure(text("can't run several threads: ", error.what()));
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t turn_ = 0;
  size_t finished_ = 0;
  size_t failed_ = SIZE_MAX;
  std::exception_ptr error_;
};

bool has_free_inputs(const Subgraph& graph) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(), [&](int32_t i) {
    const GraphTensor& t = graph.tensors[static_cast<size_t>(i)];
    return t.has_signature &&
           std::any_of(t.signature.begin(), t.signature.end(), [](int32_t d) { return d < 0; });
  });
}

/// How many elements one scale stands for, and how many scales there are: of per-channel
/// quantization.
struct Channels {
  size_t inner = 1, count = 1;
};

Channels channels_of(const Tensor& tensor) {
  const Quantization& q = tensor.quantization;
  if (q.count <= 1) return {};
  return {static_cast<size_t>(tensor.shape.elements(q.axis + 1, tensor.shape.rank)),
          static_cast<size_t>(q.count)};
}

template <class Get>
void read_scaled(const Tensor& tensor, Get get, std::vector<float>& out) {
  const Quantization& q = tensor.quantization;
  if (q.count == 0) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(get(i));
    return;
  }
  const Channels channels = channels_of(tensor);
  for (size_t i = 0; i < out.size(); ++i) {
    const int c = static_cast<int>(i / channels.inner % channels.count);
    out[i] = static_cast<float>(q.scale(c) * (static_cast<double>(get(i)) - q.zero_point(c)));
  }
}

template <class T>
void read_elements(const Tensor& tensor, std::vector<float>& out) {
  const T* data = tensor.as<T>();
  read_scaled(
      tensor, [&](size_t i) { return data[i]; }, out);
}

}  // namespace

Runner::Runner(const Graph& graph, const std::string& name, const RunnerOptions& options)
    : model_(std::make_unique<Model>()) {
  const int threads = std::max(options.threads, 1);
  Graph copy = graph;
  Limits limits = Limits::standard();
  limits.memory_bytes /= threads;
  check(Model::from_graph(std::move(copy), name.c_str(), limits, model_.get()));
  for (int t = 0; t < threads; ++t) {
    interpreters_.push_back(std::make_unique<Interpreter>());
    check(interpreters_.back()->create(*model_, {.reference = options.reference,
                                                 .keep_tensors = options.keep_tensors,
                                                 .fuse = !options.keep_tensors}));
  }
  if (!has_free_inputs(model_->graph().subgraphs[0])) allocate(*interpreters_[0]);
}

Runner::~Runner() = default;

void Runner::allocate(Interpreter& interpreter) {
  const Status status = interpreter.allocate();
  if (status.ok()) return;
  const bool memory = status.code() == Code::limit || status.code() == Code::out_of_memory;
  throw Failure(
      text(status.message(), memory && threads() > 1 ? "; fewer threads take less memory" : ""));
}

bool Runner::run_one(const SampleSource& samples, size_t i, const Body& body, int thread) {
  const std::optional<Sample> sample = samples.read(i);
  if (!sample) return false;
  Interpreter& interpreter = *interpreters_[static_cast<size_t>(thread)];
  fit_sample(*sample, interpreter);
  if (!interpreter.allocated()) allocate(interpreter);
  write_sample(*sample, interpreter);
  check(interpreter.reset_variables(), sample->name);
  check(interpreter.invoke(), sample->name);
  body(i, *sample, thread, interpreter);
  return true;
}

size_t Runner::run(const SampleSource& samples, const Body& body,
                   const std::function<void(size_t done)>& done, const InOrder& in_order) {
  const size_t count = samples.size(), step = interpreters_.size();
  Progress progress;
  std::vector<size_t> read(step, 0);
  const auto work = [&](size_t thread) {
    for (size_t i = thread; i < count && progress.wanted(i); i += step) {
      try {
        const bool was_read = run_one(samples, i, body, static_cast<int>(thread));
        if (in_order && !progress.wait_for_turn(i)) return;
        if (in_order && was_read) in_order(i, static_cast<int>(thread));
        read[thread] += was_read ? 1 : 0;
        progress.finish(i, done);
      } catch (...) {
        return progress.fail(i);
      }
    }
  };
  std::vector<std::thread> threads;
  try {
    for (size_t t = 1; t < std::min(step, count); ++t) threads.emplace_back(work, t);
  } catch (const std::system_error&) {
    progress.fail(0);
  }
  work(0);
  for (std::thread& thread : threads) thread.join();
  progress.rethrow();
  size_t total = 0;
  for (size_t n : read) total += n;
  return total;
}

void read_real(const Tensor& tensor, std::vector<float>& out) {
  out.resize(tensor.data == nullptr ? 0 : static_cast<size_t>(tensor.shape.elements()));
  const auto* bytes = tensor.as<uint8_t>();
  switch (tensor.type) {
    case Type::float32:
      std::copy_n(tensor.as<float>(), out.size(), out.begin());
      return;
    case Type::float64:
      return read_elements<double>(tensor, out);
    case Type::float16:
      return read_elements<Half>(tensor, out);
    case Type::bfloat16:
      return read_elements<BFloat16>(tensor, out);
    case Type::int8:
      return read_elements<int8_t>(tensor, out);
    case Type::uint8:
      return read_elements<uint8_t>(tensor, out);
    case Type::int16:
      return read_elements<int16_t>(tensor, out);
    case Type::uint16:
      return read_elements<uint16_t>(tensor, out);
    case Type::int32:
      return read_elements<int32_t>(tensor, out);
    case Type::uint32:
      return read_elements<uint32_t>(tensor, out);
    case Type::int64:
      return read_elements<int64_t>(tensor, out);
    case Type::uint64:
      return read_elements<uint64_t>(tensor, out);
    case Type::boolean:
      return read_elements<bool>(tensor, out);
    case Type::int4:
      return read_scaled(
          tensor,
          [&](size_t i) {
            const int nibble = bytes[i / 2] >> (i % 2 * 4) & 15;
            return nibble < 8 ? nibble : nibble - 16;
          },
          out);
    default:
      out.clear();
  }
}

}  // namespace cygnet
