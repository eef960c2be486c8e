// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "graph/strings.h"
#include "support/op_harness.h"

namespace cygnet::test {

/// Elements of type STRING.
inline Values string_values(const std::vector<std::string>& texts) {
  const auto n = static_cast<int64_t>(texts.size());
  const auto at = [&](int64_t i) { return std::string_view(texts[static_cast<size_t>(i)]); };
  Values v{Type::string, std::vector<uint8_t>(static_cast<size_t>(strings_bytes(n, at)))};
  put_strings(v.bytes.data(), n, at);
  return v;
}

}  // namespace cygnet::test
