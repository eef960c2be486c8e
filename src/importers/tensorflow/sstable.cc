// SPDX-License-Identifier: Apache-2.0
// Format: leveldb's doc/table_format.md.
#include "importers/tensorflow/sstable.h"

#include <leveldb/env.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/table.h>
#include <snappy.h>

#include <cstring>
#include <memory>

#include "edit/failure.h"

namespace cygnet::tensorflow {

namespace {

constexpr uint64_t kMagic = 0xdb4775248b80fb57;
constexpr size_t kFooterBytes = 48;    // two block handles, padding, magic
constexpr size_t kTrailerBytes = 5;    // behind each block: compression, checksum
constexpr size_t kMostExpansion = 22;  // snappy: 3 bytes give 64 at most
constexpr size_t kMostTableBytes = size_t{1} << 30;

[[noreturn]] void corrupt(const char* what) {
  throw Failure(text("I3: broken table: ", what));
}

/// Takes a varint off the front of the bytes.
uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (uint32_t shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) corrupt("a number is cut off");
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  corrupt("a number is too long");
}

/// A block's contents, without trailer, as stored; `compressed` if by snappy.
struct Block {
  std::string_view contents;
  bool compressed = false;
};

/// Takes a block handle off the front of the bytes and finds its block.
Block take_block(std::string_view file, std::string_view& bytes) {
  const uint64_t offset = take_varint(bytes);
  const uint64_t size = take_varint(bytes);
  const uint64_t end = file.size() - kFooterBytes;
  if (offset > end || size > end - offset || end - offset - size < kTrailerBytes) {
    corrupt("a block lies outside the file");
  }
  Block block;
  block.contents = file.substr(offset, size);
  const char compression = file[offset + size];
  if (compression != 0 && compression != 1) corrupt("a block's compression is unknown");
  block.compressed = compression == 1;
  if (block.compressed) {
    size_t length = 0;
    if (!snappy::GetUncompressedLength(block.contents.data(), block.contents.size(), &length) ||
        length > kMostExpansion * block.contents.size()) {
      corrupt("a compressed block's length");
    }
  }
  return block;
}

/// Checks every block handle of the table.
void check_blocks(std::string_view file) {
  if (!is_sstable(file)) corrupt("no footer");
  std::string_view footer = file.substr(file.size() - kFooterBytes);
  take_block(file, footer);  // the meta index
  const Block index = take_block(file, footer);
  std::string owned;
  std::string_view contents = index.contents;
  if (index.compressed) {
    if (!snappy::Uncompress(contents.data(), contents.size(), &owned)) corrupt("the index block");
    contents = owned;
  }
  if (contents.size() < 4) corrupt("the index block");
  uint32_t restarts;
  std::memcpy(&restarts, contents.data() + contents.size() - 4, 4);
  if (restarts > (contents.size() - 4) / 4) corrupt("the index block's restarts");
  contents.remove_suffix(4 + size_t{restarts} * 4);
  uint64_t previous = 0;
  while (!contents.empty()) {
    const uint64_t shared = take_varint(contents);
    const uint64_t own = take_varint(contents);
    const uint64_t value_bytes = take_varint(contents);
    if (shared > previous || own > contents.size() || value_bytes > contents.size() - own) {
      corrupt("an index entry");
    }
    previous = shared + own;
    std::string_view value = contents.substr(own, value_bytes);
    take_block(file, value);
    contents.remove_prefix(own + value_bytes);
  }
}

/// The bytes as leveldb wants them.
class Bytes final : public leveldb::RandomAccessFile {
 public:
  explicit Bytes(std::string_view file) : file_(file) {}

  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result,
                       char* /*scratch*/) const override {
    if (offset > file_.size() || n > file_.size() - offset) {
      return leveldb::Status::Corruption("read past the end");
    }
    *result = leveldb::Slice(file_.data() + offset, n);
    return leveldb::Status::OK();
  }

 private:
  std::string_view file_;
};

void require(const leveldb::Status& status) {
  if (!status.ok()) corrupt(status.ToString().c_str());
}

}  // namespace

bool is_sstable(std::string_view file) {
  if (file.size() < kFooterBytes) return false;
  uint64_t magic;
  std::memcpy(&magic, file.data() + file.size() - 8, 8);
  return magic == kMagic;
}

std::vector<std::pair<std::string, std::string>> read_sstable(std::string_view file) {
  check_blocks(file);
  leveldb::Options options;
  options.paranoid_checks = true;
  Bytes source(file);
  leveldb::Table* opened = nullptr;
  require(leveldb::Table::Open(options, &source, file.size(), &opened));
  const std::unique_ptr<leveldb::Table> table(opened);
  leveldb::ReadOptions read;
  read.verify_checksums = true;
  read.fill_cache = false;
  const std::unique_ptr<leveldb::Iterator> at(table->NewIterator(read));
  std::vector<std::pair<std::string, std::string>> entries;
  size_t total = 0;
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    total += at->key().size() + at->value().size() + sizeof(entries[0]);
    if (total > kMostTableBytes) corrupt("its keys and values exceed 1 GiB");
    entries.emplace_back(at->key().ToString(), at->value().ToString());
    const size_t n = entries.size();
    if (n > 1 && entries[n - 2].first >= entries[n - 1].first) corrupt("its keys are not sorted");
  }
  require(at->status());
  return entries;
}

}  // namespace cygnet::tensorflow
