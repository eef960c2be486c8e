// SPDX-License-Identifier: Apache-2.0
// The layout of a STRING tensor's bytes: int32 n, int32 offset[n + 1], then the characters of all
// strings. String i is bytes [offset[i], offset[i + 1]), counted from the start of the tensor;
// offset[0] is where the table ends, offset[n] where the bytes do.
// Source: TensorFlow Lite, string_util.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/status.h"
#include "cygnet/custom_op.h"

namespace cygnet {

/// Reads a STRING tensor. Whatever the bytes are, no access leaves them: a string that does not lie
/// inside is read as empty. The strings point into the tensor.
class Strings {
 public:
  Strings(const void* data, size_t bytes)
      : data_(static_cast<const char*>(data)), bytes_(static_cast<int64_t>(bytes)) {
    if (data != nullptr && bytes >= kHeadBytes) count_ = word(0);
    if (count_ < 0 || (count_ + 2) * 4 > bytes_) count_ = 0;
  }
  explicit Strings(const Tensor& tensor) : Strings(tensor.data, tensor.bytes) {}

  int64_t count() const { return count_; }
  std::string_view operator[](int64_t i) const {
    if (i < 0 || i >= count_) return {};
    const int64_t begin = word(1 + i), end = word(2 + i);
    if (begin < 0 || begin > end || end > bytes_) return {};
    return {data_ + begin, static_cast<size_t>(end - begin)};
  }

 private:
  static constexpr size_t kHeadBytes = 8;
  int64_t word(int64_t i) const {
    int32_t value;
    std::memcpy(&value, data_ + 4 * i, sizeof(value));
    return value;
  }

  const char* data_;
  int64_t bytes_;
  int64_t count_ = 0;
};

/// Bytes of a tensor of `count` strings, string i being at(i).
template <class At>
int64_t strings_bytes(int64_t count, At&& at) {
  int64_t bytes = 4 * (count + 2);
  for (int64_t i = 0; i < count; ++i) bytes += static_cast<int64_t>(std::string_view(at(i)).size());
  return bytes;
}

/// Writes `count` strings to `data`, which has room for strings_bytes(), at most 2^31 − 1 bytes.
template <class At>
void put_strings(void* data, int64_t count, At&& at) {
  char* to = static_cast<char*>(data);
  const auto put = [&](int64_t i, int64_t value) {
    const auto word = static_cast<int32_t>(value);
    std::memcpy(to + 4 * i, &word, sizeof(word));
  };
  int64_t offset = 4 * (count + 2);
  put(0, count);
  put(1, offset);
  for (int64_t i = 0; i < count; ++i) {
    const std::string_view text = at(i);
    if (!text.empty()) std::memcpy(to + offset, text.data(), text.size());
    offset += static_cast<int64_t>(text.size());
    put(2 + i, offset);
  }
}

/// Rule T6: `bytes` bytes at `data` are `elements` strings in the layout above.
Status verify_strings(const void* data, size_t bytes, int64_t elements);

}  // namespace cygnet
