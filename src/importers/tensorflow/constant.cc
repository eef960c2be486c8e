// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/constant.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "importers/tensorflow/call.h"

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

float from_bits(uint32_t bits) {
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// IEEE binary16.
float from_float16(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 31, fraction = h & 0x3ff;
  if (exponent == 31) return from_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
  return sign != 0 ? -magnitude : magnitude;
}

}  // namespace

bool is_half(DataType type) {
  return base_type(type) == DataType::float16 || base_type(type) == DataType::bfloat16;
}

std::vector<float> widen(const TensorValue& value) {
  std::vector<float> result(value.bytes.size() / 2);
  const bool brain = base_type(value.dtype) == DataType::bfloat16;
  for (size_t i = 0; i < result.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, value.bytes.data() + 2 * i, 2);
    result[i] = brain ? from_bits(static_cast<uint32_t>(bits) << 16) : from_float16(bits);
  }
  return result;
}

int32_t decode_constant(Editor& editor, const TensorProto& tensor, std::string_view name) {
  const TensorValue value =
      decode_tensor(tensor, std::min(kMaxSplatBytes, editor.draft().bytes_left()));
  const Type type = to_type(value.dtype, name);
  if (value.dims.size() > static_cast<size_t>(kMaxRank))
    throw Failure(
        text("node \"", name, "\": expected rank 0 to ", kMaxRank, ", got ", value.dims.size()));
  Shape shape;
  for (int64_t d : value.dims) {
    if (d < 0 || d > INT32_MAX)
      throw Failure(text("node \"", name, "\": I2: dimension ", d, " is out of range"));
    shape.push(static_cast<int32_t>(d));
  }
  if (is_half(value.dtype)) return editor.constant<float>(shape, widen(value), name);
  if (type == Type::string)
    return editor.copied_constant(type, shape, pack_strings(value.strings), name);
  return editor.copied_constant(
      type, shape, {reinterpret_cast<const uint8_t*>(value.bytes.data()), value.bytes.size()},
      name);
}

}  // namespace cygnet::tensorflow
