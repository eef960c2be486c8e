// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/constant.h"

#include <cstring>

#include "importers/tensorflow/call.h"
#include "importers/tensorflow/tensor_value.h"

namespace cygnet::tensorflow {
namespace {

// int32 count, count + 1 int32 offsets from the start, characters.
std::vector<uint8_t> pack_strings(const std::vector<std::string_view>& strings) {
  const size_t head = (strings.size() + 2) * sizeof(int32_t);
  std::vector<int32_t> numbers{static_cast<int32_t>(strings.size())};
  std::string characters;
  for (std::string_view s : strings) {
    numbers.push_back(static_cast<int32_t>(head + characters.size()));
    characters += s;
  }
  numbers.push_back(static_cast<int32_t>(head + characters.size()));
  std::vector<uint8_t> bytes(head + characters.size());
  std::memcpy(bytes.data(), numbers.data(), head);
  std::memcpy(bytes.data() + head, characters.data(), characters.size());
  return bytes;
}

}  // namespace

int32_t decode_constant(Editor& editor, const TensorProto& tensor, std::string_view name) {
  const TensorValue value = decode_tensor(tensor);
  const Type type = to_type(value.dtype, name);
  if (value.dims.size() > static_cast<size_t>(kMaxRank))
    throw Failure(text("node \"", name, "\": expected rank 0 to ", kMaxRank, ", got ",
                       value.dims.size()));
  Shape shape;
  for (int64_t d : value.dims) {
    if (d < 0 || d > INT32_MAX)
      throw Failure(text("node \"", name, "\": I2: dimension ", d, " is out of range"));
    shape.push(static_cast<int32_t>(d));
  }
  if (type == Type::string)
    return editor.copied_constant(type, shape, pack_strings(value.strings), name);
  return editor.copied_constant(
      type, shape, {reinterpret_cast<const uint8_t*>(value.bytes.data()), value.bytes.size()},
      name);
}

}  // namespace cygnet::tensorflow
