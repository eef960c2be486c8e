// SPDX-License-Identifier: Apache-2.0
#include "quantize/samples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "edit/failure.h"

namespace cygnet {
namespace {

/// The shape that a user may give, with −1 for free dimensions.
const Shape& expected_shape(const Interpreter& interpreter, int input) {
  const Subgraph& graph = interpreter.subgraph();
  const GraphTensor& tensor = graph.tensors[static_cast<size_t>(graph.inputs[size_t(input)])];
  return tensor.has_signature ? tensor.signature : tensor.shape;
}

bool is_integer(Type type) {
  return type == Type::int8 || type == Type::uint8 || type == Type::int16 || type == Type::int32 ||
         type == Type::int64;
}

/// Whether values of type `given` can be written to an input of type `wanted`.
bool converts(Type given, Type wanted) {
  return given == wanted ||
         (given == Type::float32 && (is_integer(wanted) || wanted == Type::float64));
}

/// Whether an array of `shape` fits, −1 standing for any size.
bool fits(const Shape& shape, const Shape& expected) {
  if (shape.rank != expected.rank) return false;
  for (int d = 0; d < shape.rank; ++d)
    if (shape[d] != expected[d] && (expected[d] != -1 || shape[d] < 0)) return false;
  return true;
}

std::string where(const Sample& sample, const Interpreter& interpreter, int input) {
  return text(sample.name, ": input '", interpreter.input_name(input), "'");
}

template <class T>
void write_rounded(std::span<const float> values, const Quantization& q, const std::string& where,
                   void* data) {
  constexpr auto kLeast = static_cast<double>(std::numeric_limits<T>::min());
  constexpr auto kLargest = static_cast<double>(std::numeric_limits<T>::max());
  const double scale = q.per_tensor() ? double{q.scale()} : 1;
  const double zero = q.per_tensor() ? q.zero_point() : 0;
  T* out = static_cast<T*>(data);
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) throw Failure(text(where, ": element ", i, " is NaN"));
    const double v = std::round(double{values[i]} / scale) + zero;
    // 2^63 − 1 is no double: what lies above it must not be converted.
    out[i] = v >= kLargest ? std::numeric_limits<T>::max()
             : v <= kLeast ? std::numeric_limits<T>::min()
                           : static_cast<T>(v);
  }
}

void write_real(std::span<const float> values, const Tensor& tensor, const std::string& where,
                void* data) {
  const Quantization& q = tensor.quantization;
  switch (tensor.type) {
    case Type::int8:
      return write_rounded<int8_t>(values, q, where, data);
    case Type::uint8:
      return write_rounded<uint8_t>(values, q, where, data);
    case Type::int16:
      return write_rounded<int16_t>(values, q, where, data);
    case Type::int32:
      return write_rounded<int32_t>(values, q, where, data);
    case Type::int64:
      return write_rounded<int64_t>(values, q, where, data);
    default:  // float64
      std::copy(values.begin(), values.end(), static_cast<double*>(data));
  }
}

}  // namespace

void fit_sample(const Sample& sample, Interpreter& interpreter) {
  if (sample.inputs.size() != static_cast<size_t>(interpreter.inputs())) {
    throw Failure(text(sample.name, ": ", sample.inputs.size(), " inputs; the model has ",
                       interpreter.inputs()));
  }
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const SampleArray& array = sample.inputs[size_t(i)];
    const Shape& expected = expected_shape(interpreter, i);
    const Type type = interpreter.input(i).type;
    if (!converts(array.type, type) || !fits(array.shape, expected)) {
      throw Failure(text(where(sample, interpreter, i), ": expected ", type_name(type), " ",
                         shape_text(expected).text, ", got ", type_name(array.type), " ",
                         shape_text(array.shape).text));
    }
    const int bits = type_bits(array.type);
    const auto bytes = (static_cast<size_t>(array.shape.elements()) * size_t(bits) + 7) / 8;
    if (bits > 0 && array.bytes.size() != bytes) {
      throw Failure(text(where(sample, interpreter, i), ": expected ", bytes, " bytes, got ",
                         array.bytes.size()));
    }
    if (!(array.shape == interpreter.input(i).shape))
      check(interpreter.resize_input(i, array.shape), where(sample, interpreter, i));
  }
}

void write_sample(const Sample& sample, Interpreter& interpreter) {
  fit_sample(sample, interpreter);
  if (!interpreter.allocated()) check(interpreter.allocate());
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const SampleArray& array = sample.inputs[size_t(i)];
    const Tensor& tensor = interpreter.input(i);
    if (array.type == tensor.type) {
      check(interpreter.write_input(i, array.bytes.data(), array.bytes.size()),
            where(sample, interpreter, i));
    } else {
      // The bytes of a vector are aligned for any element.
      const std::span<const float> values(reinterpret_cast<const float*>(array.bytes.data()),
                                          array.bytes.size() / sizeof(float));
      write_real(values, tensor, where(sample, interpreter, i), interpreter.input_data(i));
    }
  }
}

}  // namespace cygnet
