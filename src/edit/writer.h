// SPDX-License-Identifier: Apache-2.0
// Writer: Graph → .tflite.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flatbuffers/flatbuffers.h"
#include "graph/graph.h"

namespace cygnet {

struct WriteOptions {
  /// Constants of more than this many bytes in all lie behind the FlatBuffer, by offset: a
  /// FlatBuffer ends at 2 GiB. Runtimes before TensorFlow Lite 2.14 don't read that form.
  uint64_t inline_bytes = 1900u << 20;
};

/// A file to be written: its parts one after the other. The views point into the graph's constants
/// and the other members.
struct TfliteFile {
  flatbuffers::DetachedBuffer head;
  std::vector<uint8_t> runtime_version;         ///< the minimum runtime version, as metadata has it
  std::vector<std::span<const uint8_t>> parts;  ///< head first, then data and the zeros between

  uint64_t bytes() const;
  /// All parts in one piece.
  std::vector<uint8_t> joined() const;
};

/// Lays out a graph: operator versions, minimum runtime version, signatures, equal constants once,
/// data aligned to 16 bytes. The graph must outlive the result. Throws Failure when a graph can't
/// be written.
TfliteFile write_tflite(const Graph& graph, const WriteOptions& options = {});

}  // namespace cygnet
