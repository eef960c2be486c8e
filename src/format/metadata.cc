// SPDX-License-Identifier: Apache-2.0
#include "format/metadata.h"

#include <algorithm>

namespace cygnet {
namespace {

// The numbers in the metadata entry "model_control_dependencies": unsigned ones in groups of 7
// bits, lowest first, the top bit of each byte set where more follow; signed ones zigzag-encoded.
class NumberReader {
 public:
  explicit NumberReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool at_end() const { return at_ == bytes_.size(); }
  int64_t left() const { return static_cast<int64_t>(bytes_.size() - at_); }

  /// False at the end of the bytes and for more than 32 bits.
  bool read(uint32_t* out) {
    uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (at_end()) return false;
      const uint8_t byte = bytes_[at_++];
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) != 0) continue;
      *out = static_cast<uint32_t>(value);
      return value <= UINT32_MAX;
    }
    return false;
  }

  bool read(int32_t* out) {
    uint32_t value = 0;
    if (!read(&value)) return false;
    const auto magnitude = static_cast<int32_t>(value / 2);
    *out = value % 2 == 0 ? magnitude : -magnitude - 1;
    return true;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

Status damaged() {
  return bad_model(
      "C11: metadata \"model_control_dependencies\": expected lists of operator pairs, got bytes "
      "that end early or do not decode");
}

// One list of edges for each subgraph. The operators run in the order of the file, so that an edge
// is kept, and a cycle excluded, when its source comes first.
Status verify_control_dependencies(std::span<const uint8_t> data, const Graph& graph,
                                   Budget* budget) {
  NumberReader reader(data);
  CYGNET_TRY(budget->spend(static_cast<int64_t>(data.size())));
  uint32_t version = 0, subgraphs = 0;
  if (!reader.read(&version) || !reader.read(&subgraphs)) return damaged();
  if (version != 1)
    return bad_model("C11: metadata \"model_control_dependencies\": expected version 1, got %u",
                     version);
  if (subgraphs > graph.subgraphs.size())
    return bad_model(
        "C11: metadata \"model_control_dependencies\": expected at most %zu subgraphs, got %u",
        graph.subgraphs.size(), subgraphs);
  for (uint32_t s = 0; s < subgraphs; ++s) {
    uint32_t edges = 0;
    if (!reader.read(&edges) || edges > reader.left() / 2) return damaged();
    const auto operators = static_cast<int32_t>(graph.subgraphs[s].nodes.size());
    for (uint32_t e = 0; e < edges; ++e) {
      int32_t from = 0, to = 0;
      if (!reader.read(&from) || !reader.read(&to)) return damaged();
      if (from < 0 || from >= to || to >= operators)
        return bad_model(
            "C11: metadata \"model_control_dependencies\": subgraph %u edge %u: expected an "
            "operator and a later one below %d, got %d and %d",
            s, e, operators, from, to);
    }
  }
  return reader.at_end() ? Status() : damaged();
}

}  // namespace

Status verify_metadata(const Metadata& metadata, const Graph& graph, Budget* budget) {
  if (metadata.name == "min_runtime_version") {
    CYGNET_TRY(budget->spend(static_cast<int64_t>(metadata.data.size())));
    if (std::find(metadata.data.begin(), metadata.data.end(), 0) != metadata.data.end()) return {};
    return bad_model(
        "C11: metadata \"min_runtime_version\": expected a zero-terminated text, got %zu bytes "
        "without a zero",
        metadata.data.size());
  }
  if (metadata.name == "model_control_dependencies")
    return verify_control_dependencies(metadata.data, graph, budget);
  return {};
}

}  // namespace cygnet
