// SPDX-License-Identifier: Apache-2.0
#include "graph/sparsity.h"
#include "graph/verify_tensor.h"

namespace cygnet {
namespace {

// Whether order[from, to) holds from..to−1, each once. to ≤ 2 · kMaxRank.
bool is_permutation(const flatbuffers::Vector<int32_t>& order, int from, int to) {
  uint32_t seen = 0;
  for (int i = from; i < to; ++i) {
    const int32_t v = order.Get(static_cast<flatbuffers::uoffset_t>(i));
    if (v < from || v >= to || ((seen >> v) & 1) != 0) return false;
    seen |= 1u << v;
  }
  return true;
}

// Checks one sparse dimension of size `dim` under `outer` positions; `*stored` is how many it
// keeps.
Status verify_sparse_dimension(const schema::DimensionMetadata& metadata, int64_t dim,
                               int64_t outer, Budget* budget, int64_t* stored) {
  const IndexList segments = segments_of(metadata), indices = indices_of(metadata);
  if (segments.size < 0 || indices.size < 0)
    return bad_model("T7: a sparse dimension without segments or indices");
  CYGNET_TRY(budget->spend(segments.size + indices.size));
  if (segments.size != outer + 1)
    return bad_model("T7: expected %lld segments, got %lld", static_cast<long long>(outer + 1),
                     static_cast<long long>(segments.size));
  if (segments.at(0) != 0)
    return bad_model("T7: expected the first segment at 0, got %lld",
                     static_cast<long long>(segments.at(0)));
  for (int64_t i = 1; i < segments.size; ++i)
    if (segments.at(i) < segments.at(i - 1))
      return bad_model("T7: segment %lld begins before the one ahead of it",
                       static_cast<long long>(i));
  if (segments.at(segments.size - 1) != indices.size)
    return bad_model("T7: expected %lld indices, got %lld",
                     static_cast<long long>(segments.at(segments.size - 1)),
                     static_cast<long long>(indices.size));
  for (int64_t i = 0; i < indices.size; ++i)
    if (indices.at(i) < 0 || indices.at(i) >= dim)
      return bad_model("T7: index %lld: expected 0 to %lld, got %lld", static_cast<long long>(i),
                       static_cast<long long>(dim - 1), static_cast<long long>(indices.at(i)));
  *stored = indices.size;
  return {};
}

}  // namespace

Status verify_sparsity(const GraphTensor& tensor, Budget* budget, int64_t* stored) {
  const auto& sparsity = *static_cast<const schema::SparsityParameters*>(tensor.sparsity);
  const auto *order = sparsity.traversal_order(), *block_map = sparsity.block_map();
  const auto* dims = sparsity.dim_metadata();
  const int rank = tensor.shape.rank;
  if (order == nullptr || dims == nullptr)
    return bad_model("T7: expected a traversal order and dimensions, got none");
  const int64_t levels = order->size();
  if (levels < rank || levels > 2 * kMaxRank || dims->size() != order->size())
    return bad_model("T7: expected %d to %d levels, as many as dimensions (%u), got %lld", rank,
                     2 * kMaxRank, dims->size(), static_cast<long long>(levels));
  const int blocks = static_cast<int>(levels) - rank;
  if (blocks != static_cast<int>(block_map == nullptr ? 0 : block_map->size()))
    return bad_model("T7: expected a block map of %d, got %u", blocks,
                     block_map == nullptr ? 0 : block_map->size());
  if (!is_permutation(*order, 0, rank) || !is_permutation(*order, rank, rank + blocks))
    return bad_model("T7: the traversal order is not a permutation");
  int64_t sizes[2 * kMaxRank] = {};
  for (int i = 0; i < rank; ++i) sizes[i] = tensor.shape[i];
  uint32_t mapped = 0;
  for (int i = 0; i < blocks; ++i) {
    const int32_t block = dims->Get(static_cast<flatbuffers::uoffset_t>(rank + i))->dense_size();
    // Level rank + i goes over this dimension, which the block map leads back to `target`.
    const int32_t expanded = order->Get(static_cast<flatbuffers::uoffset_t>(rank + i));
    const int32_t target = block_map->Get(static_cast<flatbuffers::uoffset_t>(expanded - rank));
    if (target < 0 || target >= rank || ((mapped >> target) & 1) != 0)
      return bad_model("T7: block %d: expected a dimension of 0 to %d of its own, got %d", i,
                       rank - 1, target);
    mapped |= 1u << target;
    if (block < 1 || sizes[target] % block != 0)
      return bad_model("T7: block %d: size %d does not divide dimension %lld", i, block,
                       static_cast<long long>(sizes[target]));
    sizes[target] /= block;
    sizes[expanded] = block;
  }
  int64_t positions = 1;
  for (int i = 0; i < rank + blocks; ++i) {
    const auto& metadata = *dims->Get(static_cast<flatbuffers::uoffset_t>(i));
    const int64_t dim = sizes[order->Get(static_cast<flatbuffers::uoffset_t>(i))];
    if (metadata.format() == schema::DimensionType::DENSE) {
      if (metadata.dense_size() != dim)
        return bad_model("T7: level %d: expected dense size %lld, got %d", i,
                         static_cast<long long>(dim), metadata.dense_size());
      if (__builtin_mul_overflow(positions, dim, &positions) || positions > INT32_MAX)
        return bad_model("T7: the dense size overflows");
    } else if (metadata.format() == schema::DimensionType::SPARSE_CSR) {
      CYGNET_TRY(verify_sparse_dimension(metadata, dim, positions, budget, &positions));
    } else {
      return bad_model("T7: level %d: expected format 0 or 1, got %d", i,
                       static_cast<int>(metadata.format()));
    }
  }
  *stored = positions;
  return {};
}

}  // namespace cygnet
