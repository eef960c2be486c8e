// SPDX-License-Identifier: Apache-2.0
// How the tools (importers, passes, writer, command line) report what they can't do.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "base/status.h"

namespace cygnet {

/// The input or the request is at fault. what() is the whole message for the user.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parts, printed one after the other.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return std::move(stream).str();
}

/// Turns an error of the library into a Failure.
inline void check(const Status& status) {
  if (!status.ok()) throw Failure(status.message());
}

/// As check, with the name of the file or node at fault first.
inline void check(const Status& status, const std::string& where) {
  if (!status.ok()) throw Failure(text(where, ": ", status.message()));
}

}  // namespace cygnet
