// SPDX-License-Identifier: Apache-2.0
#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/temporary_file.h"

namespace cygnet::base {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;

using test::TemporaryFile;

size_t page_bytes() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::string refusal(const char* path, int64_t most = kMost) {
  MappedFile file;
  const Status status = MappedFile::open(path, most, &file);
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(file.bytes().empty());
  return status.message();
}

TEST(MappedFile, GivesTheBytesOfTheFile) {
  const TemporaryFile source("hello");
  MappedFile file;
  const Status status = MappedFile::open(source.path(), kMost, &file);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(std::string(file.bytes().begin(), file.bytes().end()), "hello");
  EXPECT_TRUE(file.intact());
  MappedFile moved(std::move(file));
  EXPECT_EQ(moved.bytes()[4], 'o');
  EXPECT_TRUE(file.bytes().empty());  // NOLINT(bugprone-use-after-move)
}

TEST(MappedFile, RefusesWithThePathAndTheReason) {
  const std::string missing = ::testing::TempDir() + "no_such_file";
  EXPECT_EQ(refusal(missing.c_str()), missing + ": can't open: No such file or directory");
  EXPECT_EQ(refusal("/"), "/: not a regular file");
  EXPECT_EQ(refusal("/dev/zero"), "/dev/zero: not a regular file");
  const TemporaryFile empty("");
  EXPECT_EQ(refusal(empty.path()), std::string(empty.path()) + ": C1: the file is empty");
  const TemporaryFile large(std::string(100, 'x'));
  EXPECT_EQ(refusal(large.path(), 99),
            std::string(large.path()) + ": 100 bytes exceed limit file_bytes (99)");
}

// Opening a pipe without a writer must not wait for one.
TEST(MappedFile, RefusesAPipe) {
  const std::string path = ::testing::TempDir() + "mapped_file_pipe_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(path.c_str()), path + ": not a regular file");
  unlink(path.c_str());
}

TEST(MappedFile, ReadsZerosWhereTheFileWasTruncated) {
  const size_t page = page_bytes();
  TemporaryFile source(std::string(3 * page, 'x'));
  MappedFile file;
  ASSERT_TRUE(MappedFile::open(source.path(), kMost, &file).ok());
  const volatile uint8_t* bytes = file.bytes().data();
  EXPECT_EQ(bytes[0], 'x');
  source.shrink_to(page);
  EXPECT_TRUE(file.intact()) << "nothing has been missed yet";
  EXPECT_EQ(bytes[2 * page + 7], 0);
  EXPECT_FALSE(file.intact());
  EXPECT_EQ(bytes[page], 0);
  EXPECT_EQ(bytes[page - 1], 'x');
}

TEST(MappedFile, DamageOfOneFileIsNotThatOfAnother) {
  const size_t page = page_bytes();
  TemporaryFile source(std::string(2 * page, 'x'));
  const TemporaryFile other(std::string(2 * page, 'y'));
  {
    MappedFile damaged, whole;
    ASSERT_TRUE(MappedFile::open(source.path(), kMost, &damaged).ok());
    ASSERT_TRUE(MappedFile::open(other.path(), kMost, &whole).ok());
    source.shrink_to(0);
    const volatile uint8_t* bytes = damaged.bytes().data();
    EXPECT_EQ(bytes[page], 0);
    EXPECT_FALSE(damaged.intact());
    EXPECT_TRUE(whole.intact());
    MappedFile moved(std::move(damaged));
    EXPECT_FALSE(moved.intact());
  }
  // The place in the table is used again, without the damage.
  MappedFile next;
  ASSERT_TRUE(MappedFile::open(other.path(), kMost, &next).ok());
  EXPECT_TRUE(next.intact());
}

// Beyond the places in its table there is an error, and room again once files are closed.
TEST(MappedFile, BoundsTheNumberOfMappings) {
  const TemporaryFile source("x");
  std::vector<MappedFile> files(1025);
  size_t opened = 0;
  while (opened < files.size() && MappedFile::open(source.path(), kMost, &files[opened]).ok())
    ++opened;
  EXPECT_EQ(opened, 1024u);
  EXPECT_NE(refusal(source.path()).find("more than 1024 files mapped"), std::string::npos);
  files.clear();
  MappedFile file;
  EXPECT_TRUE(MappedFile::open(source.path(), kMost, &file).ok());
}

// A fault elsewhere takes the course that it would take without the library.
TEST(MappedFileDeathTest, OtherFaultsKeepTheirHandler) {
  const size_t page = page_bytes();
  const auto fault = [&](bool with_handler) {
    if (with_handler) signal(SIGBUS, [](int) { _exit(42); });
    const TemporaryFile ours("x");
    MappedFile file;
    if (!MappedFile::open(ours.path(), kMost, &file).ok()) _exit(1);
    TemporaryFile source(std::string(page, 'x'));
    void* foreign = mmap(nullptr, page, PROT_READ, MAP_PRIVATE, source.descriptor(), 0);
    source.shrink_to(0);
    const volatile char value = *static_cast<const volatile char*>(foreign);
    static_cast<void>(value);
    _exit(0);
  };
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(fault(true), ::testing::ExitedWithCode(42), "");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EXIT(fault(false), ::testing::KilledBySignal(SIGBUS), "");
#endif
}

}  // namespace
}  // namespace cygnet::base
