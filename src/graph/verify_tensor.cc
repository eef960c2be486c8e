// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "schema/tflite_generated.h"

namespace cygnet {
namespace {

// Elements of a shape; rule T3: a zero dimension does not hide that the others overflow.
Status count_elements(const Shape& shape, const Limits& limits, int64_t* elements) {
  int64_t product = 1;
  bool empty = false;
  for (int32_t d : shape) {
    if (d < 0) return bad_model("T2: expected dimensions >= 0, got shape %s", shape_text(shape).text);
    if (d == 0) empty = true;
    else if (__builtin_mul_overflow(product, int64_t{d}, &product) || product > INT32_MAX)
      return bad_model("T3: expected at most 2147483647 elements, got shape %s", shape_text(shape).text);
  }
  if (!empty && product > limits.tensor_elements)
    return Status::error(Code::limit, "T3: shape %s has more elements than limit tensor_elements (%lld)",
                         shape_text(shape).text, static_cast<long long>(limits.tensor_elements));
  *elements = empty ? 0 : product;
  return {};
}

Status verify_shape(const GraphTensor& tensor, const Limits& limits, int64_t* elements) {
  CYGNET_TRY(count_elements(tensor.shape, limits, elements));
  if (!tensor.has_signature) return {};
  const auto refuse = [&] {
    return bad_model("T2: expected a shape signature of -1s and the dimensions of shape %s, got %s",
                     shape_text(tensor.shape).text, shape_text(tensor.signature).text);
  };
  if (tensor.signature.rank != tensor.shape.rank) return refuse();
  for (int i = 0; i < tensor.shape.rank; ++i)
    if (tensor.signature[i] != -1 && tensor.signature[i] != tensor.shape[i]) return refuse();
  return {};
}

// count, count + 1 offsets, then the characters; all offsets from the start of the buffer.
Status verify_strings(const GraphTensor& tensor, int64_t elements) {
  const auto* data = static_cast<const uint8_t*>(tensor.data);
  const auto word = [&](int64_t i) {
    int32_t value;
    std::memcpy(&value, data + 4 * i, 4);
    return int64_t{value};
  };
  const auto bytes = static_cast<int64_t>(tensor.bytes);
  if (bytes < 8) return bad_model("T6: expected at least 8 bytes of strings, got %lld", static_cast<long long>(bytes));
  if (word(0) != elements)
    return bad_model("T6: expected %lld strings, got %lld", static_cast<long long>(elements), static_cast<long long>(word(0)));
  const int64_t first = (elements + 2) * 4;
  if (first > bytes) return bad_model("T6: expected %lld bytes of string offsets, got %lld", static_cast<long long>(first), static_cast<long long>(bytes));
  int64_t previous = first;
  for (int64_t i = 0; i <= elements; ++i) {
    const int64_t offset = word(1 + i);
    if (offset < previous || offset > bytes || (i == 0 && offset != first))
      return bad_model("T6: string offset %lld: expected %lld to %lld, got %lld", static_cast<long long>(i),
                       static_cast<long long>(previous), static_cast<long long>(bytes), static_cast<long long>(offset));
    previous = offset;
  }
  if (previous != bytes) return bad_model("T6: expected the strings to end at %lld, got %lld", static_cast<long long>(bytes), static_cast<long long>(previous));
  return {};
}

// ---- Sparsity (rule T7)

// One integer list of a sparse dimension, whatever its element type.
struct IndexList {
  const uint8_t* data = nullptr;
  int width = 0;
  int64_t size = -1;  // −1: absent
  int64_t at(int64_t i) const {
    if (width == 1) return data[i];
    if (width == 2) return reinterpret_cast<const uint16_t*>(data)[i];
    return reinterpret_cast<const int32_t*>(data)[i];
  }
};

template <class Table> IndexList index_list_of(const void* table, int width) {
  const auto* values = static_cast<const Table*>(table)->values();
  if (values == nullptr) return {};
  return {reinterpret_cast<const uint8_t*>(values->data()), width, static_cast<int64_t>(values->size())};
}

IndexList index_list(schema::SparseIndexVector type, const void* table) {
  if (table == nullptr) return {};
  switch (type) {
    case schema::SparseIndexVector::Int32Vector: return index_list_of<schema::Int32Vector>(table, 4);
    case schema::SparseIndexVector::Uint16Vector: return index_list_of<schema::Uint16Vector>(table, 2);
    case schema::SparseIndexVector::Uint8Vector: return index_list_of<schema::Uint8Vector>(table, 1);
    default: return {};
  }
}

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

// Checks one sparse dimension of size `dim` under `outer` positions; `*stored` is how many it keeps.
Status verify_sparse_dimension(const schema::DimensionMetadata& metadata, int64_t dim, int64_t outer, int64_t* stored) {
  const IndexList segments = index_list(metadata.array_segments_type(), metadata.array_segments());
  const IndexList indices = index_list(metadata.array_indices_type(), metadata.array_indices());
  if (segments.size < 0 || indices.size < 0) return bad_model("T7: a sparse dimension without segments or indices");
  if (segments.size != outer + 1)
    return bad_model("T7: expected %lld segments, got %lld", static_cast<long long>(outer + 1), static_cast<long long>(segments.size));
  if (segments.at(0) != 0) return bad_model("T7: expected the first segment at 0, got %lld", static_cast<long long>(segments.at(0)));
  for (int64_t i = 1; i < segments.size; ++i)
    if (segments.at(i) < segments.at(i - 1)) return bad_model("T7: segment %lld begins before the one ahead of it", static_cast<long long>(i));
  if (segments.at(segments.size - 1) != indices.size)
    return bad_model("T7: expected %lld indices, got %lld", static_cast<long long>(segments.at(segments.size - 1)), static_cast<long long>(indices.size));
  for (int64_t i = 0; i < indices.size; ++i)
    if (indices.at(i) < 0 || indices.at(i) >= dim)
      return bad_model("T7: index %lld: expected 0 to %lld, got %lld", static_cast<long long>(i), static_cast<long long>(dim - 1), static_cast<long long>(indices.at(i)));
  *stored = indices.size;
  return {};
}

// Checks the description and gives the number of elements that are stored.
Status verify_sparsity(const GraphTensor& tensor, int64_t* stored) {
  const auto& sparsity = *static_cast<const schema::SparsityParameters*>(tensor.sparsity);
  const auto *order = sparsity.traversal_order(), *block_map = sparsity.block_map();
  const auto* dims = sparsity.dim_metadata();
  const int rank = tensor.shape.rank;
  if (order == nullptr || dims == nullptr) return bad_model("T7: expected a traversal order and dimensions, got none");
  const int64_t levels = order->size();
  if (levels < rank || levels > 2 * kMaxRank || dims->size() != order->size())
    return bad_model("T7: expected %d to %d levels, as many as dimensions (%u), got %lld", rank, 2 * kMaxRank, dims->size(), static_cast<long long>(levels));
  const int blocks = static_cast<int>(levels) - rank;
  if (blocks != static_cast<int>(block_map == nullptr ? 0 : block_map->size())) return bad_model("T7: expected a block map of %d, got %u", blocks, block_map == nullptr ? 0 : block_map->size());
  if (!is_permutation(*order, 0, rank) || !is_permutation(*order, rank, rank + blocks)) return bad_model("T7: the traversal order is not a permutation");
  int64_t sizes[2 * kMaxRank] = {};
  for (int i = 0; i < rank; ++i) sizes[i] = tensor.shape[i];
  uint32_t mapped = 0;
  for (int i = 0; i < blocks; ++i) {
    const int32_t block = dims->Get(static_cast<flatbuffers::uoffset_t>(rank + i))->dense_size();
    const int32_t target = block_map->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (target < 0 || target >= rank || ((mapped >> target) & 1) != 0) return bad_model("T7: block %d: expected a dimension of 0 to %d of its own, got %d", i, rank - 1, target);
    mapped |= 1u << target;
    if (block < 1 || sizes[target] % block != 0) return bad_model("T7: block %d: size %d does not divide dimension %lld", i, block, static_cast<long long>(sizes[target]));
    sizes[target] /= block;
    sizes[order->Get(static_cast<flatbuffers::uoffset_t>(rank + i))] = block;
  }
  int64_t positions = 1;
  for (int i = 0; i < rank + blocks; ++i) {
    const auto& metadata = *dims->Get(static_cast<flatbuffers::uoffset_t>(i));
    const int64_t dim = sizes[order->Get(static_cast<flatbuffers::uoffset_t>(i))];
    if (metadata.format() == schema::DimensionType::DENSE) {
      if (metadata.dense_size() != dim) return bad_model("T7: level %d: expected dense size %lld, got %d", i, static_cast<long long>(dim), metadata.dense_size());
      if (__builtin_mul_overflow(positions, dim, &positions) || positions > INT32_MAX) return bad_model("T7: the dense size overflows");
    } else if (metadata.format() == schema::DimensionType::SPARSE_CSR) {
      CYGNET_TRY(verify_sparse_dimension(metadata, dim, positions, &positions));
    } else {
      return bad_model("T7: level %d: expected format 0 or 1, got %d", i, static_cast<int>(metadata.format()));
    }
  }
  *stored = positions;
  return {};
}

// ---- Quantization (rule T8)

void zero_point_range(Type type, int64_t* low, int64_t* high) {
  switch (type) {
    case Type::uint8: *low = 0, *high = 255; return;
    case Type::int8: *low = -128, *high = 127; return;
    case Type::int16: *low = -32768, *high = 32767; return;
    case Type::uint16: *low = 0, *high = 65535; return;
    case Type::int4: *low = -8, *high = 7; return;
    case Type::int2: *low = -2, *high = 1; return;
    default: *low = INT32_MIN, *high = INT32_MAX; return;
  }
}

Status verify_quantization(const GraphTensor& tensor) {
  const Quantization& q = tensor.quantization;
  if (q.count == 0) {
    if (q.zero_point_count > 1) return bad_model("T8: expected as many zero points as scales (0), got %d", q.zero_point_count);
    return {};
  }
  if (q.count > 1) {
    if (q.axis < 0 || q.axis >= tensor.shape.rank) return bad_model("T8: expected a quantized dimension of 0 to %d, got %d", tensor.shape.rank - 1, q.axis);
    if (q.count != tensor.shape[q.axis]) return bad_model("T8: expected 1 scale or %d, the size of dimension %d, got %d", tensor.shape[q.axis], q.axis, q.count);
  }
  if (q.zero_point_count > 1 && q.zero_point_count != q.count) return bad_model("T8: expected as many zero points as scales (%d), got %d", q.count, q.zero_point_count);
  for (int i = 0; i < q.count; ++i)
    if (!std::isfinite(q.scales[i]) || !(q.scales[i] > 0)) return bad_model("T8: scale %d: expected a finite number > 0, got %g", i, static_cast<double>(q.scales[i]));
  int64_t low = 0, high = 0;
  zero_point_range(tensor.type, &low, &high);
  for (int i = 0; i < q.zero_point_count; ++i)
    if (q.zero_points[i] < low || q.zero_points[i] > high)
      return bad_model("T8: zero point %d: expected %lld to %lld, got %lld", i, static_cast<long long>(low), static_cast<long long>(high), static_cast<long long>(q.zero_points[i]));
  return {};
}

}  // namespace

Status verify_tensor(const GraphTensor& tensor, const Limits& limits) {
  if (static_cast<int>(tensor.type) >= kTypeCount) return bad_model("T1: expected a type of 0 to %d, got %d", kTypeCount - 1, static_cast<int>(tensor.type));
  int64_t elements = 0;
  CYGNET_TRY(verify_shape(tensor, limits, &elements));
  CYGNET_TRY(verify_quantization(tensor));
  if (!tensor.constant) return {};
  if (tensor.variable) return bad_model("G5: a variable can't have constant data");
  if (tensor.type == Type::string) return verify_strings(tensor, elements);
  const int bits = type_bits(tensor.type);
  if (bits == 0) return bad_model("T1: a constant of type %s", type_name(tensor.type));
  if (tensor.sparsity != nullptr) CYGNET_TRY(verify_sparsity(tensor, &elements));
  const auto expected = static_cast<size_t>((elements * bits + 7) / 8);
  if (tensor.bytes == expected) return {};
  return bad_model("T4: expected %zu bytes for %s %s, got %zu", expected, type_name(tensor.type), shape_text(tensor.shape).text, tensor.bytes);
}

}  // namespace cygnet
