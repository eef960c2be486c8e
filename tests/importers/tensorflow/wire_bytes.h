// SPDX-License-Identifier: Apache-2.0
// Protobuf messages written by hand, and the words of a Failure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "edit/failure.h"

namespace cygnet::test {

inline std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

/// A varint field.
inline std::string number(uint32_t field, int64_t value) {
  return varint(uint64_t{field} << 3) + varint(static_cast<uint64_t>(value));
}

/// A length-delimited field: string, message or packed list.
inline std::string bytes(uint32_t field, std::string_view value) {
  return varint(uint64_t{field} << 3 | 2) + varint(value.size()) + std::string(value);
}

/// The little-endian bytes of a value.
template <class T>
std::string raw(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

/// A fixed32 or fixed64 field.
template <class T>
std::string fixed(uint32_t field, T value) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  return varint(uint64_t{field} << 3 | (sizeof(T) == 4 ? 5 : 1)) + raw(value);
}

/// TensorShapeProto.
inline std::string shape(std::initializer_list<int64_t> dims) {
  std::string out;
  for (int64_t d : dims) out += bytes(2, number(1, d));
  return out;
}

/// NodeDef with inputs; `rest` is put behind.
inline std::string node(std::string_view name, std::string_view op,
                        std::initializer_list<std::string_view> inputs = {},
                        std::string_view rest = "") {
  std::string out = bytes(1, name) + bytes(2, op);
  for (std::string_view input : inputs) out += bytes(3, input);
  return out + std::string(rest);
}

/// The attribute of a NodeDef.
inline std::string attr(std::string_view key, std::string_view value) {
  return bytes(5, bytes(1, key) + bytes(2, value));
}

/// What f throws as a Failure; "no failure" when it doesn't.
template <class F>
std::string failure_of(F&& f) {
  try {
    f();
  } catch (const Failure& e) {
    return e.what();
  }
  return "no failure";
}

/// For EXPECT_PRED2, which prints both.
inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace cygnet::test
