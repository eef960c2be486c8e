// SPDX-License-Identifier: Apache-2.0
// Draft: a Graph under construction and the memory that its views point to.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "edit/quantized_type.h"
#include "graph/graph.h"

namespace cygnet {

/// The batch sizes under which shapes are worked out where a network leaves the batch free: 1, what
/// a .tflite file stores, and two probes. A dimension that differs between them is free in the
/// signature; a shape operand that has the same values under all of them is a constant.
inline constexpr std::array<int32_t, 3> kBatches = {1, 5, 7};

/// What is known of a tensor besides its GraphTensor.
struct TensorFacts {
  std::array<Shape, kBatches.size()> shapes;  ///< under each of kBatches; [0] is the tensor's own
  /// The bytes of a small tensor under each of kBatches where they follow from shapes and constants
  /// alone; empty: not known.
  std::array<std::vector<uint8_t>, kBatches.size()> values;
  bool shape_unknown = false;  ///< depends on data: known only while running
  Grid grid;                   ///< of a float constant (edit/grid.h)
};

/// Importers fill one, passes rewrite it, the writer saves it. Everything that a tensor or node
/// views lives as long as the draft, or is static.
class Draft {
 public:
  Graph graph;
  std::string source;                           ///< the file it came from, for messages
  std::vector<std::vector<TensorFacts>> facts;  ///< by subgraph and tensor
  std::vector<std::string> warnings;            ///< what the user should know

  Draft() = default;
  Draft(Draft&&) = default;
  Draft& operator=(Draft&&) = default;

  /// A draft of the same graph that may be changed for itself; it views this one's memory, which
  /// must outlive it.
  Draft borrow() const;

  /// Bounds what the draft takes: bytes of memory (mapped files don't count) and operators. What
  /// goes beyond throws Failure.
  void limit(int64_t bytes, int64_t operators);
  /// As the limits of another draft.
  void limit_like(const Draft& other) { limit(other.most_bytes_, other.most_operators_); }
  /// Counts an operator that is about to be added.
  void count_operator();
  /// Counts memory that is about to be taken for something that the graph views.
  void count_bytes(size_t bytes);
  /// The bytes that may still be taken.
  int64_t bytes_left() const { return most_bytes_ - bytes_; }

  /// A copy of a text that lives as long as the draft.
  std::string_view keep(std::string_view text);
  /// A copy of an operand list.
  std::span<const int32_t> keep(std::span<const int32_t> operands);
  /// `bytes` zeroed bytes, 64-byte aligned.
  std::span<uint8_t> allocate(size_t bytes);
  /// Frees the allocated memory in which nothing of the graph lies any more.
  void release_unused();
  /// Keeps what constants view (a mapped file) alive.
  void hold(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }
  /// Appends an empty subgraph; returns its index.
  int add_subgraph(std::string_view name);

 private:
  std::deque<std::string> texts_;
  std::deque<std::vector<int32_t>> operands_;
  std::deque<base::Buffer> blocks_;
  std::vector<std::shared_ptr<const void>> owners_;
  int64_t bytes_ = 0, most_bytes_ = INT64_MAX;
  int64_t operators_ = 0, most_operators_ = INT64_MAX;
};

}  // namespace cygnet
