// SPDX-License-Identifier: Apache-2.0
#include "graph/located.h"

#include <cstdarg>
#include <cstdio>

namespace cygnet {
namespace {

// Length of a leading rule id such as "T4" or "C12"; 0 where there is none.
int rule_length(const char* message) {
  int n = 0;
  if (message[0] < 'A' || message[0] > 'Z') return 0;
  for (n = 1; message[n] >= '0' && message[n] <= '9'; ++n) {
  }
  return n > 1 && message[n] == ':' && message[n + 1] == ' ' ? n : 0;
}

}  // namespace

Status located(Status status, const char* format, ...) {
  if (status.ok()) return status;
  char where[640];
  va_list args;
  va_start(args, format);
  std::vsnprintf(where, sizeof(where), format, args);
  va_end(args);
  const char* message = status.message();
  const int n = rule_length(message);
  if (n == 0) return Status::error(status.code(), "%s: %s", where, message);
  return Status::error(status.code(), "%.*s: %s: %s", n, message, where, message + n + 2);
}

}  // namespace cygnet
