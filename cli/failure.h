// SPDX-License-Identifier: Apache-2.0
// How the command-line program reports what it can't do.
#pragma once

#include <string>

#include "edit/failure.h"

namespace cygnet::cli {

using cygnet::check;
using cygnet::Failure;
using cygnet::text;

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
