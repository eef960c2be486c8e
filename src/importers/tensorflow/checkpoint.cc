// SPDX-License-Identifier: Apache-2.0
// Format: tensor_bundle.proto and tensor_bundle.cc of TensorFlow 2.21.
#include "importers/tensorflow/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/mapped_file.h"
#include "importers/tensorflow/crc32c.h"
#include "importers/tensorflow/graph_reader.h"
#include "importers/tensorflow/ordered_code.h"
#include "importers/tensorflow/sstable.h"

namespace cygnet::tensorflow {

namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 36;
constexpr int64_t kMaxIndexBytes = int64_t{1} << 30;
constexpr int64_t kMaxShards = 99999;

std::string_view view(const base::MappedFile& file) {
  const auto bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// BundleEntryProto.
struct Entry {
  DataType dtype = DataType::invalid;
  TensorShape shape;
  int64_t shard = 0;
  int64_t offset = 0;
  int64_t size = 0;
  uint32_t checksum = 0;
  std::vector<StoredSlice> slices;  ///< start and length only; length -1: all
};

StoredSlice read_slice(Message message) {
  StoredSlice slice;
  while (message.next()) {
    if (message.field() != 1) {
      message.skip();
      continue;
    }
    message.budget().charge(64);
    slice.start.push_back(0);
    slice.length.push_back(-1);
    Message extent = message.message();
    while (extent.next()) {
      switch (extent.field()) {
        case 1:
          slice.start.back() = extent.integer();
          break;
        case 2:
          slice.length.back() = extent.integer();
          break;
        default:
          extent.skip();
      }
    }
  }
  return slice;
}

Entry read_entry(std::string_view bytes) {
  Budget budget(bytes.size());
  Message message(bytes, budget);
  Entry entry;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        entry.dtype = static_cast<DataType>(message.integer() & INT16_MAX);
        break;
      case 2:
        entry.shape = read_shape(message.message());
        break;
      case 3:
        entry.shard = message.integer();
        break;
      case 4:
        entry.offset = message.integer();
        break;
      case 5:
        entry.size = message.integer();
        break;
      case 6:
        entry.checksum = message.fixed32();
        break;
      case 7:
        entry.slices.push_back(read_slice(message.message()));
        break;
      default:
        message.skip();
    }
  }
  return entry;
}

/// BundleHeaderProto: the number of shards; the bytes must be little-endian.
int64_t read_header(std::string_view bytes) {
  Budget budget(bytes.size());
  Message message(bytes, budget);
  int64_t shards = 0;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        shards = message.integer();
        break;
      case 2:
        if (message.integer() != 0) throw Failure("I3: a big-endian checkpoint is not supported");
        break;
      default:
        message.skip();
    }
  }
  if (shards < 1 || shards > kMaxShards) throw Failure(text("I3: ", shards, " data shards"));
  return shards;
}

void verify(std::string_view bytes, uint32_t checksum) {
  if (masked(crc32c(0, bytes)) != checksum) throw Failure("I3: the checksum is wrong");
}

/// Strings: their lengths as varints, the masked checksum of those, the characters.
std::vector<std::string_view> read_strings(const StoredBytes& stored, int64_t count) {
  std::string_view rest = stored.bytes;
  if (count > static_cast<int64_t>(rest.size())) throw Failure("I3: strings are cut off");
  uint32_t crc = 0;
  std::vector<uint64_t> lengths;
  const char* at = rest.data();
  const char* end = at + rest.size();
  try {
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t length = lengths.emplace_back(protozero::decode_varint(&at, end));
      char bytes[8];
      std::memcpy(bytes, &length, 8);
      crc = crc32c(crc, {bytes, length > UINT32_MAX ? size_t{8} : size_t{4}});
    }
  } catch (const protozero::exception& e) {
    throw Failure(text("I3: the lengths of strings: ", e.what()));
  }
  rest.remove_prefix(static_cast<size_t>(at - rest.data()));
  uint32_t stored_crc;
  if (rest.size() < sizeof(stored_crc)) throw Failure("I3: strings are cut off");
  std::memcpy(&stored_crc, rest.data(), sizeof(stored_crc));
  if (masked(crc) != stored_crc || masked(crc32c(crc, rest)) != stored.checksum) {
    throw Failure("I3: the checksum is wrong");
  }
  rest.remove_prefix(sizeof(stored_crc));
  std::vector<std::string_view> strings;
  for (uint64_t length : lengths) {
    if (length > rest.size()) throw Failure("I3: strings are cut off");
    strings.push_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  return strings;
}

/// Copies a dense slice into its place in the whole.
void place(const StoredSlice& slice, const std::vector<int64_t>& dims, int64_t element_bytes,
           std::string& whole) {
  const char* from = slice.stored.bytes.data();
  const size_t rank = dims.size();
  if (slice.stored.bytes.empty()) return;
  const auto run = static_cast<size_t>((rank == 0 ? 1 : slice.length[rank - 1]) * element_bytes);
  std::vector<int64_t> at(rank, 0);
  while (true) {
    int64_t offset = 0;
    for (size_t d = 0; d < rank; ++d) offset = offset * dims[d] + slice.start[d] + at[d];
    std::memcpy(whole.data() + offset * element_bytes, from, run);
    from += run;
    size_t d = rank < 2 ? 0 : rank - 1;
    while (d > 0 && ++at[d - 1] == slice.length[d - 1]) at[--d] = 0;
    if (d == 0) return;
  }
}

}  // namespace

struct Checkpoint::Files {
  std::string prefix;
  std::string index_path;
  std::vector<std::pair<std::string, std::string>> table;
  int64_t shard_count = 0;
  std::map<int64_t, base::MappedFile> shards;
  std::vector<CheckpointEntry> entries;

  std::string shard_path(int64_t shard) const {
    char suffix[64];
    std::snprintf(suffix, sizeof(suffix), ".data-%05lld-of-%05lld", static_cast<long long>(shard),
                  static_cast<long long>(shard_count));
    return prefix + suffix;
  }

  void read_table() {
    base::MappedFile file;
    check(base::MappedFile::open(index_path.c_str(), kMaxIndexBytes, &file));
    const std::string copy(view(file));
    table = read_sstable(copy);
    if (table.empty() || !table.front().first.empty()) throw Failure("I3: it has no header");
    shard_count = read_header(table.front().second);
  }

  StoredBytes locate(const Entry& entry) {
    if (entry.shard < 0 || entry.shard >= shard_count) {
      throw Failure(text("I3: shard ", entry.shard, " of ", shard_count));
    }
    auto at = shards.find(entry.shard);
    if (at == shards.end()) {
      base::MappedFile file;
      check(base::MappedFile::open(shard_path(entry.shard).c_str(), kMaxFileBytes, &file));
      at = shards.emplace(entry.shard, std::move(file)).first;
    }
    const std::string_view shard = view(at->second);
    const auto bytes = static_cast<int64_t>(shard.size());
    if (entry.offset < 0 || entry.size < 0 || entry.size > bytes ||
        entry.offset > bytes - entry.size) {
      throw Failure(text("I3: bytes ", entry.offset, " + ", entry.size, " of a shard of ", bytes));
    }
    return {shard.substr(static_cast<size_t>(entry.offset), static_cast<size_t>(entry.size)),
            entry.checksum};
  }

  /// Where the tensor's bytes are; throws unless there are as many as the shape says.
  StoredBytes locate_tensor(const Entry& entry, const std::vector<int64_t>& dims) {
    const int64_t elements = count_elements(dims);
    const int64_t element_bytes = type_bytes(entry.dtype);
    if (element_bytes != 0 && elements * element_bytes != entry.size) {
      throw Failure(
          text("I3: ", type_name(entry.dtype), entry.shape.text(), " in ", entry.size, " bytes"));
    }
    return locate(entry);
  }

  const std::string* find_in_table(const std::string& key) const {
    const auto at =
        std::lower_bound(table.begin(), table.end(), key,
                         [](const auto& row, const std::string& k) { return row.first < k; });
    return at != table.end() && at->first == key ? &at->second : nullptr;
  }

  void add_slices(const Entry& whole, CheckpointEntry& entry) {
    int64_t elements = 0;
    for (StoredSlice slice : whole.slices) {
      const size_t rank = entry.dims.size();
      if (slice.start.size() != rank) throw Failure("I3: a slice of another rank");
      const std::string* row = find_in_table(slice_key(entry.name, slice.start, slice.length));
      if (row == nullptr) throw Failure("I3: a slice is missing");
      for (size_t d = 0; d < rank; ++d) {
        if (slice.length[d] == -1) slice.length[d] = entry.dims[d];
        if (slice.start[d] < 0 || slice.length[d] < 0 || slice.length[d] > entry.dims[d] ||
            slice.start[d] > entry.dims[d] - slice.length[d]) {
          throw Failure("I3: a slice outside its tensor");
        }
      }
      const Entry part = read_entry(*row);
      if (part.dtype != entry.dtype || part.shape.unknown_rank || part.shape.dims != slice.length ||
          type_bytes(part.dtype) == 0) {
        throw Failure("I3: a slice of another shape or type");
      }
      slice.stored = locate_tensor(part, slice.length);
      elements += count_elements(slice.length);
      entry.slices.push_back(std::move(slice));
    }
    if (elements != count_elements(entry.dims)) throw Failure("I3: slices don't fill the tensor");
    // Slices may claim the same bytes of a shard: what they are joined to must not outgrow the
    // files.
    size_t stored = 0;
    for (const auto& [number, shard] : shards) stored += shard.bytes().size();
    if (elements > static_cast<int64_t>(stored) / type_bytes(entry.dtype)) {
      throw Failure("I3: slices share their bytes");
    }
  }

  void add_entry(const std::string& key, const std::string& value) {
    const Entry found = read_entry(value);
    CheckpointEntry entry;
    entry.name = key;
    entry.dtype = found.dtype;
    if (found.shape.unknown_rank) throw Failure("I3: its shape is open");
    entry.dims = found.shape.dims;
    if (found.slices.empty()) {
      entry.stored = locate_tensor(found, entry.dims);
    } else {
      add_slices(found, entry);
    }
    entries.push_back(std::move(entry));
  }
};

Checkpoint Checkpoint::open(const std::string& prefix) {
  auto files = std::make_shared<Files>();
  files->prefix = prefix;
  files->index_path = prefix + ".index";
  std::error_code error;
  if (!std::filesystem::exists(files->index_path, error) &&
      std::filesystem::is_regular_file(prefix, error)) {
    base::MappedFile file;
    check(base::MappedFile::open(prefix.c_str(), kMaxFileBytes, &file));
    if (is_sstable(view(file))) {
      throw Failure(text(prefix,
                         ": a checkpoint in TensorFlow's old V1 format; save it again with "
                         "tf.compat.v1.train.Saver of TensorFlow 1.0 or later"));
    }
  }
  try {
    files->read_table();
  } catch (const Failure& e) {
    throw Failure(text(files->index_path, ": ", e.what()));
  }
  for (size_t i = 1; i < files->table.size(); ++i) {
    const auto& [key, value] = files->table[i];
    if (key[0] == '\0') continue;  // a slice, found by way of its tensor
    try {
      files->add_entry(key, value);
    } catch (const Failure& e) {
      throw Failure(text(files->index_path, ": tensor '", key, "': ", e.what()));
    }
  }
  Checkpoint checkpoint;
  checkpoint.files_ = std::move(files);
  return checkpoint;
}

const std::vector<CheckpointEntry>& Checkpoint::entries() const {
  static const std::vector<CheckpointEntry> none;
  return files_ == nullptr ? none : files_->entries;
}

const std::string& Checkpoint::prefix() const {
  static const std::string none;
  return files_ == nullptr ? none : files_->prefix;
}

const CheckpointEntry* Checkpoint::find(std::string_view name) const {
  const auto& list = entries();
  const auto at = std::lower_bound(
      list.begin(), list.end(), name,
      [](const CheckpointEntry& entry, std::string_view n) { return entry.name < n; });
  return at != list.end() && at->name == name ? &*at : nullptr;
}

TensorValue Checkpoint::read(const CheckpointEntry& entry) const {
  try {
    TensorValue value;
    value.dtype = entry.dtype;
    value.dims = entry.dims;
    const int64_t elements = count_elements(entry.dims);
    if (entry.dtype == DataType::string) {
      value.strings = read_strings(entry.stored, elements);
    } else if (type_bytes(entry.dtype) == 0) {
      throw Failure(text("I3: its type ", type_name(entry.dtype), " can't be read"));
    } else if (entry.slices.empty()) {
      verify(entry.stored.bytes, entry.stored.checksum);
      value.bytes = entry.stored.bytes;
    } else {
      // The slices have as many elements together as the tensor, so memory is bounded by the files.
      const int64_t element_bytes = type_bytes(entry.dtype);
      auto whole = std::make_shared<std::string>(static_cast<size_t>(elements * element_bytes), 0);
      for (const StoredSlice& slice : entry.slices) {
        verify(slice.stored.bytes, slice.stored.checksum);
        place(slice, entry.dims, element_bytes, *whole);
      }
      value.bytes = *whole;
      value.owned = std::move(whole);
    }
    return value;
  } catch (const Failure& e) {
    throw Failure(text(prefix(), ": tensor '", entry.name, "': ", e.what()));
  }
}

}  // namespace cygnet::tensorflow
