// SPDX-License-Identifier: Apache-2.0
#include "cli/labels.h"

#include "cli/failure.h"
#include "cli/files.h"

namespace cygnet::cli {

Labels::Labels(const std::string& path) : path_(path) {
  if (path.empty()) return;
  names_ = read_lines(path);
  if (names_.empty()) throw Failure(text(path, ": expected a label a line, got none"));
}

void Labels::fit(int classes) {
  if (names_.empty() || names_.size() == static_cast<size_t>(classes)) return;
  if (names_.size() + 1 == static_cast<size_t>(classes)) {
    names_.insert(names_.begin(), "background");
    return;
  }
  throw Failure(
      text(path_, ": has ", names_.size(), " labels, but the model has ", classes, " classes"));
}

std::string Labels::name(int index) const {
  if (names_.empty()) return "";
  if (index < 0 || static_cast<size_t>(index) >= names_.size()) return text("class ", index);
  return names_[static_cast<size_t>(index)];
}

}  // namespace cygnet::cli
