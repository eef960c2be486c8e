// SPDX-License-Identifier: Apache-2.0
#include "graph/sparsity.h"

#include <cstring>

namespace cygnet {
namespace {

template <class Table>
IndexList index_list_of(const void* table, int width) {
  const auto* values = static_cast<const Table*>(table)->values();
  if (values == nullptr) return {};
  return {reinterpret_cast<const uint8_t*>(values->data()), width,
          static_cast<int64_t>(values->size())};
}

IndexList index_list(schema::SparseIndexVector type, const void* table) {
  if (table == nullptr) return {};
  switch (type) {
    case schema::SparseIndexVector::Int32Vector:
      return index_list_of<schema::Int32Vector>(table, 4);
    case schema::SparseIndexVector::Uint16Vector:
      return index_list_of<schema::Uint16Vector>(table, 2);
    case schema::SparseIndexVector::Uint8Vector:
      return index_list_of<schema::Uint8Vector>(table, 1);
    default:
      return {};
  }
}

// A level of the traversal. `step`: how many elements of the dense tensor lie between neighbours.
struct Level {
  bool dense = true;
  int64_t size = 0;  // dense
  IndexList segments, indices;
  int64_t step = 0;
};

struct Walk {
  const Level* end;
  const uint8_t* stored;
  uint8_t* out;
  size_t bytes;  // of an element

  // Stored elements from number `position` of the levels above on, which begin at element `at`. As
  // deep as there are levels: 2 · kMaxRank.
  void run(const Level* level, int64_t position, int64_t at) const {
    if (level == end) {
      std::memcpy(out + static_cast<size_t>(at) * bytes,
                  stored + static_cast<size_t>(position) * bytes, bytes);
      return;
    }
    if (level->dense) {
      for (int64_t i = 0; i < level->size; ++i)
        run(level + 1, position * level->size + i, at + i * level->step);
      return;
    }
    const int64_t last = level->segments.at(position + 1);
    for (int64_t i = level->segments.at(position); i < last; ++i)
      run(level + 1, i, at + level->indices.at(i) * level->step);
  }
};

}  // namespace

IndexList segments_of(const schema::DimensionMetadata& metadata) {
  return index_list(metadata.array_segments_type(), metadata.array_segments());
}

IndexList indices_of(const schema::DimensionMetadata& metadata) {
  return index_list(metadata.array_indices_type(), metadata.array_indices());
}

void densify(const GraphTensor& tensor, void* out) {
  if (tensor.shape.elements() == 0) return;
  const auto& sparsity = *static_cast<const schema::SparsityParameters*>(tensor.sparsity);
  const auto& order = *sparsity.traversal_order();
  const auto& dims = *sparsity.dim_metadata();
  const int rank = tensor.shape.rank, levels = static_cast<int>(order.size());
  // Elements between neighbours in each dimension, then in each block.
  int64_t steps[2 * kMaxRank] = {};
  for (int d = 0; d < rank; ++d) steps[d] = tensor.shape.elements(d + 1, rank);
  for (int i = rank; i < levels; ++i) {
    const int32_t expanded = order.Get(static_cast<flatbuffers::uoffset_t>(i));
    const int32_t target =
        sparsity.block_map()->Get(static_cast<flatbuffers::uoffset_t>(expanded - rank));
    steps[expanded] = steps[target];
    steps[target] *= dims.Get(static_cast<flatbuffers::uoffset_t>(i))->dense_size();
  }
  Level list[2 * kMaxRank];
  for (int i = 0; i < levels; ++i) {
    const auto& metadata = *dims.Get(static_cast<flatbuffers::uoffset_t>(i));
    list[i] = {.dense = metadata.format() == schema::DimensionType::DENSE,
               .size = metadata.dense_size(),
               .segments = segments_of(metadata),
               .indices = indices_of(metadata),
               .step = steps[order.Get(static_cast<flatbuffers::uoffset_t>(i))]};
  }
  const Walk walk = {.end = list + levels,
                     .stored = tensor.as<uint8_t>(),
                     .out = static_cast<uint8_t*>(out),
                     .bytes = static_cast<size_t>(type_bits(tensor.type)) / 8};
  walk.run(list, 0, 0);
}

}  // namespace cygnet
