// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "cli/failure.h"

namespace cygnet::cli {

/// An empty folder that goes away with its object.
class ScratchFolder {
 public:
  ScratchFolder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() / text("cygnet_test_", ::getpid(), "_", count++);
    std::filesystem::create_directory(path_);
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The message of the Failure that f throws; "" when it throws none.
template <class F>
std::string failure_of(F&& f) {
  try {
    f();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

/// Expects f to throw a Failure whose message contains `words`.
template <class F>
void expect_failure(const std::string& words, F&& f) {
  std::string message = failure_of(f);
  EXPECT_NE(message, "") << "expected a failure with: " << words;
  EXPECT_NE(message.find(words), std::string::npos) << "got: " << message << "\nwanted: " << words;
}

}  // namespace cygnet::cli
