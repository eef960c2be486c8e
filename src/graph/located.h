// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include "base/status.h"

namespace cygnet {

/// Puts where an error arose between the rule's id and its message: "T4: expected ..." becomes
/// "T4: subgraph 0 tensor 3 "w": expected ...". The arguments are printf's. An ok status stays ok.
[[gnu::format(printf, 2, 3)]] Status located(Status status, const char* format, ...);

/// Length to give to "%.*s", so that a name of a megabyte does not fill a message.
inline int text_length(std::string_view s) {
  return static_cast<int>(std::min<size_t>(s.size(), 200));
}

}  // namespace cygnet
