// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/tensor_value.h"

#include <algorithm>
#include <cstring>

#include "importers/tensorflow/wire.h"

namespace cygnet::tensorflow {

namespace {

constexpr int64_t kMaxElements = int64_t{1} << 48;

/// How a *_val field holds its numbers.
enum class Encoding { varint, fixed32, fixed64 };

/// The *_val field of a type. parts: 2 for complex numbers, whose halves are listed in turn.
struct ValueField {
  uint32_t number = 0;
  Encoding encoding = Encoding::varint;
  int parts = 1;
};

ValueField value_field(DataType type) {
  switch (type) {
    case DataType::float32:
      return {5, Encoding::fixed32};
    case DataType::float64:
      return {6, Encoding::fixed64};
    case DataType::int32:
    case DataType::int16:
    case DataType::int8:
    case DataType::uint16:
    case DataType::uint8:
    case DataType::qint8:
    case DataType::quint8:
    case DataType::qint16:
    case DataType::quint16:
    case DataType::qint32:
      return {7, Encoding::varint};
    case DataType::complex64:
      return {9, Encoding::fixed32, 2};
    case DataType::int64:
      return {10, Encoding::varint};
    case DataType::boolean:
      return {11, Encoding::varint};
    case DataType::complex128:
      return {12, Encoding::fixed64, 2};
    case DataType::float16:
    case DataType::bfloat16:
      return {13, Encoding::varint};
    case DataType::uint32:
      return {16, Encoding::varint};
    case DataType::uint64:
      return {17, Encoding::varint};
    default:
      throw Failure(text("I2: a constant of ", type_name(type), " can't be read"));
  }
}

[[noreturn]] void too_many(int64_t elements) {
  throw Failure(text("I2: a tensor of ", elements, " elements lists more values than that"));
}

/// Appends the values of the type's field to `out`.
void read_values(const TensorProto& tensor, ValueField field, size_t element_bytes,
                 int64_t elements, std::string& out) {
  Budget budget(tensor.message.size());
  Message message(tensor.message, budget);
  const size_t part_bytes = element_bytes / static_cast<size_t>(field.parts);
  const size_t limit = static_cast<size_t>(elements) * element_bytes;
  const auto add = [&](const char* bytes) {
    if (out.size() >= limit) too_many(elements);
    out.append(bytes, part_bytes);
  };
  while (message.next()) {
    if (message.field() != field.number) {
      message.skip();
    } else if (field.encoding == Encoding::fixed32) {
      message.fixed<4>(add);
    } else if (field.encoding == Encoding::fixed64) {
      message.fixed<8>(add);
    } else {
      const bool is_bool = tensor.dtype == DataType::boolean;
      message.integers([&](int64_t v) {
        if (is_bool) v = v != 0;
        char bytes[8];
        std::memcpy(bytes, &v, 8);
        add(bytes);
      });
    }
  }
  if (out.size() % element_bytes != 0) throw Failure("I2: half a complex number");
}

std::vector<std::string_view> read_strings(const TensorProto& tensor, int64_t elements,
                                           int64_t max_bytes) {
  Budget budget(tensor.message.size());
  Message message(tensor.message, budget);
  std::vector<std::string_view> strings;
  while (message.next()) {
    if (message.field() != 8) {
      message.skip();
      continue;
    }
    if (static_cast<int64_t>(strings.size()) >= elements) too_many(elements);
    strings.push_back(message.bytes());
  }
  if (elements > max_bytes / static_cast<int64_t>(sizeof(std::string_view)) &&
      elements > static_cast<int64_t>(strings.size())) {
    throw Failure(text("I2: ", elements, " strings from a list of ", strings.size()));
  }
  strings.resize(static_cast<size_t>(elements),
                 strings.empty() ? std::string_view() : strings.back());
  return strings;
}

/// Repeats the last element, or zeros, up to `bytes`.
void splat(std::string& data, size_t element_bytes, size_t bytes) {
  if (data.empty()) {
    data.resize(bytes, '\0');
    return;
  }
  data.reserve(bytes);
  const std::string last = data.substr(data.size() - element_bytes);
  if (element_bytes == 1) {
    data.resize(bytes, last[0]);
  } else {
    while (data.size() < bytes) data += last;
  }
}

}  // namespace

int64_t count_elements(const std::vector<int64_t>& dims) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t d : dims) {
    if (d < 0) throw Failure("I2: a shape is open where it must be known");
    if (d == 0) {
      empty = true;
    } else if (d > kMaxElements / count) {
      throw Failure("I2: a tensor has more than 2^48 elements");
    } else {
      count *= d;
    }
  }
  return empty ? 0 : count;
}

int64_t TensorValue::elements() const {
  return count_elements(dims);
}

TensorValue decode_tensor(const TensorProto& tensor, int64_t max_splat_bytes) {
  if (tensor.shape.unknown_rank) throw Failure("I2: a constant's shape is open");
  TensorValue value;
  value.dtype = tensor.dtype;
  value.dims = tensor.shape.dims;
  const int64_t elements = count_elements(value.dims);
  if (tensor.dtype == DataType::string) {
    value.strings = read_strings(tensor, elements, max_splat_bytes);
    return value;
  }
  const ValueField field = value_field(tensor.dtype);
  const int64_t element_bytes = type_bytes(tensor.dtype);
  const int64_t bytes = elements * element_bytes;
  if (!tensor.content.empty()) {
    if (static_cast<int64_t>(tensor.content.size()) != bytes) {
      throw Failure(text("I2: a tensor ", type_name(tensor.dtype), tensor.shape.text(), " has ",
                         tensor.content.size(), " bytes, expected ", bytes));
    }
    value.bytes = tensor.content;
    return value;
  }
  auto data = std::make_shared<std::string>();
  read_values(tensor, field, static_cast<size_t>(element_bytes), elements, *data);
  if (static_cast<int64_t>(data->size()) < bytes) {
    if (bytes > max_splat_bytes) {
      throw Failure(text("I2: a tensor ", type_name(tensor.dtype), tensor.shape.text(), " has ",
                         data->size(), " of its ", bytes, " bytes"));
    }
    splat(*data, static_cast<size_t>(element_bytes), static_cast<size_t>(bytes));
  }
  value.bytes = *data;
  value.owned = std::move(data);
  return value;
}

}  // namespace cygnet::tensorflow
