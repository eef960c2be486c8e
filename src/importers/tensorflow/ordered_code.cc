// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/ordered_code.h"

namespace cygnet::tensorflow {

namespace {

/// A byte that says how many follow, then those, highest first.
void put_unsigned(std::string& out, uint64_t value) {
  std::string bytes;
  for (; value != 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value));
  out += static_cast<char>(bytes.size());
  out += bytes;
}

/// The bytes 0 and 255 are followed by their complement; 0 1 ends the string.
void put_string(std::string& out, std::string_view value) {
  for (char c : value) {
    out += c;
    if (c == '\0') out += '\xff';
    if (c == '\xff') out += '\0';
  }
  out += '\0';
  out += '\1';
}

/// Two's complement of n bytes, highest first, of which the sign and the topmost n bits serve as
/// the length in unary: they are inverted where they would be 1s of a positive number.
void put_signed(std::string& out, int64_t value) {
  const auto magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  size_t length = 1;  // 7 n - 1 bits of magnitude fit in n bytes
  while (length < 10 && 7 * length - 1 < 64 && magnitude >> (7 * length - 1) != 0) ++length;
  std::string bytes(length, value < 0 ? '\xff' : '\0');
  auto bits = static_cast<uint64_t>(value);
  for (size_t i = 0; i < length && i < 8; ++i, bits >>= 8) {
    bytes[length - 1 - i] = static_cast<char>(bits);
  }
  for (size_t i = 0; i < length; ++i) {
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ (0x80 >> (i % 8)));
  }
  out += bytes;
}

}  // namespace

std::string slice_key(std::string_view name, const std::vector<int64_t>& start,
                      const std::vector<int64_t>& length) {
  std::string key;
  put_unsigned(key, 0);
  put_string(key, name);
  put_unsigned(key, start.size());
  for (size_t i = 0; i < start.size(); ++i) {
    put_signed(key, start[i]);
    put_signed(key, length[i]);
  }
  return key;
}

}  // namespace cygnet::tensorflow
