// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace cygnet::test {

/// A file in the folder for temporary files that goes with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view bytes) : path_(testing::TempDir() + "cygnet_XXXXXX") {
    descriptor_ = mkstemp(path_.data());
    EXPECT_GE(descriptor_, 0);
    EXPECT_EQ(write(descriptor_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  ~TemporaryFile() {
    close(descriptor_);
    unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const char* path() const { return path_.c_str(); }
  /// Open for reading and writing.
  int descriptor() const { return descriptor_; }
  void shrink_to(size_t bytes) const {
    ASSERT_EQ(ftruncate(descriptor_, static_cast<off_t>(bytes)), 0);
  }

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace cygnet::test
