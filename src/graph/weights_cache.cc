// SPDX-License-Identifier: Apache-2.0
#include "graph/weights_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/fingerprint.h"
#include "base/io_error.h"
#include "base/memory.h"
#include "graph/source_hash.h"

namespace cygnet {
namespace {

constexpr size_t kAlignment = 64;
constexpr char kMagic[8] = {'C', 'Y', 'G', 'W', 'G', 'H', 'T', 'S'};

size_t aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

struct WeightsCache::Header {
  char magic[8];
  uint64_t build;       // kSourceHash
  uint64_t file_bytes;  // of the whole file
  uint64_t count;       // of the records behind the header
  uint64_t hash;        // of the records
  uint64_t unused[3];
};

struct WeightsCache::Record {
  uint64_t made_of;
  uint64_t offset;  // from the start of the file
  uint64_t bytes;
  uint64_t hash;  // of the bytes
};

bool WeightsCache::open(const char* path) {
  static_assert(sizeof(Header) == kAlignment);
  constexpr int64_t kMostBytes = int64_t{1} << 40;
  base::MappedFile file;
  if (!base::MappedFile::open(path, kMostBytes, &file).ok()) return false;
  const std::span<const uint8_t> bytes = file.bytes();
  Header header;
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0 || header.build != kSourceHash ||
      header.file_bytes != bytes.size() ||
      header.count > (bytes.size() - sizeof(header)) / sizeof(Record))
    return false;
  const auto* records = reinterpret_cast<const Record*>(bytes.data() + sizeof(header));
  if (base::Fingerprint::of_parts(records, header.count * sizeof(Record)) != header.hash)
    return false;
  for (size_t i = 0; i < header.count; ++i) {
    const Record& r = records[i];
    if (r.offset % kAlignment != 0 || r.offset > bytes.size() ||
        r.bytes > bytes.size() - r.offset || bytes.size() - r.offset - r.bytes < kPackedSlack)
      return false;
  }
  file_ = std::move(file);
  records_ = records;
  count_ = header.count;
  return true;
}

const void* WeightsCache::find(uint64_t made_of, size_t bytes) const {
  for (size_t i = 0; i < count_; ++i) {
    const Record& r = records_[i];
    if (r.made_of != made_of || r.bytes != bytes) continue;
    const uint8_t* data = file_.bytes().data() + r.offset;
    return base::Fingerprint::of_parts(data, bytes) == r.hash ? data : nullptr;
  }
  return nullptr;
}

namespace {

// A file that is written from its start to its end; the first error stays.
class Writer {
 public:
  explicit Writer(const char* path) : file_(::open(path, O_WRONLY | O_CREAT | O_EXCL, 0666)) {
    if (file_ < 0) error_ = errno;
  }
  ~Writer() { close(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void write(const void* data, size_t bytes) {
    const auto* at = static_cast<const uint8_t*>(data);
    while (error_ == 0 && bytes > 0) {
      const ssize_t n = ::write(file_, at, std::min<size_t>(bytes, 1 << 30));
      if (n < 0 && errno != EINTR) error_ = errno;
      if (n <= 0) continue;
      at += n;
      bytes -= static_cast<size_t>(n);
    }
  }
  void close() {
    if (file_ >= 0 && ::close(file_) != 0 && error_ == 0) error_ = errno;
    file_ = -1;
  }
  int error() const { return error_; }

 private:
  int file_;
  int error_ = 0;
};

}  // namespace

Status WeightsCache::write(const char* path, const Vector<PackedItem>& items) {
  const size_t table = items.size() * sizeof(Record), begin = aligned(sizeof(Header) + table);
  base::Buffer head, temporary;
  const size_t name_bytes = std::strlen(path) + 32;
  if (!head.resize(begin) || !temporary.resize(name_bytes))
    return out_of_memory("weights cache", begin);
  auto* records = reinterpret_cast<Record*>(head.data() + sizeof(Header));
  size_t end = begin;
  for (size_t i = 0; i < items.size(); ++i) {
    records[i] = {.made_of = items[i].made_of,
                  .offset = end,
                  .bytes = items[i].bytes,
                  .hash = base::Fingerprint::of_parts(items[i].data, items[i].bytes)};
    end = aligned(end + items[i].bytes + kPackedSlack);
  }
  Header header{.magic = {},
                .build = kSourceHash,
                .file_bytes = end,
                .count = items.size(),
                .hash = base::Fingerprint::of_parts(records, table),
                .unused = {}};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  std::memcpy(head.data(), &header, sizeof(header));

  auto* name = reinterpret_cast<char*>(temporary.data());
  snprintf(name, name_bytes, "%s.%ld.part", path, static_cast<long>(getpid()));
  Writer writer(name);
  writer.write(head.data(), begin);
  constexpr uint8_t kZeros[kPackedSlack + kAlignment] = {};
  for (const PackedItem& item : items) {
    writer.write(item.data, item.bytes);
    writer.write(kZeros, aligned(item.bytes + kPackedSlack) - item.bytes);
  }
  writer.close();
  int error = writer.error();
  if (error == 0 && rename(name, path) != 0) error = errno;
  if (error == 0) return {};
  if (error != EEXIST) unlink(name);
  return base::io_error(path, "the weights cache can't be written", error);
}

}  // namespace cygnet
