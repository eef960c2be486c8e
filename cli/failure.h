// SPDX-License-Identifier: Apache-2.0
// How the command-line program reports what it can't do.
#pragma once

#include <cstdint>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>

#include "base/status.h"

namespace cygnet::cli {

/// The input or the request is at fault. what() is the whole message for the user; the program
/// prints it and ends with exit code 1.
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

/// As check, with the name of the file at fault first.
inline void check(const Status& status, const std::string& path) {
  if (!status.ok()) throw Failure(text(path, ": ", status.message()));
}

/// "[1,224,224,3]".
template <class Dims>
std::string dims_text(const Dims& dims) {
  std::string result = "[";
  for (auto d : dims) {
    if (result.size() > 1) result += ',';
    result += std::to_string(d);
  }
  return result + "]";
}

}  // namespace cygnet::cli
