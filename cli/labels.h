// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cygnet::cli {

/// Names of classes.
class Labels {
 public:
  /// No names.
  Labels() = default;
  /// Reads a file of a name a line, up to the first empty line; an empty path gives no names.
  /// Throws Failure.
  explicit Labels(const std::string& path);

  bool empty() const { return names_.empty(); }
  /// Makes the list one of `classes` names: one too few leaves out a first class "background", as
  /// lists of ImageNet's 1000 classes do for models of 1001. Throws Failure at any other
  /// difference.
  void fit(int classes);
  /// The name of a class; "" without a list, "class 7" past its end.
  std::string name(int index) const;

 private:
  std::string path_;
  std::vector<std::string> names_;
};

}  // namespace cygnet::cli
