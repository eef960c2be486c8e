// SPDX-License-Identifier: Apache-2.0
// Samples: the inputs on which a network is calibrated, measured and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/interpreter.h"

namespace cygnet {

/// The value of one model input: float32 real numbers, or what the model takes besides (token
/// numbers, flags) as it is.
struct SampleArray {
  Type type = Type::float32;
  Shape shape;
  std::vector<uint8_t> bytes;
};

/// The inputs of one run, in the order of the model's inputs.
struct Sample {
  std::string name;  ///< the file it came from, for messages
  std::vector<SampleArray> inputs;
  int64_t label = -1;            ///< the right class; −1: unknown
  std::vector<uint8_t> classes;  ///< the right class of each pixel, 255: none; empty: unknown
};

/// A set of samples that is read one by one, in any order and from several threads at once.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  virtual size_t size() const = 0;
  /// Sample i; nothing where it can't be read, which the source notes.
  virtual std::optional<Sample> read(size_t i) const = 0;
};

/// Samples in memory.
class SampleList final : public SampleSource {
 public:
  explicit SampleList(std::vector<Sample> samples) : samples_(std::move(samples)) {}
  size_t size() const override { return samples_.size(); }
  std::optional<Sample> read(size_t i) const override { return samples_[i]; }

 private:
  std::vector<Sample> samples_;
};

/// Gives the interpreter's inputs the sample's shapes; where one changes, the interpreter must be
/// allocated again. Throws Failure that names the sample when number, types or shapes don't fit.
void fit_sample(const Sample& sample, Interpreter& interpreter);

/// Gives the interpreter's inputs the sample's values and shapes, and allocates it where shapes
/// have changed. Real numbers go through scale and zero point where the input is quantized; to
/// integers without these they are rounded. Throws Failure as fit_sample does, and for NaN that
/// would become an integer.
void write_sample(const Sample& sample, Interpreter& interpreter);

}  // namespace cygnet
