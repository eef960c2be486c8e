// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "format/model.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "test_paths.h"

namespace cygnet::test {
namespace {

// A file of its own that goes with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& contents) : path_(testing::TempDir() + "cygnet_mapped_" + std::to_string(getpid())) {
    std::ofstream(path_, std::ios::binary) << contents;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const char* path() const { return path_.c_str(); }
  void shrink_to(off_t bytes) { ASSERT_EQ(truncate(path_.c_str(), bytes), 0); }

 private:
  std::string path_;
};

TEST(MappedFile, ReadsInPlace) {
  const TemporaryFile file("hello");
  base::MappedFile mapped;
  ASSERT_TRUE(base::MappedFile::open(file.path(), 100, &mapped).ok());
  EXPECT_EQ(std::string(mapped.bytes().begin(), mapped.bytes().end()), "hello");
  EXPECT_TRUE(mapped.intact());
}

TEST(MappedFile, RefusesWhatIsNoSmallFile) {
  base::MappedFile mapped;
  const auto message = [&](const char* path, int64_t most) { return std::string(base::MappedFile::open(path, most, &mapped).message()); };
  EXPECT_NE(message("/nonexistent/file", 100).find("/nonexistent/file: can't open"), std::string::npos);
  EXPECT_NE(message("/", 100).find("not a regular file"), std::string::npos);
  EXPECT_NE(message("/dev/zero", 100).find("not a regular file"), std::string::npos);
  const TemporaryFile empty("");
  EXPECT_NE(message(empty.path(), 100).find("empty"), std::string::npos);
  const TemporaryFile large(std::string(101, 'x'));
  EXPECT_NE(message(large.path(), 100).find("limit file_bytes (100)"), std::string::npos);
}

TEST(MappedFile, ShrinkingEndsInAnErrorAndNotInASignal) {
  TemporaryFile file(std::string(1 << 20, 'x'));
  base::MappedFile mapped, other;
  ASSERT_TRUE(base::MappedFile::open(file.path(), 1 << 30, &mapped).ok());
  const TemporaryFile another("second");
  ASSERT_TRUE(base::MappedFile::open(another.path(), 1 << 30, &other).ok());
  file.shrink_to(5000);
  int sum = 0;
  for (uint8_t byte : mapped.bytes()) sum += byte == 'x' ? 1 : 0;
  EXPECT_LT(sum, 1 << 20);
  EXPECT_EQ(mapped.bytes()[1 << 19], 0);
  EXPECT_FALSE(mapped.intact());
  EXPECT_TRUE(other.intact());
}

TEST(MappedFile, AModelThatShrinksWhileItRuns) {
  std::ifstream in(std::string(kDataDir) + "/int8_convnet.tflite", std::ios::binary);
  TemporaryFile file(std::string(std::istreambuf_iterator<char>(in), {}));
  Model model;
  ASSERT_TRUE(Model::load(file.path(), builtin_ops(), {}, &model).ok());
  Interpreter interpreter;
  ASSERT_TRUE(interpreter.create(model, {.reference = true}).ok());
  ASSERT_TRUE(interpreter.allocate().ok());
  ASSERT_TRUE(interpreter.invoke().ok());
  file.shrink_to(0);
  const Status status = interpreter.invoke();
  EXPECT_EQ(status.code(), Code::io);
  EXPECT_NE(std::string(status.message()).find("was truncated while it was in use"), std::string::npos) << status.message();
  // A copy does not depend on the file.
  std::ifstream again(std::string(kDataDir) + "/int8_convnet.tflite", std::ios::binary);
  TemporaryFile second(std::string(std::istreambuf_iterator<char>(again), {}));
  Model copy;
  ASSERT_TRUE(Model::load(second.path(), builtin_ops(), {.copy = true}, &copy).ok());
  second.shrink_to(0);
  Interpreter runs;
  ASSERT_TRUE(runs.create(copy, {.reference = true}).ok());
  ASSERT_TRUE(runs.allocate().ok());
  EXPECT_TRUE(runs.invoke().ok());
}

}  // namespace
}  // namespace cygnet::test
