// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/number.h"
#include "cli/sample_readers.h"
#include "quantize/runner.h"

namespace cygnet::cli {
namespace {

bool is_real(Type type) {
  return type == Type::float32 || type == Type::float64 || type == Type::float16;
}
/// Integers that stand for real numbers, in a file or as a quantized input.
bool is_small_integer(Type type) {
  return type == Type::int8 || type == Type::uint8 || type == Type::int16 || type == Type::uint16;
}
bool is_integer(Type type) {
  return is_small_integer(type) || type == Type::int32 || type == Type::uint32 ||
         type == Type::int64 || type == Type::uint64;
}
/// Numbers of tokens and the like: they stay integers.
bool is_number(Type type) {
  return type == Type::int32 || type == Type::uint32 || type == Type::int64 || type == Type::uint64;
}
/// Inputs whose samples are float32.
bool takes_real(Type type) {
  return type == Type::float32 || type == Type::float64 || is_small_integer(type);
}

/// Whether sizes are those of `shape` from dimension `from` on, −1 standing for any.
bool fits(const std::vector<int64_t>& sizes, size_t begin, const Shape& shape, int from) {
  if (sizes.size() - begin != static_cast<size_t>(shape.rank - from)) return false;
  for (size_t d = begin; d < sizes.size(); ++d) {
    const int32_t expected = shape[from + static_cast<int>(d - begin)];
    if (sizes[d] > std::numeric_limits<int32_t>::max() || sizes[d] < 0) return false;
    if (expected != -1 && sizes[d] != expected) return false;
  }
  return true;
}

Shape to_shape(const std::vector<int64_t>& sizes, size_t begin) {
  Shape shape;
  for (size_t d = begin; d < sizes.size(); ++d) shape.push(static_cast<int32_t>(sizes[d]));
  return shape;
}

/// Rows of the model's own batch dimension.
ArrayRows batch_rows(const std::vector<int64_t>& array, const Shape& input) {
  if (input.rank == 0) return array.empty() ? ArrayRows{1, {}} : ArrayRows{};
  if (array.empty() || !fits(array, 1, input, 1)) return {};
  const int32_t batch = input[0] == -1 ? 1 : input[0];
  if (batch <= 0 || array[0] % batch != 0) return {};
  Shape shape = to_shape(array, 0);
  shape[0] = batch;
  return {array[0] / batch, shape};
}

template <class From, class To>
void convert_numbers(std::span<const uint8_t> from, std::vector<uint8_t>* to,
                     const std::string& where) {
  to->resize(from.size() / sizeof(From) * sizeof(To));
  for (size_t i = 0; i < from.size() / sizeof(From); ++i) {
    From value;
    std::memcpy(&value, from.data() + i * sizeof(From), sizeof(From));
    if (!std::in_range<To>(value))
      throw Failure(text(where, ": element ", i, " is ", int64_t(value),
                         ", which the model's input can't hold"));
    const To converted = static_cast<To>(value);
    std::memcpy(to->data() + i * sizeof(To), &converted, sizeof(To));
  }
}

template <class To>
void convert_to(Type type, std::span<const uint8_t> from, std::vector<uint8_t>* to,
                const std::string& where) {
  switch (type) {
    case Type::int8:
      return convert_numbers<int8_t, To>(from, to, where);
    case Type::uint8:
      return convert_numbers<uint8_t, To>(from, to, where);
    case Type::int16:
      return convert_numbers<int16_t, To>(from, to, where);
    case Type::uint16:
      return convert_numbers<uint16_t, To>(from, to, where);
    case Type::int32:
      return convert_numbers<int32_t, To>(from, to, where);
    case Type::uint32:
      return convert_numbers<uint32_t, To>(from, to, where);
    case Type::int64:
      return convert_numbers<int64_t, To>(from, to, where);
    default:
      return convert_numbers<uint64_t, To>(from, to, where);
  }
}

/// Integers of one type as those of another.
std::vector<uint8_t> numbers_as(Type from, Type to, std::span<const uint8_t> bytes,
                                const std::string& where) {
  std::vector<uint8_t> result;
  switch (to) {
    case Type::int32:
      convert_to<int32_t>(from, bytes, &result, where);
      break;
    case Type::uint32:
      convert_to<uint32_t>(from, bytes, &result, where);
      break;
    case Type::int64:
      convert_to<int64_t>(from, bytes, &result, where);
      break;
    default:
      convert_to<uint64_t>(from, bytes, &result, where);
  }
  return result;
}

/// Real values of a row, normalized if the elements are no quantized integers of the input's.
std::vector<float> real_row(Type type, std::span<const uint8_t> bytes, const Shape& shape,
                            const ModelInput& input, const Normalization& normalization) {
  Tensor row;
  row.type = type;
  row.shape = shape;
  // read_real does not write.
  row.data = const_cast<uint8_t*>(bytes.data());
  row.bytes = bytes.size();
  const bool own =
      is_small_integer(type) && type == input.tensor.type && input.tensor.quantization.per_tensor();
  if (own) row.quantization = input.tensor.quantization;
  std::vector<float> values;
  read_real(row, values);
  const auto& mean = normalization.mean;
  const auto& std = normalization.std;
  if (own || (mean.empty() && std.empty())) return values;
  const int channels = shape.rank > 0 ? shape[shape.rank - 1] : 1;
  check_normalization(normalization, channels);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i % static_cast<size_t>(channels);
    const float m = mean.empty() ? 0.0f : mean[mean.size() == 1 ? 0 : c];
    const float s = std.empty() ? 1.0f : std[std.size() == 1 ? 0 : c];
    values[i] = (values[i] - m) / s;
  }
  return values;
}

}  // namespace

ArrayRows rows_of(const std::vector<int64_t>& array, const Shape& input) {
  if (ArrayRows rows = batch_rows(array, input); rows.count > 0) return rows;
  // A dimension before the model's.
  if (!array.empty() && array[0] > 0 && fits(array, 1, input, 0))
    return {array[0], to_shape(array, 1)};
  // Without the batch of one.
  if (input.rank > 0 && (input[0] == 1 || input[0] == -1) && fits(array, 0, input, 1)) {
    std::vector<int64_t> sizes = array;
    sizes.insert(sizes.begin(), 1);
    return {1, to_shape(sizes, 0)};
  }
  // Without the only channel.
  if (input.rank > 1 && input[input.rank - 1] == 1 &&
      array.size() + 1 >= static_cast<size_t>(input.rank) - 1) {
    std::vector<int64_t> sizes = array;
    sizes.push_back(1);
    if (ArrayRows rows = batch_rows(sizes, input); rows.count > 0) return rows;
    if (input[0] == 1 || input[0] == -1) {
      sizes.insert(sizes.begin(), 1);
      return batch_rows(sizes, input);
    }
  }
  return {};
}

bool suits(Type array, Type input) {
  if (takes_real(input)) return is_real(array) || is_integer(array) || array == Type::boolean;
  if (is_number(input)) return is_integer(array);
  return array == input;
}

SampleArray row_of(const Array& array, const ArrayRows& rows, int64_t row, const ModelInput& input,
                   const Normalization& normalization, const std::string& where) {
  SampleArray result{input.tensor.type, rows.shape, {}};
  const size_t bytes = array.data.size() / static_cast<size_t>(rows.count);
  const std::span<const uint8_t> data(array.data.data() + bytes * static_cast<size_t>(row), bytes);
  if (takes_real(input.tensor.type)) {
    const std::vector<float> values = real_row(array.type, data, rows.shape, input, normalization);
    result.type = Type::float32;
    result.bytes.resize(values.size() * sizeof(float));
    std::memcpy(result.bytes.data(), values.data(), result.bytes.size());
  } else if (is_number(input.tensor.type)) {
    result.bytes = numbers_as(array.type, input.tensor.type, data, where);
  } else {
    if (array.type == Type::string && rows.count != 1)
      throw Failure(text(where, ": texts of several samples in one array can't be taken apart"));
    result.bytes.assign(data.begin(), data.end());
  }
  return result;
}

}  // namespace cygnet::cli
