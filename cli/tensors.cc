// SPDX-License-Identifier: Apache-2.0
#include "cli/tensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "cli/failure.h"
#include "cli/output.h"

namespace cygnet::cli {
namespace {

float from_half(uint16_t half) {
  uint32_t sign = uint32_t{half} >> 15 << 31;
  uint32_t exponent = half >> 10 & 31;
  uint32_t mantissa = half & 1023;
  if (exponent == 0) {
    float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  constexpr uint32_t kBiasDifference = 127 - 15;
  uint32_t wide = exponent == 31 ? 255 : exponent + kBiasDifference;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

uint16_t to_half_of_unit(double value) {
  // Exact for multiples of 2^-10 in [-1, 1), which is all that random inputs need.
  if (value == 0) return 0;
  int exponent = 0;
  double fraction = std::frexp(std::abs(value), &exponent);
  auto mantissa = static_cast<uint32_t>(fraction * 2048) & 1023;
  return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | mantissa);
}

template <class T>
std::vector<float> scaled_values(const Tensor& tensor) {
  size_t count = tensor.bytes / sizeof(T);
  const T* data = tensor.as<T>();
  std::vector<float> values(count);
  const Quantization& q = tensor.quantization;
  if (q.count == 1) {
    for (size_t i = 0; i < count; ++i) {
      values[i] = q.scale() * (static_cast<float>(data[i]) - static_cast<float>(q.zero_point()));
    }
  } else {
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(data[i]);
  }
  return values;
}

std::vector<int64_t> to_vector(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

std::string joined(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "'" : ", '") + name + "'";
  return result.empty() ? "none" : result;
}

/// Index of the array for an input, or −1.
int find_array(const ArchiveReader& arrays, const InputNames& input, bool only_input) {
  for (const std::string& key : {input.name, input.tensor}) {
    for (const std::string& form : {key, "in:" + key}) {
      if (int i = arrays.find(form); i >= 0) return i;
    }
  }
  bool is_bare_npy = arrays.names().size() == 1 && arrays.names()[0].empty();
  return only_input && is_bare_npy ? 0 : -1;
}

/// The shape that a user may give, with −1 for free dimensions.
const Shape& expected_shape(const Interpreter& interpreter, int input) {
  const Subgraph& graph = interpreter.subgraph();
  const GraphTensor& tensor =
      graph.tensors[static_cast<size_t>(graph.inputs[static_cast<size_t>(input)])];
  return tensor.has_signature ? tensor.signature : tensor.shape;
}

/// Refuses an array that does not fit, and gives the input its shape.
void fit_input(Interpreter* interpreter, int input, const Array& array, const std::string& where) {
  const Shape& expected = expected_shape(*interpreter, input);
  Type type = interpreter->input(input).type;
  bool fits = array.type == type && array.shape.size() == static_cast<size_t>(expected.rank);
  Shape shape;
  for (int d = 0; fits && d < expected.rank; ++d) {
    int64_t size = array.shape[static_cast<size_t>(d)];
    fits = size == expected[d] || (expected[d] == -1 && size <= INT32_MAX);
    shape.push(static_cast<int32_t>(size));
  }
  if (!fits) {
    throw Failure(text(where, ": expected ", describe(type, expected), ", got ", describe(array)));
  }
  if (!(shape == interpreter->input(input).shape)) check(interpreter->resize_input(input, shape));
}

template <class T, class Make>
void fill(void* data, size_t bytes, Make make) {
  T* elements = static_cast<T*>(data);
  std::generate_n(elements, bytes / sizeof(T), [&] { return static_cast<T>(make()); });
}

}  // namespace

std::string describe(Type type, const Shape& shape) {
  return text(type_name(type), " ", dims_text(to_vector(shape)));
}

std::string describe(const Tensor& tensor) {
  return describe(tensor.type, tensor.shape);
}

std::string describe(const Array& array) {
  return text(type_name(array.type), " ", dims_text(array.shape));
}

std::string describe_quantization(const Quantization& quantization) {
  if (quantization.count == 0) return "";
  if (!quantization.per_tensor()) return text("per channel (", quantization.count, ")");
  int zero = quantization.zero_point();
  if (zero == 0) return text(number(quantization.scale(), 6), " q");
  return text(number(quantization.scale(), 6), zero < 0 ? " (q + " : " (q - ", std::abs(zero), ")");
}

std::vector<float> real_values(const Tensor& tensor) {
  switch (tensor.type) {
    case Type::float32:
      return scaled_values<float>(tensor);
    case Type::float64:
      return scaled_values<double>(tensor);
    case Type::int8:
      return scaled_values<int8_t>(tensor);
    case Type::uint8:
      return scaled_values<uint8_t>(tensor);
    case Type::int16:
      return scaled_values<int16_t>(tensor);
    case Type::uint16:
      return scaled_values<uint16_t>(tensor);
    case Type::int32:
      return scaled_values<int32_t>(tensor);
    case Type::uint32:
      return scaled_values<uint32_t>(tensor);
    case Type::int64:
      return scaled_values<int64_t>(tensor);
    case Type::uint64:
      return scaled_values<uint64_t>(tensor);
    case Type::boolean:
      return scaled_values<uint8_t>(tensor);
    case Type::float16: {
      std::vector<float> values;
      const uint16_t* data = tensor.as<uint16_t>();
      for (size_t i = 0; i < tensor.bytes / 2; ++i) values.push_back(from_half(data[i]));
      return values;
    }
    default:
      return {};
  }
}

Array to_array(const Tensor& tensor, const std::string& name) {
  if (!has_npy_form(tensor.type)) {
    throw Failure(
        text("output '", name, "': type ", type_name(tensor.type), " has no form in .npz files"));
  }
  const uint8_t* data = tensor.as<uint8_t>();
  Array array{tensor.type, to_vector(tensor.shape), {}};
  if (tensor.bytes > 0) array.data.assign(data, data + tensor.bytes);
  return array;
}

std::vector<int> match_keys(const std::vector<InputNames>& inputs, const ArchiveReader& arrays) {
  std::vector<std::string> names;
  for (const InputNames& input : inputs) names.push_back(input.name);
  std::vector<int> chosen;
  std::vector<bool> used(arrays.names().size(), false);
  for (const InputNames& input : inputs) {
    int at = find_array(arrays, input, inputs.size() == 1);
    if (at < 0) {
      throw Failure(text(arrays.path(), ": no array for input '", input.name,
                         "'; the model's inputs are ", joined(names), ", the file has ",
                         joined(arrays.names())));
    }
    used[static_cast<size_t>(at)] = true;
    chosen.push_back(at);
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i] || arrays.names()[i].starts_with("out:")) continue;
    throw Failure(text(arrays.path(), ": '", arrays.names()[i],
                       "' is no input of the model; its inputs are ", joined(names)));
  }
  return chosen;
}

void write_inputs(Session* session, const ArchiveReader& archive) {
  Interpreter& interpreter = session->interpreter();
  std::vector<InputNames> inputs;
  for (const std::string& name : input_names(interpreter))
    inputs.push_back({name, std::string(interpreter.input(static_cast<int>(inputs.size())).name)});
  std::vector<int> chosen = match_keys(inputs, archive);
  std::vector<Array> arrays;
  for (int i = 0; i < interpreter.inputs(); ++i) {
    int at = chosen[static_cast<size_t>(i)];
    arrays.push_back(archive.read(at));
    const std::string& key = archive.names()[static_cast<size_t>(at)];
    fit_input(&interpreter, i, arrays.back(),
              key.empty() ? archive.path() : text(archive.path(), ": '", key, "'"));
  }
  session->allocate();
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const std::vector<uint8_t>& data = arrays[static_cast<size_t>(i)].data;
    check(interpreter.write_input(i, data.data(), data.size()), session->path());
  }
}

void write_random_inputs(Session* session, uint64_t seed) {
  session->allocate();
  Interpreter& interpreter = session->interpreter();
  std::mt19937_64 engine(seed);
  auto bits = [&] { return engine(); };
  auto unit = [&] { return static_cast<double>(engine() >> 53) / 1024 - 1; };
  auto digit = [&] { return engine() % 10; };
  for (int i = 0; i < interpreter.inputs(); ++i) {
    const Tensor& tensor = interpreter.input(i);
    void* data = interpreter.input_data(i);
    if (tensor.type == Type::string) {
      std::vector<std::string> words(static_cast<size_t>(tensor.shape.elements()));
      for (std::string& word : words) word = std::to_string(digit());
      const std::vector<uint8_t> packed = pack_strings(words);
      check(interpreter.write_input(i, packed.data(), packed.size()), session->path());
      continue;
    }
    switch (tensor.type) {
      case Type::float32:
        fill<float>(data, tensor.bytes, unit);
        break;
      case Type::float64:
        fill<double>(data, tensor.bytes, unit);
        break;
      case Type::float16:
        fill<uint16_t>(data, tensor.bytes, [&] { return to_half_of_unit(unit()); });
        break;
      case Type::int32:
      case Type::uint32:
        fill<uint32_t>(data, tensor.bytes, digit);
        break;
      case Type::int64:
      case Type::uint64:
        fill<uint64_t>(data, tensor.bytes, digit);
        break;
      case Type::boolean:
        fill<uint8_t>(data, tensor.bytes, [&] { return engine() & 1; });
        break;
      case Type::complex64:
        fill<float>(data, tensor.bytes, unit);
        break;
      case Type::complex128:
        fill<double>(data, tensor.bytes, unit);
        break;
      default:
        fill<uint8_t>(data, tensor.bytes, bits);
        break;
    }
  }
}

}  // namespace cygnet::cli
