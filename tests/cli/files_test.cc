// SPDX-License-Identifier: Apache-2.0
#include "cli/files.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scratch_folder.h"

namespace cygnet::cli {
namespace {

namespace fs = std::filesystem;

const std::vector<uint8_t> kOld = {'o', 'l', 'd'};
const std::vector<uint8_t> kNew = {'n', 'e', 'w', 'e', 'r'};

std::ptrdiff_t files_in(const ScratchFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

TEST(Files, WritesAndReads) {
  ScratchFolder folder;
  write_file(folder.file("a"), kOld);
  EXPECT_EQ(read_file(folder.file("a"), 100), kOld);
  write_file(folder.file("a"), kNew);
  EXPECT_EQ(read_file(folder.file("a"), 100), kNew);
  write_file(folder.file("a"), {});
  EXPECT_TRUE(read_file(folder.file("a"), 100).empty());
  EXPECT_EQ(files_in(folder), 1) << "a temporary file was left";
}

TEST(Files, KeepsPermissionsAndFollowsLinks) {
  ScratchFolder folder;
  write_file(folder.file("a"), kOld);
  fs::permissions(folder.file("a"), fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("a", folder.file("link"));
  write_file(folder.file("link"), kNew);
  EXPECT_TRUE(fs::is_symlink(folder.file("link")));
  EXPECT_EQ(read_file(folder.file("a"), 100), kNew);
  EXPECT_EQ(fs::status(folder.file("a")).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Files, WritesToADeviceWithoutReplacingIt) {
  write_file("/dev/null", kNew);
  check_writable("/dev/null");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Files, AFailedWriteLeavesTheOldFile) {
  expect_failure("No space left", [] { write_file("/dev/full", kNew); });
  ScratchFolder folder;
  std::string in_no_folder = folder.file("absent/a");
  expect_failure(in_no_folder, [&] { write_file(in_no_folder, kNew); });
  expect_failure(in_no_folder, [&] { check_writable(in_no_folder); });
  expect_failure("directory", [&] { write_file(folder.path().string(), kNew); });
  expect_failure("directory", [&] { check_writable(folder.path().string()); });
  write_file(folder.file("a"), kOld);
  expect_failure("Not a directory", [&] { check_writable(folder.file("a/b")); });
  EXPECT_EQ(read_file(folder.file("a"), 100), kOld);
}

TEST(Files, RefusesWhatIsNoFile) {
  ScratchFolder folder;
  expect_failure("No such file", [&] { read_file(folder.file("absent"), 100); });
  expect_failure("not a regular file", [&] { read_file(folder.path().string(), 100); });
  expect_failure("not a regular file", [&] { read_file("/dev/zero", 100); });
  write_file(folder.file("a"), kNew);
  expect_failure("5 bytes are more than the limit of 4", [&] { read_file(folder.file("a"), 4); });
}

TEST(Files, LinesEndAtTheFirstEmptyOne) {
  ScratchFolder folder;
  std::string content = "one\r\ntwo words \nthree\n\nnot a line\n";
  write_file(folder.file("a"), std::vector<uint8_t>(content.begin(), content.end()));
  EXPECT_EQ(read_lines(folder.file("a")), (std::vector<std::string>{"one", "two words", "three"}));
}

}  // namespace
}  // namespace cygnet::cli
