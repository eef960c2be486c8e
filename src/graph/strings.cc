// SPDX-License-Identifier: Apache-2.0
#include "graph/strings.h"

namespace cygnet {

Status verify_strings(const void* data, size_t size, int64_t elements) {
  const auto word = [&](int64_t i) {
    int32_t value;
    std::memcpy(&value, static_cast<const char*>(data) + 4 * i, sizeof(value));
    return int64_t{value};
  };
  const auto bytes = static_cast<int64_t>(size);
  if (bytes < 8)
    return bad_model("T6: expected at least 8 bytes of strings, got %lld",
                     static_cast<long long>(bytes));
  if (word(0) != elements)
    return bad_model("T6: expected %lld strings, got %lld", static_cast<long long>(elements),
                     static_cast<long long>(word(0)));
  const int64_t first = (elements + 2) * 4;
  if (first > bytes)
    return bad_model("T6: expected %lld bytes of string offsets, got %lld",
                     static_cast<long long>(first), static_cast<long long>(bytes));
  int64_t previous = first;
  for (int64_t i = 0; i <= elements; ++i) {
    const int64_t offset = word(1 + i);
    if (offset < previous || offset > bytes || (i == 0 && offset != first))
      return bad_model("T6: string offset %lld: expected %lld to %lld, got %lld",
                       static_cast<long long>(i), static_cast<long long>(previous),
                       static_cast<long long>(bytes), static_cast<long long>(offset));
    previous = offset;
  }
  if (previous != bytes)
    return bad_model("T6: expected the strings to end at %lld, got %lld",
                     static_cast<long long>(bytes), static_cast<long long>(previous));
  return {};
}

}  // namespace cygnet
