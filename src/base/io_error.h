// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string.h>

#include "base/status.h"

namespace cygnet::base {

/// "PATH: WHAT: the system's text of `error`", an errno.
inline Status io_error(const char* path, const char* what, int error) {
  char text[128] = "";
  const char* reason = strerror_r(error, text, sizeof(text));
  return Status::error(Code::io, "%s: %s: %s", path, what, reason);
}

}  // namespace cygnet::base
