// SPDX-License-Identifier: Apache-2.0
// Invoke takes no memory; any allocation that fails is a status (rule P4). Over the project's own
// models, and the large sample models where they are present.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/memory.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "test_paths.h"

namespace {

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> failing{-1};  // the allocation that fails, counted from 0; −1: none

bool count_and_fail(size_t) {
  const int64_t n = allocations.fetch_add(1);
  return n != failing.load();
}

}  // namespace

namespace cygnet::test {
namespace {

std::vector<std::string> models(bool large) {
  std::vector<std::string> paths;
  std::vector<std::filesystem::path> folders = {kDataDir};
  if (large) folders.push_back(std::filesystem::path(kSharedDir) / "models");
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      if (entry.path().extension() == ".tflite" &&
          entry.path().filename() != "model_invoking_error.tflite")
        paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Allocation, InvokeTakesNone) {
  int tried = 0;
  for (const std::string& path : models(true))
    for (int threads : {1, 3}) {
      Model model;
      ASSERT_TRUE(Model::load(path.c_str(), builtin_ops(), {}, &model).ok()) << path;
      Interpreter interpreter;
      ASSERT_TRUE(interpreter.create(model, {.threads = threads}).ok());
      ASSERT_TRUE(interpreter.allocate().ok()) << path;
      ASSERT_TRUE(interpreter.invoke().ok()) << path;
      allocations = 0;
      base::set_allocation_hook(count_and_fail);
      const Status status = interpreter.invoke();
      base::set_allocation_hook(nullptr);
      EXPECT_TRUE(status.ok()) << path << ": " << status.message();
      EXPECT_EQ(allocations.load(), 0) << path << " with " << threads << " threads";
      ++tried;
    }
  EXPECT_GE(tried, 20);
}

// Load, create, allocate, first run.
Status run_once(const std::string& path) {
  Model model;
  CYGNET_TRY(Model::load(path.c_str(), builtin_ops(), {}, &model));
  Interpreter interpreter;
  CYGNET_TRY(interpreter.create(model, {.threads = 2}));
  CYGNET_TRY(interpreter.allocate());
  return interpreter.invoke();
}

TEST(RuleP4, AnyFailedAllocationIsAStatus) {
  for (const std::string& path : models(false)) {
    base::set_allocation_hook(count_and_fail);
    failing = -1;
    allocations = 0;
    ASSERT_TRUE(run_once(path).ok()) << path;
    const int64_t all = allocations;
    for (int64_t k = 0; k < all; ++k) {
      failing = k;
      allocations = 0;
      const Status status = run_once(path);
      EXPECT_EQ(status.code(), Code::out_of_memory)
          << path << ", allocation " << k << " of " << all << ": " << status.message();
    }
    base::set_allocation_hook(nullptr);
    failing = -1;
  }
}

}  // namespace
}  // namespace cygnet::test
