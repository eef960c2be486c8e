// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "importers/tensorflow/tensor_value.h"

namespace cygnet::tensorflow {

/// Where (a part of) a tensor lies in a checkpoint's shards.
struct StoredBytes {
  std::string_view bytes;
  uint32_t checksum = 0;  ///< masked CRC-32C
};

/// A part of a partitioned variable.
struct StoredSlice {
  std::vector<int64_t> start;
  std::vector<int64_t> length;
  StoredBytes stored;
};

/// A tensor of a checkpoint.
struct CheckpointEntry {
  std::string name;  ///< the key under which it was saved
  DataType dtype = DataType::invalid;
  std::vector<int64_t> dims;
  StoredBytes stored;               ///< unless it is partitioned
  std::vector<StoredSlice> slices;  ///< of a partitioned variable, else empty
};

/// The tensors of a checkpoint: PREFIX.index and PREFIX.data-k-of-n (TensorFlow's TensorBundle).
/// Files are named by the prefix alone, never by what they hold. Copies share the files.
class Checkpoint {
 public:
  /// An empty checkpoint.
  Checkpoint() = default;

  /// Maps and checks the files. Throws Failure (rule I3) that names the file.
  static Checkpoint open(const std::string& prefix);

  /// Sorted by name.
  const std::vector<CheckpointEntry>& entries() const;
  /// Null when there is none of that name.
  const CheckpointEntry* find(std::string_view name) const;

  /// The elements of an entry of this checkpoint, its checksums verified; they point into the
  /// mapped files, unless slices were joined. Throws Failure (rule I3) with the tensor's name.
  TensorValue read(const CheckpointEntry& entry) const;

  /// The prefix it was opened with.
  const std::string& prefix() const;

 private:
  struct Files;
  std::shared_ptr<const Files> files_;
};

}  // namespace cygnet::tensorflow
