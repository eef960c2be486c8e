// SPDX-License-Identifier: Apache-2.0
#include "cli/npz.h"

#include <zip.h>

#include <algorithm>

#include "cli/failure.h"
#include "cli/files.h"

namespace cygnet::cli {
namespace {

constexpr uint64_t kMaxHeaderBytes = 65536 + 12;
constexpr int64_t kMaxEntries = 100000;

/// A zip_error_t with its message.
struct ZipError {
  zip_error_t error;
  ZipError() { zip_error_init(&error); }
  ~ZipError() { zip_error_fini(&error); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  const char* message() { return zip_error_strerror(&error); }
};

struct CloseEntry {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

struct ArchiveReader::Zip {
  zip_t* archive = nullptr;
  ~Zip() {
    if (archive != nullptr) zip_discard(archive);
  }
};

ArchiveReader::~ArchiveReader() = default;

ArchiveReader::ArchiveReader(const std::string& path, uint64_t max_bytes)
    : path_(path), max_bytes_(max_bytes) {
  npy_ = read_file(path, max_bytes + kMaxHeaderBytes);
  constexpr uint8_t kNumpy[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (npy_.size() >= sizeof kNumpy && std::equal(kNumpy, kNumpy + sizeof kNumpy, npy_.begin())) {
    names_ = {""};
    return;
  }
  constexpr size_t kSmallestZip = 22;
  if (npy_.size() < kSmallestZip) throw Failure(text(path, ": not an .npz archive"));
  open_zip();
}

void ArchiveReader::open_zip() {
  ZipError error;
  zip_source_t* source = zip_source_buffer_create(npy_.data(), npy_.size(), 0, &error.error);
  if (source == nullptr) throw Failure(text(path_, ": ", error.message()));
  zip_ = std::make_unique<Zip>();
  zip_->archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error.error);
  if (zip_->archive == nullptr) {
    std::string message = error.message();
    zip_source_free(source);
    throw Failure(text(path_, ": not an .npz archive: ", message));
  }
  int64_t entries = zip_get_num_entries(zip_->archive, 0);
  if (entries > kMaxEntries) throw Failure(text(path_, ": ", entries, " entries are too many"));
  for (int64_t i = 0; i < entries; ++i) {
    const char* raw = zip_get_name(zip_->archive, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_GUESS);
    std::string name = raw == nullptr ? "" : raw;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    names_.push_back(name);
  }
  std::vector<std::string> sorted = names_;
  std::sort(sorted.begin(), sorted.end());
  auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) throw Failure(text(path_, ": entry '", *twice, "' comes twice"));
}

int ArchiveReader::find(const std::string& name) const {
  auto at = std::find(names_.begin(), names_.end(), name);
  return at == names_.end() ? -1 : static_cast<int>(at - names_.begin());
}

Array ArchiveReader::read(int i) const {
  if (zip_ == nullptr) return decode_npy(npy_, path_);

  std::string where = text(path_, ": '", names_[static_cast<size_t>(i)], "'");
  zip_uint64_t index = static_cast<zip_uint64_t>(i);
  zip_stat_t info;
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if (zip_stat_index(zip_->archive, index, 0, &info) != 0 || (info.valid & kNeeded) != kNeeded) {
    throw Failure(text(where, ": the archive does not describe this entry"));
  }
  if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE) {
    throw Failure(text(where, ": compressed by method ", info.comp_method,
                       "; only stored and deflated entries are supported"));
  }
  if (info.size > max_bytes_ + kMaxHeaderBytes) {
    throw Failure(text(where, ": ", info.size, " bytes are more than the limit of ", max_bytes_));
  }
  // Deflate makes at most 1032 bytes of one, so a larger claim is false; nothing is allocated for
  // it.
  constexpr uint64_t kMaxRatio = 1032;
  if (info.comp_size > npy_.size() || info.size / kMaxRatio > info.comp_size) {
    throw Failure(text(where, ": the archive claims ", info.size, " bytes in ", info.comp_size));
  }

  std::unique_ptr<zip_file_t, CloseEntry> file(zip_fopen_index(zip_->archive, index, 0));
  if (file == nullptr) throw Failure(text(where, ": ", zip_strerror(zip_->archive)));
  std::vector<uint8_t> bytes(static_cast<size_t>(info.size) + 1);
  size_t done = 0;
  // One byte more than announced is asked for: reading to the end is what checks the CRC.
  while (done < bytes.size()) {
    zip_int64_t n = zip_fread(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0) throw Failure(text(where, ": ", zip_file_strerror(file.get())));
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  if (done != info.size) {
    throw Failure(text(where, ": the entry holds ", done, " bytes, not the ", info.size,
                       " that the archive claims"));
  }
  return decode_npy(std::span(bytes).first(done), where);
}

namespace {

/// An archive that is being written into memory.
class ZipWriter {
 public:
  explicit ZipWriter(const std::string& path) : path_(path) {
    ZipError error;
    source_ = zip_source_buffer_create(nullptr, 0, 0, &error.error);
    if (source_ == nullptr) throw Failure(text(path_, ": ", error.message()));
    zip_source_keep(source_);
    archive_ = zip_open_from_source(source_, ZIP_TRUNCATE, &error.error);
    if (archive_ == nullptr) {
      zip_source_free(source_);
      zip_source_free(source_);
      throw Failure(text(path_, ": ", error.message()));
    }
  }
  ~ZipWriter() {
    if (archive_ != nullptr) zip_discard(archive_);
    zip_source_free(source_);
  }
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// Adds a stored entry; `bytes` must live until finish().
  void add(const std::string& name, std::span<const uint8_t> bytes) {
    zip_source_t* entry = zip_source_buffer(archive_, bytes.data(), bytes.size(), 0);
    if (entry == nullptr) fail();
    zip_int64_t index = zip_file_add(archive_, name.c_str(), entry, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(entry);
      fail();
    }
    zip_uint64_t at = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t kFirstDay = 1 << 5 | 1;  // 1 January 1980
    if (zip_set_file_compression(archive_, at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive_, at, 0, kFirstDay, 0) != 0) {
      fail();
    }
  }

  std::vector<uint8_t> finish() {
    if (zip_close(archive_) != 0) fail();
    archive_ = nullptr;
    if (zip_source_open(source_) != 0) throw Failure(text("cannot write ", path_));
    zip_source_seek(source_, 0, SEEK_END);
    std::vector<uint8_t> bytes(static_cast<size_t>(zip_source_tell(source_)));
    zip_source_seek(source_, 0, SEEK_SET);
    zip_int64_t n = zip_source_read(source_, bytes.data(), bytes.size());
    zip_source_close(source_);
    if (n != static_cast<zip_int64_t>(bytes.size())) throw Failure(text("cannot write ", path_));
    return bytes;
  }

 private:
  [[noreturn]] void fail() {
    throw Failure(text("cannot write ", path_, ": ", zip_strerror(archive_)));
  }

  std::string path_;
  zip_source_t* source_ = nullptr;
  zip_t* archive_ = nullptr;
};

}  // namespace

void write_arrays(const std::string& path, std::span<const NamedArray> arrays) {
  if (path.ends_with(".npy")) {
    if (arrays.size() != 1) {
      throw Failure(text("cannot write ", arrays.size(), " arrays to ", path,
                         ": an .npy file holds one; use .npz"));
    }
    return write_file(path, encode_npy(arrays[0].array));
  }
  std::vector<std::vector<uint8_t>> encoded;
  encoded.reserve(arrays.size());
  for (const NamedArray& item : arrays) encoded.push_back(encode_npy(item.array));
  ZipWriter zip(path);
  for (size_t i = 0; i < arrays.size(); ++i) zip.add(arrays[i].name + ".npy", encoded[i]);
  write_file(path, arrays.empty() ? std::vector<uint8_t>{'P', 'K', 5, 6, 0, 0, 0, 0, 0, 0, 0,
                                                         0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0}
                                  : zip.finish());
}

}  // namespace cygnet::cli
