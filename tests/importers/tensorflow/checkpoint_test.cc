// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/checkpoint.h"

#include <gtest/gtest.h>
#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "importers/tensorflow/crc32c.h"
#include "importers/tensorflow/ordered_code.h"
#include "importers/tensorflow/sstable.h"
#include "importers/tensorflow/wire_bytes.h"

namespace cygnet::tensorflow {
namespace {

using namespace cygnet::test;
namespace fs = std::filesystem;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

/// A folder of its own for each test.
class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() {
    std::string folder = (fs::temp_directory_path() / "cygnet_XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    prefix_ = folder_ + "/ckpt";
  }
  ~CheckpointTest() override {
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  void write_table(const std::map<std::string, std::string>& rows,
                   leveldb::CompressionType compression = leveldb::kNoCompression) {
    leveldb::WritableFile* opened = nullptr;
    ASSERT_TRUE(leveldb::Env::Default()->NewWritableFile(prefix_ + ".index", &opened).ok());
    const std::unique_ptr<leveldb::WritableFile> file(opened);
    leveldb::Options options;
    options.compression = compression;
    options.block_size = 256;
    leveldb::TableBuilder builder(options, file.get());
    for (const auto& [key, value] : rows) builder.Add(key, value);
    ASSERT_TRUE(builder.Finish().ok());
    ASSERT_TRUE(file->Close().ok());
  }
  void write_shard(const std::string& contents, const char* name = ".data-00000-of-00001") {
    write_file(prefix_ + name, contents);
  }

  static std::string header(int64_t shards = 1) {
    return number(1, shards) + bytes(3, number(1, 1));
  }
  /// BundleEntryProto of float32 data at an offset of shard 0.
  static std::string entry(std::initializer_list<int64_t> dims, int64_t offset,
                           const std::string& data) {
    return number(1, 1) + bytes(2, shape(dims)) + number(4, offset) +
           number(5, static_cast<int64_t>(data.size())) + fixed(6, masked(crc32c(0, data)));
  }
  std::string open_failure() const {
    return failure_of([&] { Checkpoint::open(prefix_); });
  }

  std::string folder_;
  std::string prefix_;
};

TEST(Crc32c, VectorsOfTheStandard) {
  EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(crc32c(0, "12345"), "6789"), 0xe3069283u);
}

// The first key is from a file that TensorFlow 2.21 wrote.
TEST(OrderedCode, SliceKeys) {
  EXPECT_EQ(slice_key("a/w", {0, 0}, {4, 6}), std::string("\0a/w\0\1\1\2\x80\x84\x80\x86", 12));
  EXPECT_EQ(slice_key(std::string("\0\xff", 2), {}, {}), std::string("\0\0\xff\xff\0\0\1\0", 8));
  const auto number_of = [](int64_t v) { return slice_key("", {v}, {0}).substr(5); };
  EXPECT_EQ(number_of(-1), "\x7f\x80");
  EXPECT_EQ(number_of(63), "\xbf\x80");
  EXPECT_EQ(number_of(64), std::string("\xc0\x40\x80"));
  EXPECT_EQ(number_of(-65), std::string("\x3f\xbf\x80"));
  EXPECT_EQ(number_of(1000), std::string("\xc3\xe8\x80"));
  EXPECT_EQ(number_of(8192), std::string("\xe0\x20\x00\x80", 4));
  EXPECT_LT(number_of(INT64_MIN), number_of(-1));
  EXPECT_LT(number_of(int64_t{1} << 61), number_of(INT64_MAX));
}

TEST_F(CheckpointTest, ReadsTensors) {
  for (const auto compression : {leveldb::kNoCompression, leveldb::kSnappyCompression}) {
    const std::string a = raw(1.f) + raw(2.f);
    std::string shard = a;
    std::map<std::string, std::string> rows{{"", header()}, {"a", entry({2}, 0, a)}};
    for (int i = 0; i < 100; ++i) {
      const std::string data = raw(static_cast<float>(i));
      rows["variable/" + std::to_string(i)] = entry({}, static_cast<int64_t>(shard.size()), data);
      shard += data;
    }
    write_table(rows, compression);
    write_shard(shard);
    const Checkpoint checkpoint = Checkpoint::open(prefix_);
    ASSERT_EQ(checkpoint.entries().size(), 101u);
    ASSERT_NE(checkpoint.find("a"), nullptr);
    EXPECT_EQ(checkpoint.find("a")->dtype, DataType::float32);
    EXPECT_EQ(checkpoint.read(*checkpoint.find("a")).bytes, a);
    EXPECT_EQ(checkpoint.read(*checkpoint.find("variable/42")).bytes, raw(42.f));
    EXPECT_EQ(checkpoint.find("b"), nullptr);
  }
}

TEST_F(CheckpointTest, ReadsStrings) {
  // Lengths, their checksum (each as four bytes), characters; the checksum of the entry covers all.
  uint32_t crc = crc32c(0, raw(uint32_t{2}) + raw(uint32_t{0}));
  const std::string rest = raw(masked(crc)) + "hi";
  const std::string data = varint(2) + varint(0) + rest;
  const std::string row = number(1, 7) + bytes(2, shape({2})) +
                          number(5, static_cast<int64_t>(data.size())) +
                          fixed(6, masked(crc32c(crc, rest)));
  write_table({{"", header()}, {"s", row}});
  write_shard(data);
  const Checkpoint checkpoint = Checkpoint::open(prefix_);
  EXPECT_EQ(checkpoint.read(*checkpoint.find("s")).strings,
            (std::vector<std::string_view>{"hi", ""}));
  write_shard(varint(2) + varint(0) + raw(masked(crc)) + "ho");
  const Checkpoint damaged = Checkpoint::open(prefix_);
  EXPECT_PRED2(contains, failure_of([&] { damaged.read(*damaged.find("s")); }),
               "tensor 's': I3: the checksum is wrong");
}

TEST_F(CheckpointTest, JoinsSlices) {
  // [2,3] as columns 0-1 and column 2.
  const std::string left = raw(1.f) + raw(2.f) + raw(4.f) + raw(5.f);
  const std::string right = raw(3.f) + raw(6.f);
  const auto extent = [](int64_t start, int64_t length) {
    return bytes(1, number(1, start) + number(2, length));
  };
  const std::string whole = number(1, 1) + bytes(2, shape({2, 3})) +
                            bytes(7, bytes(1, "") + extent(0, 2)) +
                            bytes(7, bytes(1, "") + extent(2, 1));
  std::map<std::string, std::string> rows{
      {"", header(2)},
      {"w", whole},
      {slice_key("w", {0, 0}, {-1, 2}), entry({2, 2}, 0, left)},
      {slice_key("w", {0, 2}, {-1, 1}), number(3, 1) + entry({2, 1}, 0, right)}};
  write_table(rows);
  write_shard(left, ".data-00000-of-00002");
  write_shard(right, ".data-00001-of-00002");
  const Checkpoint checkpoint = Checkpoint::open(prefix_);
  ASSERT_EQ(checkpoint.entries().size(), 1u);
  std::string all;
  for (float v : {1.f, 2.f, 3.f, 4.f, 5.f, 6.f}) all += raw(v);
  EXPECT_EQ(checkpoint.read(*checkpoint.find("w")).bytes, all);

  rows.erase(slice_key("w", {0, 2}, {-1, 1}));
  write_table(rows);
  EXPECT_PRED2(contains, open_failure(), "tensor 'w': I3: a slice is missing");
}

TEST_F(CheckpointTest, RefusesWhatTheFilesDoNotHold) {
  const std::string a = raw(1.f) + raw(2.f);
  write_shard(a);
  const auto refused = [&](const std::string& row, const char* words) {
    write_table({{"", header()}, {"a", row}});
    EXPECT_PRED2(contains, open_failure(), ".index: tensor 'a': I3: ");
    EXPECT_PRED2(contains, open_failure(), words);
  };
  refused(entry({2}, 4, a), "bytes 4 + 8 of a shard of 8");
  refused(entry({2}, -1, a), "bytes -1");
  refused(entry({2}, INT64_MAX, a), "of a shard of 8");
  refused(entry({3}, 0, a), "float32[3] in 8 bytes");
  refused(number(3, 1) + entry({2}, 0, a), "shard 1 of 1");
  refused(number(3, -1) + entry({2}, 0, a), "shard -1 of 1");
  write_table({{"", header()}, {"a", bytes(1, "")}});
  EXPECT_PRED2(contains, open_failure(), "I1");
  write_table({{"", header(0)}});
  EXPECT_PRED2(contains, open_failure(), "0 data shards");
  write_table({{"", header() + number(2, 1)}});
  EXPECT_PRED2(contains, open_failure(), "big-endian");
  write_table({{"a", entry({2}, 0, a)}});
  EXPECT_PRED2(contains, open_failure(), "no header");

  write_table({{"", header()}, {"a", entry({2}, 0, a)}});
  write_shard(raw(1.f) + raw(3.f));
  const Checkpoint damaged = Checkpoint::open(prefix_);
  EXPECT_PRED2(contains, failure_of([&] { damaged.read(damaged.entries()[0]); }),
               "the checksum is wrong");
  fs::remove(prefix_ + ".data-00000-of-00001");
  EXPECT_PRED2(contains, open_failure(), ".data-00000-of-00001");
}

TEST_F(CheckpointTest, NamesTheOldFormat) {
  write_table({{"", header()}});
  fs::rename(prefix_ + ".index", prefix_);
  EXPECT_PRED2(contains, open_failure(), "old V1 format");
}

/// A handle as the footer holds it: offset, size.
std::string footer(const std::string& index_handle) {
  std::string out = varint(0) + varint(0) + index_handle;
  out.resize(40, '\0');
  return out + raw(uint64_t{0xdb4775248b80fb57});
}

TEST(Sstable, ChecksHandlesBeforeLeveldbFollowsThem) {
  const auto failure = [](const std::string& file) {
    return failure_of([&] { read_sstable(file); });
  };
  const std::string filler(16, '\0');
  EXPECT_PRED2(contains, failure("short"), "no footer");
  EXPECT_PRED2(contains, failure(filler + footer(varint(0) + varint(~uint64_t{0}))),
               "a block lies outside the file");
  EXPECT_PRED2(contains, failure(filler + footer(varint(~uint64_t{0} - 4) + varint(4))),
               "a block lies outside the file");
  EXPECT_PRED2(contains, failure(filler + footer(varint(0) + varint(12))),
               "a block lies outside the file");
  // An index block whose one entry points outside, with checksums that are right.
  const std::string entry =
      varint(0) + varint(1) + varint(11) + "k" + varint(0) + std::string(9, '\xff') + '\1';
  const std::string block = entry + raw(uint32_t{0}) + raw(uint32_t{1});
  const std::string stored = block + '\0' + raw(masked(crc32c(0, block + '\0')));
  EXPECT_PRED2(contains, failure(stored + footer(varint(0) + varint(block.size()))),
               "a block lies outside the file");
  // A compressed block that claims to be huge.
  const std::string bomb = varint(uint32_t{0xffffffff}) + '\0';
  EXPECT_PRED2(contains,
               failure(filler + bomb + "\1" + filler + footer(varint(16) + varint(bomb.size()))),
               "a compressed block's length");
}

TEST_F(CheckpointTest, DamagedFilesEnd) {
  const std::string a = raw(1.f) + raw(2.f);
  write_table({{"", header()}, {"a", entry({2}, 0, a)}, {"b", entry({1, 2}, 0, a)}},
              leveldb::kSnappyCompression);
  write_shard(a);
  const std::string index = read_file(prefix_ + ".index");
  for (size_t n = 0; n < index.size(); ++n) {
    EXPECT_NE(failure_of([&] { read_sstable(std::string_view(index).substr(0, n)); }), "no failure")
        << n;
  }
  // Single damaged bits either fail or leave the tensors as they were.
  for (size_t bit = 0; bit < index.size() * 8; bit += 5) {
    std::string damaged = index;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_file(prefix_ + ".index", damaged);
    failure_of([&] {
      const Checkpoint checkpoint = Checkpoint::open(prefix_);
      for (const CheckpointEntry& e : checkpoint.entries()) {
        EXPECT_EQ(checkpoint.read(e).bytes, a) << bit;
      }
    });
  }
}

}  // namespace
}  // namespace cygnet::tensorflow
